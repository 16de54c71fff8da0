import { PkiError } from '../errors.ts';
import { isPrintable } from '../der/strings.ts';
import { TAG } from '../der/tags.ts';
import { asciiString, constructed, oid, sequence, setOf, utf8String } from '../der/writer.ts';
import { checkedName, parseName } from './name.ts';
import type { Name } from './name.ts';
import { ATTRIBUTE_NAMES } from './name-text.ts';
import { OID } from './oids.ts';

const TYPE_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(ATTRIBUTE_NAMES).map(([type, short]) => [short.toLowerCase(), type]),
);

/** One attribute for {@link buildName}. */
export interface NameAttribute {
  /** A short name (`CN`, `O`, `DC`, … in any case) or a dotted identifier. */
  readonly type: string;
  readonly value: string;
}

/** The dotted identifier of a short name or dotted identifier, `undefined` for an unknown one. */
export function attributeType(name: string): string | undefined {
  return /^[0-2]\./.test(name) ? name : TYPE_OF.get(name.toLowerCase());
}

/**
 * Builds a name, one level for each entry; an array of attributes makes one level of several.
 * String types are those of RFC 5280 section 4.1.2.4 and appendix A: country and serial number PrintableString, DC and
 * email IA5String, everything else UTF8String.
 *
 * @throws PkiError `argument` for an unknown type or a value its type cannot hold
 * @example
 * buildName([{ type: 'O', value: 'Example' }, { type: 'CN', value: 'Example Root' }])
 */
export function buildName(levels: readonly (NameAttribute | readonly NameAttribute[])[]): Name {
  const rdns = levels.map((level) => {
    const attributes = Array.isArray(level) ? (level as readonly NameAttribute[]) : [level as NameAttribute];
    if (attributes.length === 0) throw new PkiError('argument', 'an empty level');
    return setOf(attributes.map(encodeAttribute));
  });
  const der = constructed(TAG.SEQUENCE, rdns);
  // Several attributes in one level may be the same one twice; all else was made here and is well-formed.
  return levels.some(Array.isArray) ? parseName(der) : checkedName(der);
}

function encodeAttribute({ type, value }: NameAttribute): Uint8Array {
  const identifier = attributeType(type);
  if (identifier === undefined) throw new PkiError('argument', `unknown attribute type ${JSON.stringify(type)}`);
  return sequence(oid(identifier), encodeAttributeValue(identifier, value));
}

/** Encodes a text with the string type that its attribute asks for. */
export function encodeAttributeValue(type: string, value: string): Uint8Array {
  switch (type) {
    case OID.countryName:
      if (!/^[A-Za-z]{2}$/.test(value)) throw new PkiError('argument', 'a country is two letters');
      return asciiString(TAG.PRINTABLE_STRING, value);
    case OID.serialNumber:
    case OID.dnQualifier:
      if (!isPrintable(value)) throw new PkiError('argument', 'not a PrintableString');
      return asciiString(TAG.PRINTABLE_STRING, value);
    case OID.domainComponent:
    case OID.emailAddress:
      return asciiString(TAG.IA5_STRING, value);
    default:
      return utf8String(value);
  }
}
