import { PkiError } from '../../errors.ts';
import type { DerReader } from '../../der/reader.ts';
import { TAG } from '../../der/tags.ts';
import type { Extension } from './extension.ts';

const MAX_EXTENSIONS = 128;

/** Reads Extensions (a SEQUENCE of at least one, none twice) at the cursor; values are not looked into. */
export function readExtensionList(reader: DerReader): Extension[] {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'no extension at all', reader.pos);
  const list: Extension[] = [];
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    const oid = reader.oidText();
    if (list.some((extension) => extension.oid === oid)) throw new PkiError('ext_duplicate', oid, reader.from);
    const critical = reader.booleanDefaultFalse();
    reader.octetString();
    list.push({ oid, critical, value: reader.content() });
    if (list.length > MAX_EXTENSIONS) throw new PkiError('ext_too_many', undefined, reader.from);
    reader.leave(inner);
  } while (!reader.done);
  reader.leave(outer);
  return list;
}
