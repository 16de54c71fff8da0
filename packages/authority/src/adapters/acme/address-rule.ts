import { networkInterfaces } from 'node:os';
import { addressKind, addressOctets, isInRange, parseAddressRange } from '@countersign/trust';
import type { AddressRange } from '@countersign/trust';
import { AuthorityError } from '../../errors.ts';

/** Why a validation may not connect to an address; undefined: it may. */
export type AddressRule = (address: string) => string | undefined;

export interface AddressRuleOptions {
  /** Addresses and ranges that may be connected to whatever they are. */
  readonly allow?: readonly string[] | undefined;
  /** Addresses and ranges that are never connected to. */
  readonly deny?: readonly string[] | undefined;
  /** Where the authority itself listens: hosts, as they were told to listen. */
  readonly own: () => readonly string[];
}

function rangesOf(texts: readonly string[] | undefined, option: string): readonly AddressRange[] {
  return (texts ?? []).map((text) => {
    const range = parseAddressRange(text);
    if (range === undefined) {
      const words = 'is no address and no range (10.0.0.0/8; the bits behind the prefix are zero)';
      throw new AuthorityError('invalid_option', `acme.validation.${option}: ${JSON.stringify(text)} ${words}`);
    }
    return range;
  });
}

/** The addresses that a listener on `host` is reached by. */
function addressesOf(host: string): readonly string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host];
  return Object.values(networkInterfaces()).flatMap((ones) => (ones ?? []).map(({ address }) => address));
}

/**
 * Where validations may connect to. A private CA's clients live at private addresses (RFC 1918, unique local), so these are allowed like
 * public ones; loopback, link-local, metadata services, multicast and reserved addresses and the authority's own are not, in whatever
 * disguise. `deny` comes before `allow`, and `allow` before all this.
 */
export function addressRule({ allow, deny, own }: AddressRuleOptions): AddressRule {
  const allowed = rangesOf(allow, 'allow');
  const denied = rangesOf(deny, 'deny');
  return (address) => {
    const octets = addressOctets(address);
    if (octets === undefined) return 'is no address';
    if (denied.some((range) => isInRange(octets, range))) return 'is denied by the configuration';
    if (allowed.some((range) => isInRange(octets, range))) return undefined;
    const kind = addressKind(octets);
    if (kind !== 'public' && kind !== 'private') return `is a ${kind.replaceAll('_', '-')} address`;
    const isOwn = own()
      .flatMap(addressesOf)
      .some((one) => Buffer.from(addressOctets(one) ?? []).equals(octets));
    return isOwn ? "is the authority's own address" : undefined;
  };
}
