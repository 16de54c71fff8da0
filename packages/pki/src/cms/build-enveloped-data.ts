import { wipe } from '../der/octets.ts';
import { contextPrimitive } from '../der/tags.ts';
import { element, integer, octetString, oid, sequence, setOf } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { CMS_OID } from './oids.ts';
import type { EnvelopeCrypto } from './port.ts';
import { agreement, recipientOf, transport } from './recipient.ts';

/** What is enveloped. */
export interface EnvelopedContent {
  /** The dotted type of the content. */
  readonly contentType: string;
  readonly content: Uint8Array;
}

/**
 * EnvelopedData (RFC 5652, section 6) for one recipient, as a bare SEQUENCE; {@link contentInfo} makes a message of it. The content is
 * encrypted with AES-256 in CBC mode, its key by RSAES-OAEP with SHA-256 or by ECDH with an ephemeral key, SHA-256 and AES-256 key wrap,
 * whatever the recipient's key is for. An envelope proves nobody's authorship: sign what is put into it.
 *
 * @throws PkiError `key_unsupported` for a certificate of which {@link recipientOf} says that nothing can be encrypted to it
 * @example
 * const message = contentInfo(CMS_OID.envelopedData, await buildEnvelopedData(content, certificate, nodeEnvelopeCrypto));
 */
export async function buildEnvelopedData(
  { contentType, content }: EnvelopedContent,
  recipient: Certificate,
  crypto: EnvelopeCrypto,
): Promise<Uint8Array> {
  const way = recipientOf(recipient);
  if (!way.ok) throw new PkiError('key_unsupported', way.code);
  const key = crypto.randomBytes(32);
  const iv = crypto.randomBytes(16);
  try {
    const ciphertext = await crypto.encrypt('aes-256-cbc', key, iv, content);
    const transported = way.by === 'key-transport';
    const recipientInfo = await (transported ? transport : agreement)(recipient, key, crypto);
    return sequence(
      // Section 6.1: 0 where all recipients are by key transport and named by issuer and serial number.
      integer(transported ? 0 : 2),
      setOf([recipientInfo]),
      sequence(
        oid(contentType),
        sequence(oid(CMS_OID.aes256Cbc), octetString(iv)),
        element(contextPrimitive(0), ciphertext),
      ),
    );
  } finally {
    wipe(key);
  }
}
