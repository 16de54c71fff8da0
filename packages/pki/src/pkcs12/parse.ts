import { berToDer } from '../ber/ber-to-der.ts';
import { concatOctets } from '../der/octets.ts';
import { DerReader } from '../der/reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { decryptWithPassword, readPasswordEncryption } from '../pkcs5/encryption.ts';
import type { Password, PasswordEncryption } from '../pkcs5/encryption.ts';
import type { PasswordCrypto } from '../pkcs5/port.ts';
import { readEncryptedPrivateKey } from '../pkcs8/encrypted-private-key.ts';
import { parsePrivateKey } from '../pkcs8/private-key-info.ts';
import type { PrivateKeyInfo } from '../pkcs8/private-key-info.ts';
import { readAlgorithm } from '../x509/algorithm.ts';
import { computeMac, readMacData, sameMac } from './mac.ts';
import type { Pkcs12Mac, ReadMac } from './mac.ts';
import { PKCS12_OID } from './oids.ts';
import { readSafeContents } from './safe-bags.ts';
import type { BagAttributes, SafeBag } from './safe-bags.ts';

export interface Pkcs12Key extends BagAttributes {
  readonly key: PrivateKeyInfo;
  /** `undefined`: the key lay in the file without an encryption of its own. */
  readonly encryption: PasswordEncryption | undefined;
}

export interface Pkcs12Certificate extends BagAttributes {
  /** For `parseCertificate`; not looked into here. */
  readonly der: Uint8Array;
}

export interface Pkcs12 {
  readonly keys: readonly Pkcs12Key[];
  readonly certificates: readonly Pkcs12Certificate[];
  /** `undefined` only where `integrity: 'optional'` allowed a file without one. */
  readonly mac: Pkcs12Mac | undefined;
}

export type ParsedPkcs12 =
  | { readonly ok: true; readonly pkcs12: Pkcs12 }
  | {
      readonly ok: false;
      /** The password is wrong or the file was changed, which nobody can tell apart; or nothing protects the file at all. */
      readonly code: 'pkcs12_password' | 'pkcs12_unprotected';
    };

export interface ParsePkcs12Options {
  /** `optional` reads a file without MAC, which anybody may have changed. */
  readonly integrity?: 'required' | 'optional';
}

const maxBytes = 4 << 20;
/** Each costs a derivation of its own. */
const maxEncrypted = 16;

/**
 * Reads a PKCS#12 file (RFC 7292; RFC 9579), DER or BER: checks its MAC, then decrypts what is in it. Bags of CRLs and of secrets are
 * passed over. Files encrypted or signed with public keys are not supported.
 *
 * @param password an empty one also stands for none at all
 * @throws PkiError `pkcs12_malformed`, `password_algorithm_unsupported`, `password_cost` or a `der_…` code
 *
 * @example
 * const parsed = await parsePkcs12(file, password, nodePasswordCrypto);
 * if (parsed.ok) console.log(parsed.pkcs12.keys.length, parsed.pkcs12.certificates.length);
 */
export async function parsePkcs12(
  bytes: Uint8Array,
  password: string,
  crypto: PasswordCrypto,
  options: ParsePkcs12Options = {},
): Promise<ParsedPkcs12> {
  if (bytes.length > maxBytes) throw new PkiError('der_size', `${bytes.length} octets`);
  const { authSafe, mac } = readPfx(berToDer(bytes));
  if (mac === undefined && options.integrity !== 'optional') return { ok: false, code: 'pkcs12_unprotected' };
  const session: Session = { crypto, encrypted: 0, passwords: password === '' ? ['', undefined] : [password] };
  if (mac !== undefined && !(await checkMac(mac, authSafe, session))) return { ok: false, code: 'pkcs12_password' };

  try {
    const opened = await openContents(authSafe, session);
    return { ok: true, pkcs12: { ...opened, mac: mac?.mac } };
  } catch (error) {
    // Where no MAC has proved the password, one wrong password in 256 leaves padding that looks right and octets that are nothing.
    if (mac === undefined && session.encrypted > 0 && error instanceof PkiError)
      return { ok: false, code: 'pkcs12_password' };
    throw error;
  }
}

async function openContents(authSafe: Uint8Array, session: Session): Promise<Pick<Pkcs12, 'keys' | 'certificates'>> {
  const keys: Pkcs12Key[] = [];
  const certificates: Pkcs12Certificate[] = [];
  for (const content of readAuthenticatedSafe(authSafe)) {
    const plain =
      content.scheme === undefined ? content.octets : await decrypt(content.scheme, content.octets, session);
    for (const bag of readSafeContents(berToDer(plain))) {
      const { friendlyName, localKeyId } = bag;
      if (bag.type === 'certificate') certificates.push({ der: bag.value, friendlyName, localKeyId });
      else if (bag.type === 'key' || bag.type === 'shrouded-key') {
        keys.push({ ...(await openKey(bag, session)), friendlyName, localKeyId });
      }
    }
  }
  return { keys, certificates };
}

interface Session {
  readonly crypto: PasswordCrypto;
  /** Still possible; one is left once a MAC has told which. */
  passwords: readonly Password[];
  encrypted: number;
}

async function checkMac({ mac, value }: ReadMac, content: Uint8Array, session: Session): Promise<boolean> {
  for (const password of session.passwords) {
    if (!sameMac(await computeMac(mac, password, content, session.crypto), value)) continue;
    session.passwords = [password];
    return true;
  }
  return false;
}

async function decrypt(scheme: PasswordEncryption, ciphertext: Uint8Array, session: Session): Promise<Uint8Array> {
  if (++session.encrypted > maxEncrypted)
    throw new PkiError('password_cost', `more than ${maxEncrypted} encrypted parts`);
  for (const password of session.passwords) {
    const plain = await decryptWithPassword(scheme, password, ciphertext, session.crypto);
    if (plain !== undefined) return plain;
  }
  throw new PkiError('pkcs12_malformed', 'a part does not decrypt with the password');
}

async function openKey(bag: SafeBag, session: Session): Promise<Pick<Pkcs12Key, 'key' | 'encryption'>> {
  if (bag.type === 'key') return { key: parsePrivateKey(bag.value), encryption: undefined };
  const { scheme, ciphertext } = readEncryptedPrivateKey(bag.value);
  return { key: parsePrivateKey(await decrypt(scheme, ciphertext, session)), encryption: scheme };
}

/** PFX (RFC 7292, section 4). */
function readPfx(der: Uint8Array): { authSafe: Uint8Array; mac: ReadMac | undefined } {
  const reader = new DerReader(der, { maxBytes });
  const outer = reader.enter(TAG.SEQUENCE);
  const version = reader.smallInteger();
  if (version !== 3) throw new PkiError('pkcs12_malformed', `version ${version}`);
  const info = reader.enter(TAG.SEQUENCE);
  const type = reader.oidText();
  if (type !== PKCS12_OID.data) throw new PkiError('pkcs12_malformed', `content of type ${type}`);
  const authSafe = readDataContent(reader);
  reader.leave(info);
  const mac = reader.done ? undefined : readMacData(reader);
  reader.leave(outer);
  reader.finish();
  return { authSafe, mac };
}

/** `[0] EXPLICIT OCTET STRING`. */
function readDataContent(reader: DerReader): Uint8Array {
  const outer = reader.enter(contextConstructed(0));
  reader.octetString();
  const content = reader.content();
  reader.leave(outer);
  return content;
}

interface SafeContent {
  /** `undefined`: in the clear. */
  readonly scheme: PasswordEncryption | undefined;
  readonly octets: Uint8Array;
}

/** AuthenticatedSafe (RFC 7292, section 4.1). */
function readAuthenticatedSafe(content: Uint8Array): SafeContent[] {
  const reader = new DerReader(berToDer(content), { maxBytes });
  const contents: SafeContent[] = [];
  const outer = reader.enter(TAG.SEQUENCE);
  while (!reader.done) {
    const info = reader.enter(TAG.SEQUENCE);
    const type = reader.oidText();
    if (type === PKCS12_OID.data) contents.push({ scheme: undefined, octets: readDataContent(reader) });
    else if (type === PKCS12_OID.encryptedData) contents.push(readEncryptedData(reader));
    else throw new PkiError('pkcs12_malformed', `content of type ${type}`, reader.pos);
    reader.leave(info);
  }
  reader.leave(outer);
  reader.finish();
  return contents;
}

/** EncryptedData (RFC 5652, section 8). */
function readEncryptedData(reader: DerReader): SafeContent {
  const explicit = reader.enter(contextConstructed(0));
  const outer = reader.enter(TAG.SEQUENCE);
  const version = reader.smallInteger();
  if (version !== 0 && version !== 2) throw new PkiError('pkcs12_malformed', `EncryptedData version ${version}`);
  const info = reader.enter(TAG.SEQUENCE);
  const type = reader.oidText();
  if (type !== PKCS12_OID.data) throw new PkiError('pkcs12_malformed', `encrypted content of type ${type}`);
  const scheme = readPasswordEncryption(readAlgorithm(reader));
  const octets = readImplicitOctets(reader);
  reader.leave(info);
  if (reader.peek() === contextConstructed(1)) reader.any();
  reader.leave(outer);
  reader.leave(explicit);
  return { scheme, octets };
}

/** `[0] IMPLICIT OCTET STRING`, which BER may have cut into pieces. */
function readImplicitOctets(reader: DerReader): Uint8Array {
  if (reader.peek() !== contextConstructed(0)) {
    reader.octetString(contextPrimitive(0));
    return reader.content();
  }
  const pieces: Uint8Array[] = [];
  const outer = reader.enter(contextConstructed(0));
  while (!reader.done) {
    reader.octetString();
    pieces.push(reader.content());
  }
  reader.leave(outer);
  return concatOctets(pieces);
}
