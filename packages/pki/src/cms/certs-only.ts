import { berToDer } from '../ber/ber-to-der.ts';
import { DerReader } from '../der/reader.ts';
import { contextConstructed, TAG } from '../der/tags.ts';
import { explicit, integer, oid, sequence, setOf } from '../der/writer.ts';
import { PkiError } from '../errors.ts';

const signedData = '1.2.840.113549.1.7.2';
const data = '1.2.840.113549.1.7.1';

const maxBytes = 4 << 20;
const maxItems = 4096;

/** What a certs-only message carries; DER, for `parseCertificate` and `parseCrl`. */
export interface CertsOnly {
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
}

/**
 * Reads a certs-only CMS message (RFC 5652, section 5; RFC 5272, section 4.1; `.p7b` and `.p7c` files, EST's answers), DER or BER: SignedData
 * without content and without signers. A message that signs something is refused, because nobody here checks it.
 *
 * @throws PkiError `cms_malformed` or a `der_…` code
 *
 * @example
 * const { certificates } = parseCertsOnly(decodeBase64(body));
 */
export function parseCertsOnly(bytes: Uint8Array): CertsOnly {
  if (bytes.length > maxBytes) throw new PkiError('der_size', `${bytes.length} octets`);
  const reader = new DerReader(berToDer(bytes), { maxBytes });
  const outer = reader.enter(TAG.SEQUENCE);
  const type = reader.oidText();
  if (type !== signedData) throw new PkiError('cms_malformed', `content of type ${type}`, reader.from);
  const wrapped = reader.enter(contextConstructed(0));
  const inner = reader.enter(TAG.SEQUENCE);
  const version = reader.smallInteger();
  if (version < 1 || version > 5) throw new PkiError('cms_malformed', `version ${version}`, reader.from);
  reader.element(TAG.SET);
  readNoContent(reader);
  const certificates = readItems(reader, 0);
  const crls = readItems(reader, 1);
  reader.element(TAG.SET);
  if (reader.to !== reader.from) throw new PkiError('cms_malformed', 'a message with signers', reader.from);
  reader.leave(inner);
  reader.leave(wrapped);
  reader.leave(outer);
  reader.finish();
  return { certificates, crls };
}

/** EncapsulatedContentInfo: data, and none of it. */
function readNoContent(reader: DerReader): void {
  const outer = reader.enter(TAG.SEQUENCE);
  const type = reader.oidText();
  if (type !== data) throw new PkiError('cms_malformed', `signed content of type ${type}`, reader.from);
  if (!reader.done) throw new PkiError('cms_malformed', 'a message with content', reader.pos);
  reader.leave(outer);
}

/** `[n] IMPLICIT SET OF` of which only the plain kind is for us: other kinds of certificates and CRLs carry tags. */
function readItems(reader: DerReader, n: number): Uint8Array[] {
  const items: Uint8Array[] = [];
  if (reader.peek() !== contextConstructed(n)) return items;
  const outer = reader.enter(contextConstructed(n));
  while (!reader.done) {
    const from = reader.pos;
    reader.element(TAG.SEQUENCE);
    items.push(reader.bytes.slice(from, reader.pos));
    if (items.length > maxItems) throw new PkiError('cms_malformed', 'too many certificates', reader.pos);
  }
  reader.leave(outer);
  return items;
}

/**
 * Builds a certs-only CMS message (RFC 5272, section 4.1; RFC 7030, section 4.1.3). The order is DER's, not the given one: a reader builds its
 * chain from the names.
 *
 * @param contents DER of certificates and CRLs, not looked into
 *
 * @example
 * const body = encodeBase64(buildCertsOnly({ certificates: [issuing, root], crls: [] }));
 */
export function buildCertsOnly({ certificates, crls }: CertsOnly): Uint8Array {
  const content = sequence(
    integer(1),
    setOf([]),
    sequence(oid(data)),
    certificates.length === 0 ? undefined : setOf(certificates, contextConstructed(0)),
    crls.length === 0 ? undefined : setOf(crls, contextConstructed(1)),
    setOf([]),
  );
  return sequence(oid(signedData), explicit(0, content));
}
