import { toHex } from '../der/octets.ts';
import { OID } from './oids.ts';
import type { Name, RelativeDistinguishedName } from './name.ts';

/** Short names of RFC 4514 section 3 and the customary ones besides. */
export const ATTRIBUTE_NAMES: Readonly<Record<string, string>> = {
  [OID.commonName]: 'CN',
  [OID.localityName]: 'L',
  [OID.stateOrProvinceName]: 'ST',
  [OID.organizationName]: 'O',
  [OID.organizationalUnitName]: 'OU',
  [OID.countryName]: 'C',
  [OID.streetAddress]: 'STREET',
  [OID.domainComponent]: 'DC',
  [OID.userId]: 'UID',
  [OID.surname]: 'SN',
  [OID.givenName]: 'GN',
  [OID.serialNumber]: 'serialNumber',
  [OID.title]: 'title',
  [OID.initials]: 'initials',
  [OID.generationQualifier]: 'generationQualifier',
  [OID.dnQualifier]: 'dnQualifier',
  [OID.pseudonym]: 'pseudonym',
  [OID.emailAddress]: 'emailAddress',
};

/**
 * RFC 4514 text of a name: the last level first, special characters escaped, control characters as `\XX`,
 * unknown types as dotted identifiers with `#` and the hexadecimal encoding. For people and logs: never take it apart
 * to decide anything, use `rdns`.
 *
 * @example
 * nameToString(certificate.subject) // 'CN=demo,O=Example\, Inc.'
 */
export function nameToString(name: Name): string {
  return name.rdns.toReversed().map(rdnToString).join(',');
}

/** RFC 4514 text of one level. */
export function rdnToString(rdn: RelativeDistinguishedName): string {
  return rdn
    .map(({ type, value, valueDer }) => {
      const short = ATTRIBUTE_NAMES[type];
      return short === undefined || value === undefined
        ? `${short ?? type}=#${toHex(valueDer)}`
        : `${short}=${escapeValue(value)}`;
    })
    .join('+');
}

// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/u;
const hiddenEncoder = new TextEncoder();

function escapeValue(value: string): string {
  let text = '';
  for (const character of value) {
    // Also what would reorder or hide text on a terminal or in a log.
    if (HIDDEN.test(character))
      for (const octet of hiddenEncoder.encode(character)) text += `\\${toHex(Uint8Array.of(octet))}`;
    else if ('"+,;<>\\'.includes(character)) text += `\\${character}`;
    else text += character;
  }
  if (value.length > 1 && value.endsWith(' ')) text = `${text.slice(0, -1)}\\ `;
  return value.startsWith(' ') || value.startsWith('#') ? `\\${text}` : text;
}
