import { DerReader } from '../der/reader.ts';
import { contextConstructed, TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { PKCS12_OID } from './oids.ts';

/** What a bag says about what it holds. */
export interface BagAttributes {
  readonly friendlyName: string | undefined;
  /** The same octets on a key and on its certificate. */
  readonly localKeyId: Uint8Array | undefined;
}

/** A bag, not yet decrypted. */
export interface SafeBag extends BagAttributes {
  readonly type: 'key' | 'shrouded-key' | 'certificate' | 'crl' | 'secret';
  /** PrivateKeyInfo, EncryptedPrivateKeyInfo, or the content of a certificate. */
  readonly value: Uint8Array;
}

const maxBags = 1000;
const maxNesting = 4;

/**
 * Reads SafeContents (RFC 7292, section 4.2), nested ones included, into one list.
 *
 * @throws PkiError `pkcs12_malformed` or a `der_…` code
 */
export function readSafeContents(der: Uint8Array): SafeBag[] {
  const bags: SafeBag[] = [];
  const reader = new DerReader(der, { maxBytes: der.length });
  readBags(reader, bags, maxNesting);
  reader.finish();
  return bags;
}

function readBags(reader: DerReader, bags: SafeBag[], nesting: number): void {
  if (nesting === 0) throw new PkiError('pkcs12_malformed', 'bags in bags', reader.pos);
  const outer = reader.enter(TAG.SEQUENCE);
  while (!reader.done) {
    if (bags.length >= maxBags) throw new PkiError('pkcs12_malformed', 'too many bags', reader.pos);
    readBag(reader, bags, nesting);
  }
  reader.leave(outer);
}

function readBag(reader: DerReader, bags: SafeBag[], nesting: number): void {
  const outer = reader.enter(TAG.SEQUENCE);
  const type = reader.oidText();
  const wrapped = reader.enter(contextConstructed(0));
  if (type === PKCS12_OID.safeContentsBag) {
    readBags(reader, bags, nesting - 1);
    reader.leave(wrapped);
    readAttributes(reader);
  } else {
    const value = readBagValue(reader, type);
    reader.leave(wrapped);
    bags.push({ ...value, ...readAttributes(reader) });
  }
  reader.leave(outer);
}

function readBagValue(reader: DerReader, type: string): Pick<SafeBag, 'type' | 'value'> {
  switch (type) {
    case PKCS12_OID.keyBag:
      return { type: 'key', value: reader.anyDer() };
    case PKCS12_OID.shroudedKeyBag:
      return { type: 'shrouded-key', value: reader.anyDer() };
    case PKCS12_OID.certBag:
      return { type: 'certificate', value: readCertBag(reader) };
    case PKCS12_OID.crlBag:
      return { type: 'crl', value: reader.anyDer() };
    case PKCS12_OID.secretBag:
      return { type: 'secret', value: reader.anyDer() };
    default:
      throw new PkiError('pkcs12_malformed', `a bag of type ${type}`, reader.pos);
  }
}

function readCertBag(reader: DerReader): Uint8Array {
  const outer = reader.enter(TAG.SEQUENCE);
  const type = reader.oidText();
  if (type !== PKCS12_OID.x509Certificate) throw new PkiError('pkcs12_malformed', `a certificate of type ${type}`);
  const inner = reader.enter(contextConstructed(0));
  reader.octetString();
  const certificate = reader.content();
  reader.leave(inner);
  reader.leave(outer);
  return certificate;
}

/** Attributes that we do not know are passed over. */
function readAttributes(reader: DerReader): BagAttributes {
  let friendlyName: string | undefined;
  let localKeyId: Uint8Array | undefined;
  if (reader.peek() !== TAG.SET) return { friendlyName, localKeyId };
  const outer = reader.enter(TAG.SET);
  while (!reader.done) {
    const inner = reader.enter(TAG.SEQUENCE);
    const type = reader.oidText();
    const values = reader.enter(TAG.SET);
    if (type === PKCS12_OID.friendlyName) {
      reader.element(TAG.BMP_STRING);
      friendlyName = decodeUtf16(reader.content(), reader.from);
    } else if (type === PKCS12_OID.localKeyId) {
      reader.octetString();
      localKeyId = reader.content();
    }
    while (!reader.done) reader.any();
    reader.leave(values);
    reader.leave(inner);
  }
  reader.leave(outer);
  return { friendlyName, localKeyId };
}

/** A BMPString in which writers put characters beyond the basic plane too, as UTF-16. */
function decodeUtf16(octets: Uint8Array, offset: number): string {
  if (octets.length % 2 !== 0) throw new PkiError('der_string', undefined, offset);
  let text = '';
  for (let i = 0; i < octets.length; i += 2)
    text += String.fromCharCode(((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0));
  return text;
}
