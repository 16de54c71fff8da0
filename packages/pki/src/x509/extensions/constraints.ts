import { PkiError } from '../../errors.ts';
import type { DerReader } from '../../der/reader.ts';
import { TAG } from '../../der/tags.ts';
import { readGeneralName } from '../general-name.ts';
import type { GeneralName } from '../general-name.ts';

/**
 * NameConstraints (RFC 5280 section 4.2.1.10). The value of an `ip` base is an address and a mask: 8 or 32 octets.
 * `undefined` and an empty list differ: a list that is present has at least one element.
 */
export interface NameConstraints {
  readonly permitted?: readonly GeneralName[];
  readonly excluded?: readonly GeneralName[];
}

export function readNameConstraints(reader: DerReader, build: boolean): NameConstraints | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'empty nameConstraints', reader.pos);
  const result: { permitted?: readonly GeneralName[]; excluded?: readonly GeneralName[] } = {};
  if (reader.peek() === 0xa0) {
    const permitted = readSubtrees(reader, 0xa0, build);
    if (permitted !== undefined) result.permitted = permitted;
  }
  if (reader.peek() === 0xa1) {
    const excluded = readSubtrees(reader, 0xa1, build);
    if (excluded !== undefined) result.excluded = excluded;
  }
  reader.leave(outer);
  return build ? result : undefined;
}

function readSubtrees(reader: DerReader, tag: number, build: boolean): readonly GeneralName[] | undefined {
  const outer = reader.enter(tag);
  if (reader.done) throw new PkiError('ext_malformed', 'an empty list of subtrees', reader.pos);
  const list: GeneralName[] | undefined = build ? [] : undefined;
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    const base = readGeneralName(reader, 'range', build);
    // Section 4.2.1.10: minimum is always zero, which DER leaves out, and maximum is absent.
    if (!reader.done) throw new PkiError('ext_malformed', 'a subtree with minimum or maximum', reader.pos);
    reader.leave(inner);
    if (base !== undefined) list?.push(base);
  } while (!reader.done);
  reader.leave(outer);
  return list;
}
