import { PkiError } from '../errors.ts';
import { BackWriter } from '../der/back-writer.ts';
import { isPrintable } from '../der/strings.ts';
import { TAG } from '../der/tags.ts';
import { oid, setOf } from '../der/writer.ts';
import { checkedName, parseName } from './name.ts';
import type { Name } from './name.ts';
import { ATTRIBUTE_NAMES } from './name-text.ts';
import { OID } from './oids.ts';

/** By the short name as it is usually written, and in lower case. */
const TYPE_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(ATTRIBUTE_NAMES).flatMap(([type, short]) => [
    [short, type],
    [short.toLowerCase(), type],
  ]),
);

/** One attribute for {@link buildName}. */
export interface NameAttribute {
  /** A short name (`CN`, `O`, `DC`, … in any case) or a dotted identifier. */
  readonly type: string;
  readonly value: string;
}

/** The dotted identifier of a short name or dotted identifier, `undefined` for an unknown one. */
export function attributeType(name: string): string | undefined {
  return TYPE_OF.get(name) ?? (/^[0-2]\./.test(name) ? name : TYPE_OF.get(name.toLowerCase()));
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
  let anySeveral = false;
  writer.reset();
  for (let i = levels.length - 1; i >= 0; i--) {
    const level = levels[i] as NameAttribute | readonly NameAttribute[];
    const end = writer.length;
    if (isSeveral(level)) {
      if (level.length === 0) throw new PkiError('argument', 'an empty level');
      anySeveral = true;
      writer.put(setOf(level.map(encodeAttribute)));
    } else {
      putAttribute(level);
      writer.close(TAG.SET, end);
    }
  }
  writer.close(TAG.SEQUENCE, 0);
  const der = writer.result();
  // Several attributes in one level may be the same one twice; all else was made here and is well-formed.
  return anySeveral ? parseName(der) : checkedName(der);
}

/** Nothing else is written between a reset and its result. */
const writer = new BackWriter();
const attributeWriter = new BackWriter();

function isSeveral(level: NameAttribute | readonly NameAttribute[]): level is readonly NameAttribute[] {
  return Array.isArray(level);
}

function encodeAttribute(attribute: NameAttribute): Uint8Array {
  attributeWriter.reset();
  putAttribute(attribute, attributeWriter);
  return attributeWriter.result();
}

function putAttribute({ type, value }: NameAttribute, to: BackWriter = writer): void {
  const identifier = attributeType(type);
  if (identifier === undefined) throw new PkiError('argument', `unknown attribute type ${JSON.stringify(type)}`);
  const end = to.length;
  const tag = stringTag(identifier, value);
  if (tag === TAG.UTF8_STRING) to.putUtf8(value);
  else to.putAscii(value);
  to.close(tag, end);
  to.put(oid(identifier));
  to.close(TAG.SEQUENCE, end);
}

/** The string type that an attribute asks for; whether the text fits into it. */
function stringTag(type: string, value: string): number {
  switch (type) {
    case OID.countryName:
      if (!/^[A-Za-z]{2}$/.test(value)) throw new PkiError('argument', 'a country is two letters');
      return TAG.PRINTABLE_STRING;
    case OID.serialNumber:
    case OID.dnQualifier:
      if (!isPrintable(value)) throw new PkiError('argument', 'not a PrintableString');
      return TAG.PRINTABLE_STRING;
    case OID.domainComponent:
    case OID.emailAddress:
      return TAG.IA5_STRING;
    default:
      return TAG.UTF8_STRING;
  }
}
