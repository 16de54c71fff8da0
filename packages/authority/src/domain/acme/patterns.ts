import { parseIpAddress } from '@countersign/pki';
import { isInRange, parseAddressRange } from '@countersign/trust';
import { parseTypedName } from '../names.ts';
import type { AcmeName } from './identifiers.ts';

// Which names an external account key is about, as an administrator writes it:
//   dns:www.example.com   this name          dns:*.example.com   this wildcard
//   dns:.example.com      every name below   ip:10.0.0.1         this address      ip:10.0.0.0/8   the addresses of a network

/** The pattern in its normal form, or undefined for what is none. */
export function parsePattern(text: string): string | undefined {
  const colon = text.indexOf(':');
  const type = text.slice(0, colon);
  const value = text.slice(colon + 1);
  if (type === 'ip') return parseAddressRange(value) === undefined ? undefined : `ip:${value.toLowerCase()}`;
  if (type !== 'dns') return undefined;
  const below = value.startsWith('.');
  const name = parseTypedName('dns', below ? value.slice(1) : value);
  if ('malformed' in name || (below && name.value.startsWith('*'))) return undefined;
  return `dns:${below ? '.' : ''}${name.value}`;
}

/** Whether a pattern is about a name. `.example.com` is not about `example.com` itself. */
export function matchesPattern(pattern: string, name: AcmeName): boolean {
  if (pattern.startsWith('ip:')) {
    const network = parseAddressRange(pattern.slice(3));
    const octets = name.type === 'ip' ? parseIpAddress(name.value) : undefined;
    return network !== undefined && octets !== undefined && isInRange(octets, network);
  }
  if (name.type !== 'dns' || !pattern.startsWith('dns:')) return false;
  const value = pattern.slice(4);
  return value.startsWith('.') ? name.value.endsWith(value) && name.value.length > value.length : name.value === value;
}
