import { PkiError } from '../../errors.ts';
import type { DerReader } from '../../der/reader.ts';
import { TAG } from '../../der/tags.ts';
import { readGeneralName, readGeneralNames } from '../general-name.ts';
import type { GeneralName } from '../general-name.ts';

/** AuthorityKeyIdentifier (RFC 5280 section 4.2.1.1). */
export interface AuthorityKeyIdentifier {
  readonly keyId?: Uint8Array;
  readonly issuer?: readonly GeneralName[];
  /** Content octets of the INTEGER. */
  readonly serialNumber?: Uint8Array;
}

export function readAuthorityKeyId(reader: DerReader, build: boolean): AuthorityKeyIdentifier | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  const result: { -readonly [K in keyof AuthorityKeyIdentifier]: AuthorityKeyIdentifier[K] } = {};
  if (reader.peek() === 0x80) {
    reader.element(0x80);
    if (build) result.keyId = reader.content();
  }
  let issuer = false;
  if (reader.peek() === 0xa1) {
    const names = readGeneralNames(reader, 0xa1, build);
    issuer = true;
    if (names !== undefined) result.issuer = names;
  }
  let serial = false;
  if (reader.peek() === 0x82) {
    reader.integer(0x82);
    serial = true;
    if (build) result.serialNumber = reader.content();
  }
  reader.leave(outer);
  if (issuer !== serial)
    throw new PkiError('ext_malformed', 'authorityKeyIdentifier with half of issuer and serial', reader.pos);
  return build ? result : undefined;
}

/** One entry of AuthorityInfoAccess or SubjectInfoAccess (RFC 5280 section 4.2.2). */
export interface AccessDescription {
  /** Dotted identifier of the access method: OCSP, CA issuers, … */
  readonly method: string;
  readonly location: GeneralName;
}

export function readInfoAccess(reader: DerReader, build: boolean): readonly AccessDescription[] | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'an empty list', reader.pos);
  const list: AccessDescription[] | undefined = build ? [] : undefined;
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    reader.oid();
    const { from, to } = reader;
    const location = readGeneralName(reader, 'address', build);
    if (location !== undefined) list?.push({ method: reader.oidOf(from, to), location });
    reader.leave(inner);
  } while (!reader.done);
  reader.leave(outer);
  return list;
}

/** One attribute of SubjectDirectoryAttributes (RFC 5280 section 4.2.1.8); values are whole encodings. */
export interface DirectoryAttribute {
  readonly type: string;
  readonly values: readonly Uint8Array[];
}

export function readDirectoryAttributes(reader: DerReader, build: boolean): readonly DirectoryAttribute[] | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'an empty list', reader.pos);
  const list: DirectoryAttribute[] | undefined = build ? [] : undefined;
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    const type = reader.oidText();
    const set = reader.enter(TAG.SET);
    if (reader.done) throw new PkiError('ext_malformed', 'an attribute without a value', reader.pos);
    const values: Uint8Array[] = [];
    while (!reader.done) values.push(reader.anyDer());
    reader.leave(set);
    reader.leave(inner);
    list?.push({ type, values });
  } while (!reader.done);
  reader.leave(outer);
  return list;
}
