import { PkiError } from '../errors.ts';
import type { DerReader } from '../der/reader.ts';
import { checkDer } from '../der/reader.ts';
import { checkString, decodeLatin1 } from '../der/strings.ts';
import { TAG } from '../der/tags.ts';
import { checkName, checkedName } from './name.ts';
import type { Name } from './name.ts';

/**
 * GeneralName (RFC 5280 section 4.2.1.6), never flattened to text. The text of `dns`, `email` and `uri` has one
 * character for each octet of the IA5String; a NUL or any other control character in it is kept, so that an exact comparison fails.
 */
export type GeneralName =
  | { readonly type: 'dns' | 'email' | 'uri'; readonly value: string }
  | { readonly type: 'ip'; readonly value: Uint8Array }
  | { readonly type: 'directory'; readonly value: Name }
  | { readonly type: 'other'; readonly oid: string; readonly value: Uint8Array }
  | { readonly type: 'registeredId'; readonly value: string }
  | { readonly type: 'x400' | 'ediParty'; readonly value: Uint8Array };

/** What an iPAddress may hold: one address, or (in name constraints) an address and a mask. */
export type IpForm = 'address' | 'range';

/**
 * Reads one GeneralName at the cursor; with `build` false it is only checked.
 *
 * @throws PkiError `general_name_malformed`, `der_…`
 */
export function readGeneralName(reader: DerReader, ipForm: IpForm, build: true): GeneralName;
export function readGeneralName(reader: DerReader, ipForm: IpForm, build: boolean): GeneralName | undefined;
export function readGeneralName(reader: DerReader, ipForm: IpForm, build: boolean): GeneralName | undefined {
  const tag = reader.peek();
  switch (tag) {
    case 0x81:
      return readText(reader, 'email', build);
    case 0x82:
      return readText(reader, 'dns', build);
    case 0x86:
      return readText(reader, 'uri', build);
    case 0x87: {
      reader.element(0x87);
      const length = reader.to - reader.from;
      const unit = ipForm === 'range' ? 2 : 1;
      if (length !== 4 * unit && length !== 16 * unit) {
        throw new PkiError('general_name_malformed', `iPAddress of ${length} octets`, reader.from);
      }
      return build ? { type: 'ip', value: reader.content() } : undefined;
    }
    case 0xa4: {
      // Name is a CHOICE, so its tag [4] is explicit although the module's tags are implicit.
      const outer = reader.enter(0xa4);
      const start = reader.pos;
      checkName(reader);
      const end = reader.pos;
      reader.leave(outer);
      return build ? { type: 'directory', value: checkedName(reader.bytes.subarray(start, end)) } : undefined;
    }
    case 0xa0:
      return readOtherName(reader, build);
    case 0x88: {
      reader.oid(0x88);
      if (!build) return undefined;
      const { from, to } = reader;
      return { type: 'registeredId', value: reader.oidOf(from, to) };
    }
    case 0xa3:
    case 0xa5: {
      const start = reader.pos;
      reader.element(tag);
      checkDer(reader.bytes, start, reader.to);
      return build ? { type: tag === 0xa3 ? 'x400' : 'ediParty', value: reader.content() } : undefined;
    }
    default:
      throw new PkiError('general_name_malformed', `tag octet ${tag}`, reader.pos);
  }
}

function readText(reader: DerReader, type: 'dns' | 'email' | 'uri', build: boolean): GeneralName | undefined {
  reader.any();
  checkString(reader.bytes, TAG.IA5_STRING, reader.from, reader.to);
  return build ? { type, value: decodeLatin1(reader.bytes, reader.from, reader.to) } : undefined;
}

function readOtherName(reader: DerReader, build: boolean): GeneralName | undefined {
  const outer = reader.enter(0xa0);
  reader.oid();
  const { from, to } = reader;
  const inner = reader.enter(0xa0);
  const start = reader.pos;
  reader.any();
  const end = reader.to;
  checkDer(reader.bytes, start, end);
  reader.leave(inner);
  reader.leave(outer);
  return build ? { type: 'other', oid: reader.oidOf(from, to), value: reader.bytes.subarray(start, end) } : undefined;
}

/** Reads GeneralNames (at least one) under this tag; with `build` false they are only checked. */
export function readGeneralNames(reader: DerReader, tag: number, build: true): readonly GeneralName[];
export function readGeneralNames(reader: DerReader, tag: number, build: boolean): readonly GeneralName[] | undefined;
export function readGeneralNames(reader: DerReader, tag: number, build: boolean): readonly GeneralName[] | undefined {
  const outer = reader.enter(tag);
  if (reader.done) throw new PkiError('general_name_malformed', 'no name at all', reader.pos);
  let names: GeneralName[] | undefined;
  if (build) {
    names = [];
    while (!reader.done) names.push(readGeneralName(reader, 'address', true));
  } else {
    while (!reader.done) readGeneralName(reader, 'address', false);
  }
  reader.leave(outer);
  return names;
}
