import { toHex } from '../../der/octets.ts';
import type { GeneralName } from '../../x509/general-name.ts';
import type { NameConstraints } from '../../x509/extensions/constraints.ts';
import type { Report } from '../findings.ts';
import { isHostName, isMailbox } from './alternative-names.ts';

/** The bases of subtrees (RFC 5280, section 4.2.1.10). */
export function lintNameConstraints(constraints: NameConstraints, report: Report): void {
  for (const base of [...(constraints.permitted ?? []), ...(constraints.excluded ?? [])]) lintBase(base, report);
}

function lintBase(base: GeneralName, report: Report): void {
  switch (base.type) {
    case 'dns':
      // An empty name covers every one; a leading dot is no part of the syntax, unlike for URIs and e-mail.
      if (base.value !== '' && !isHostName(base.value)) report('constraint_dns', JSON.stringify(base.value));
      return;
    case 'email':
      if (!isMailbox(base.value) && !isHostOrDomain(base.value)) report('constraint_email', JSON.stringify(base.value));
      return;
    case 'uri':
      if (!isHostOrDomain(base.value)) report('constraint_uri', JSON.stringify(base.value));
      return;
    case 'ip':
      if (!isContiguous(base.value.subarray(base.value.length / 2))) report('constraint_ip', toHex(base.value));
      return;
    default:
      return;
  }
}

function isHostOrDomain(text: string): boolean {
  return isHostName(text.startsWith('.') ? text.slice(1) : text);
}

/** A mask of ones, then zeros. */
function isContiguous(mask: Uint8Array): boolean {
  const bits = [...mask].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits);
}
