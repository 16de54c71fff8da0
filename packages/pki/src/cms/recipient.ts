import { concatOctets, wipe } from '../der/octets.ts';
import { contextConstructed } from '../der/tags.ts';
import { bitString, constructed, explicit, integer, nullValue, octetString, oid, sequence } from '../der/writer.ts';
import type { Awaitable } from '../pkcs5/port.ts';
import { receivingUsage } from '../keys/receiving-usage.ts';
import { isStrongKey } from '../keys/strength.ts';
import { algorithmIdentifier } from '../x509/algorithm.ts';
import type { Certificate } from '../x509/certificate.ts';
import { OID } from '../x509/oids.ts';
import { parsePublicKeyInfo } from '../x509/public-key.ts';
import { issuerAndSerial } from './build-signed-data.ts';
import { CMS_OID } from './oids.ts';
import type { EnvelopeCrypto } from './port.ts';

/** How a content-encryption key reaches somebody. */
export type KeyManagement = 'key-transport' | 'key-agreement';

/** Why nothing can be encrypted to a certificate. */
export type RecipientProblem = 'recipient_key_signs_only' | 'recipient_key_usage' | 'recipient_key_weak';

/**
 * How to encrypt to a certificate: by key transport to an RSA key, by key agreement with an EC key. Its key usage must allow that, or be
 * absent (RFC 7030, section 4.4.1.2; RFC 5280, section 4.2.1.3).
 *
 * @returns `recipient_key_signs_only` for Ed25519, ML-DSA, DSA and keys bound to RSASSA-PSS; `recipient_key_usage` where the certificate
 *   does not allow keyEncipherment or keyAgreement, `recipient_key_weak` for less than 2,048 bits of RSA
 * @example
 * const way = recipientOf(certificate);
 * if (!way.ok) return refuse(way.code);
 */
export function recipientOf(
  certificate: Certificate,
): { readonly ok: true; readonly by: KeyManagement } | { readonly ok: false; readonly code: RecipientProblem } {
  const { spki, keyUsage } = certificate;
  const usage = receivingUsage(spki.key);
  if (usage === undefined) return { ok: false, code: 'recipient_key_signs_only' };
  if (!isStrongKey(spki.key)) return { ok: false, code: 'recipient_key_weak' };
  if (keyUsage?.has(usage) === false) return { ok: false, code: 'recipient_key_usage' };
  return { ok: true, by: usage === 'keyEncipherment' ? 'key-transport' : 'key-agreement' };
}

const sha256 = sequence(oid(OID.sha256), nullValue());
/** RSAES-OAEP-params (RFC 4055, section 4.1): SHA-256 for both, the empty label. */
const oaep = sequence(
  oid(CMS_OID.rsaesOaep),
  sequence(explicit(0, sha256), explicit(1, sequence(oid(OID.mgf1), sha256))),
);

/** KeyTransRecipientInfo (RFC 5652, section 6.2.1). */
export async function transport(
  certificate: Certificate,
  key: Uint8Array,
  crypto: EnvelopeCrypto,
): Promise<Uint8Array> {
  const encrypted = await crypto.encryptOaep(certificate.spki.der, key);
  return sequence(integer(0), issuerAndSerial(certificate), oaep, octetString(encrypted));
}

const wrapAlgorithm = algorithmIdentifier(CMS_OID.aes256Wrap).der;

/** KeyAgreeRecipientInfo with an ephemeral key (RFC 5753, section 3.1.1): dhSinglePass-stdDH-sha256kdf and AES-256 key wrap. */
export async function agreement(
  certificate: Certificate,
  key: Uint8Array,
  crypto: EnvelopeCrypto,
): Promise<Uint8Array> {
  const { spki, secret } = await crypto.agree(certificate.spki.der);
  const wrappingKey = await deriveWrappingKey(secret, crypto);
  const encrypted = await crypto.wrapKey(wrappingKey, key);
  wipe(secret, wrappingKey);
  const { algorithm, bits } = parsePublicKeyInfo(spki);
  const originatorKey = [algorithm.der, bitString(bits)];
  const fields = [
    integer(3),
    explicit(0, constructed(contextConstructed(1), originatorKey)),
    sequence(oid(CMS_OID.ecdhSha256), wrapAlgorithm),
    sequence(sequence(issuerAndSerial(certificate), octetString(encrypted))),
  ];
  return constructed(contextConstructed(1), fields);
}

/** ANSI-X9.63-KDF with SHA-256 (SEC 1, section 3.6.1) over ECC-CMS-SharedInfo (RFC 5753, section 7.2): one round makes 32 octets. */
function deriveWrappingKey(secret: Uint8Array, crypto: EnvelopeCrypto): Awaitable<Uint8Array> {
  const keyBits = Uint8Array.of(0, 0, 1, 0);
  const sharedInfo = sequence(wrapAlgorithm, explicit(2, octetString(keyBits)));
  return crypto.digest('sha256', concatOctets([secret, Uint8Array.of(0, 0, 0, 1), sharedInfo]));
}
