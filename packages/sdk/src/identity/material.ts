import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { equalOctets, parseCertificate, pemDecode, pemEncode, pemLabelAdvice, PkiError } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import { decryptPrivateKey, encryptPrivateKey, spkiOf } from '@countersign/trust';

import { SdkError } from '../errors.ts';

/** An identity as text: what stands in its files. */
export interface IdentityPem {
  /** The certificate, then its intermediates. */
  readonly cert: string;
  /** PKCS#8, encrypted or not. */
  readonly key: string;
  /** The roots that the other side is verified against. */
  readonly ca: string;
}

/** An identity whose parts fit together. */
export interface Material {
  /** PEM: the certificate, then its intermediates. */
  readonly certPem: string;
  /** PEM of the roots. */
  readonly caPem: string;
  readonly key: KeyObject;
  readonly leaf: Certificate;
  /** The certificate, then its intermediates. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly roots: readonly [Certificate, ...Certificate[]];
}

/**
 * Reads an identity and checks that its parts fit: the key is the certificate's, there is a CA.
 *
 * @param passphrase opens an encrypted key.
 * @throws SdkError `identity_malformed`, `identity_mismatch`, `key_encrypted`, `key_passphrase`
 */
export async function readMaterial(pem: IdentityPem, passphrase?: string): Promise<Material> {
  const chain = readCertificates(pem.cert, 'the certificate file');
  const roots = readCertificates(pem.ca, 'the CA file');
  const key = await readKey(pem.key, passphrase);
  return assembleMaterial(key, chain, roots);
}

/** Puts parts together that are parsed already; see {@link readMaterial}. */
export function assembleMaterial(
  key: KeyObject,
  chain: readonly [Certificate, ...Certificate[]],
  roots: readonly [Certificate, ...Certificate[]],
): Material {
  const [leaf] = chain;
  if (!equalOctets(spkiOf(key), leaf.spki.der)) {
    throw new SdkError('identity_mismatch', 'the private key is not the one of the certificate');
  }
  return { certPem: toPem(chain), caPem: toPem(roots), key, leaf, chain, roots };
}

/** The identity as text; its key under the passphrase, where one is given. */
export async function writeMaterial(material: Material, passphrase?: string): Promise<IdentityPem> {
  const { certPem: cert, caPem: ca } = material;
  const key = passphrase === undefined ? keyPem(material) : await encryptPrivateKey(material.key, passphrase);
  return { cert, key, ca };
}

/** The private key as PEM, not encrypted: for the platform's TLS, never for a log. */
export function keyPem(material: Material): string {
  return material.key.export({ type: 'pkcs8', format: 'pem' });
}

/** The certificates of a PEM text; at least one, and nothing else. */
export function readCertificates(text: string, what: string): [Certificate, ...Certificate[]] {
  try {
    const blocks = pemDecode(text);
    const other = blocks.find((block) => block.label !== 'CERTIFICATE');
    if (other !== undefined) {
      const advice = pemLabelAdvice(other.label);
      const detail = `${what} holds a PEM block of the label ${other.label}${advice === undefined ? '' : ` (${advice})`}`;
      throw new SdkError('identity_malformed', detail);
    }
    const [first, ...more] = blocks.map((block) => parseCertificate(block.der));
    if (first === undefined) throw new SdkError('identity_malformed', `${what} holds no certificate`);
    return [first, ...more];
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new SdkError('identity_malformed', `${what} cannot be read: ${error.message}`, { cause: error });
  }
}

function toPem(certificates: readonly Certificate[]): string {
  return certificates.map((certificate) => pemEncode('CERTIFICATE', certificate.der)).join('');
}

/** A private key of a PEM text, opened with the passphrase where it is encrypted. */
export async function readKey(pem: string, passphrase: string | undefined): Promise<KeyObject> {
  if (pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')) {
    if (passphrase === undefined) throw new SdkError('key_encrypted', 'the private key is encrypted');
    const opened = await decrypt(pem, passphrase);
    if (!opened.ok) throw new SdkError('key_passphrase', 'the passphrase does not open the private key');
    return opened.key;
  }
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new SdkError('identity_malformed', 'the key file holds no private key', { cause: error });
  }
}

async function decrypt(pem: string, passphrase: string): ReturnType<typeof decryptPrivateKey> {
  try {
    return await decryptPrivateKey(pem, passphrase);
  } catch (error) {
    throw new SdkError('identity_malformed', 'the private key cannot be read', { cause: error });
  }
}
