import { createPublicKey, generateKeyPair as generateCallback, sign } from 'node:crypto';
import type { KeyObject, SignKeyObjectInput } from 'node:crypto';
import { defaultScheme, parsePublicKeyInfo, PkiError, schemeFitsKey } from '@countersign/pki';
import type { ModernScheme, Signer } from '@countersign/pki';
import { promisify } from 'node:util';
import type { KeyKind } from './key-kinds.ts';
import { signingParameters } from './parameters.ts';

/** A key pair that was just made. */
export interface NodeKeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

const generateAsync = promisify(generateCallback);

/**
 * Makes a key pair on node:crypto, off the main thread.
 *
 * @example
 * const { privateKey, spki } = await generateKeyPair('p256');
 */
export async function generateKeyPair(kind: KeyKind): Promise<NodeKeyPair> {
  const { privateKey, publicKey } = await generate(kind);
  return { privateKey, publicKey, spki: spkiOf(publicKey) };
}

/** Its salt is as long as the digest, of itself. */
const pssDigest = { hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' };

function generate(kind: KeyKind): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  switch (kind) {
    case 'p256':
      return generateAsync('ec', { namedCurve: 'P-256' });
    case 'p384':
      return generateAsync('ec', { namedCurve: 'P-384' });
    case 'p521':
      return generateAsync('ec', { namedCurve: 'P-521' });
    case 'rsa2048':
      return generateAsync('rsa', { modulusLength: 2048 });
    case 'rsa3072':
      return generateAsync('rsa', { modulusLength: 3072 });
    case 'rsa4096':
      return generateAsync('rsa', { modulusLength: 4096 });
    case 'rsa-pss2048':
      return generateAsync('rsa-pss', { modulusLength: 2048, ...pssDigest });
    case 'rsa-pss3072':
      return generateAsync('rsa-pss', { modulusLength: 3072, ...pssDigest });
    case 'rsa-pss4096':
      return generateAsync('rsa-pss', { modulusLength: 4096, ...pssDigest });
    case 'ed25519':
      return generateAsync('ed25519');
    default:
      return generateAsync(kind);
  }
}

/** SubjectPublicKeyInfo (DER) of a public key, or of the public half of a private one. */
export function spkiOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
}

/** From how many octets on hashing them takes so long that another thread does it. */
const longOctets = 1 << 20;

/**
 * A signer over a private KeyObject, with the usual scheme of its kind unless another one is asked for. Synchronous, save for more than a
 * megabyte (a long CRL), which is signed off the main thread.
 *
 * @throws PkiError `key_unsupported` when the key may not sign, or not with this scheme
 * @example
 * await buildCertificate(template, nodeSigner(privateKey));
 */
export function nodeSigner(privateKey: KeyObject, scheme?: ModernScheme): Signer {
  const spki = spkiOf(privateKey);
  const kind = parsePublicKeyInfo(spki).key;
  const chosen = scheme ?? defaultScheme(kind);
  if (chosen === undefined || !schemeFitsKey(chosen, kind)) throw new PkiError('key_unsupported', kind.type);
  const { digest, options } = signingParameters(chosen);
  // Taking an object apart costs node:crypto a tenth of a P-256 signature.
  const key = Object.keys(options).length === 0 ? privateKey : { key: privateKey, ...options };
  return {
    spki,
    scheme: chosen,
    sign: (data) => (data.length <= longOctets ? sign(digest, data, key) : signElsewhere(digest, data, key)),
  };
}

/**
 * A signer that works off the main thread, whatever the length: for keys whose signatures take longer than everybody else should wait.
 * A single P-256 or Ed25519 signature costs less on the main thread.
 *
 * @throws PkiError `key_unsupported` when the key may not sign
 * @example
 * const signatures = await Promise.all(answers.map(async (tbs) => threadedSigner(privateKey).sign(tbs)));
 */
export function threadedSigner(privateKey: KeyObject): Signer {
  const { spki, scheme } = nodeSigner(privateKey);
  const { digest, options } = signingParameters(scheme);
  const key = { key: privateKey, ...options };
  return { spki, scheme, sign: (data) => signElsewhere(digest, data, key) };
}

function signElsewhere(
  digest: string | null,
  data: Uint8Array,
  key: SignKeyObjectInput | KeyObject,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  sign(digest, data, key, (error, signature) => (error === null ? resolve(signature) : reject(error)));
  return promise;
}
