import { toHex } from '../der/octets.ts';
import type { AttributeTypeAndValue, RelativeDistinguishedName } from './name.ts';

/**
 * A text that two names share exactly when they are equal under RFC 5280 section 7.1. Within one level the order of
 * attributes does not matter; levels keep theirs. JSON's quoting keeps the parts apart whatever is in them.
 */
export function canonicalName(rdns: readonly RelativeDistinguishedName[]): string {
  return JSON.stringify(rdns.map(canonicalRdn));
}

/** The same for one level of a name. */
export function canonicalRdn(rdn: RelativeDistinguishedName): string[] {
  const attributes = rdn.map(canonicalAttribute);
  return attributes.length > 1 ? attributes.sort() : attributes;
}

function canonicalAttribute(attribute: AttributeTypeAndValue): string {
  return attribute.value === undefined
    ? `${attribute.type}#${toHex(attribute.valueDer)}`
    : `${attribute.type}=${prepareText(attribute.value)}`;
}

/** ASCII without control characters and with single spaces inside only: folding its case is all there is to do. */
const PLAIN = /^(?:[\x21-\x7e]+(?: [\x21-\x7e]+)*)?$/;
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f]/;
const MAPPED_TO_NOTHING =
  /[\u00ad\u06dd\u070f\u200b-\u200f\u202a-\u202e\u2060-\u2063\u206a-\u206f\ufeff\ufff9-\ufffc]|[\u180b-\u180e]|\u034f|\u1806|[\ufe00-\ufe0f]/g;
const WHITE_SPACE = /[\t-\r\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/**
 * String preparation for comparison (RFC 4518 section 2, as RFC 5280 section 7.1 asks): map, fold case, NFKC,
 * insignificant spaces. RFC 4518 would drop control characters; a value that holds one stays as it is
 * instead, so that `a\0b` never equals `ab`.
 *
 * @example
 * prepareText('  Example   CA ') === prepareText('example ca')
 */
export function prepareText(text: string): string {
  if (PLAIN.test(text)) return text.toLowerCase();
  if (CONTROL.test(text)) return text;
  const mapped = text.replace(MAPPED_TO_NOTHING, '').replace(WHITE_SPACE, ' ').normalize('NFKC');
  return foldCase(mapped).normalize('NFKC').replace(WHITE_SPACE, ' ').trim();
}

/**
 * Full case folding by way of upper case, so that `ß` and `SS`, final and medial sigma meet. The dotless i is kept out:
 * its upper case is I, but it does not fold to i (Unicode CaseFolding, status T).
 */
function foldCase(text: string): string {
  return text
    .split('\u0131')
    .map((part) => part.toUpperCase().toLowerCase().replaceAll('ς', 'σ'))
    .join('\u0131');
}
