import { constants } from 'node:crypto';
import type { SignatureScheme } from '@countersign/pki';

/** What node:crypto's sign and verify need for a scheme: the digest name, and options beside the key. */
export interface SigningParameters {
  readonly digest: string | null;
  readonly options: { readonly padding?: number; readonly saltLength?: number };
  /** The values of `asymmetricKeyType` that fit. */
  readonly keyTypes: readonly string[];
}

const ecdsa = (digest: string): SigningParameters => ({ digest, options: {}, keyTypes: ['ec'] });
const dsa = (digest: string): SigningParameters => ({ digest, options: {}, keyTypes: ['dsa'] });
const pkcs1 = (digest: string): SigningParameters => ({
  digest,
  options: { padding: constants.RSA_PKCS1_PADDING },
  keyTypes: ['rsa'],
});
const pss = (digest: string): SigningParameters => ({
  digest,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  keyTypes: ['rsa', 'rsa-pss'],
});
const whole = (keyType: string): SigningParameters => ({ digest: null, options: {}, keyTypes: [keyType] });

const PARAMETERS: Readonly<Record<SignatureScheme, SigningParameters>> = {
  'ecdsa-sha256': ecdsa('sha256'),
  'ecdsa-sha384': ecdsa('sha384'),
  'ecdsa-sha512': ecdsa('sha512'),
  'ecdsa-sha1': ecdsa('sha1'),
  'ecdsa-sha224': ecdsa('sha224'),
  'rsa-pkcs1-sha256': pkcs1('sha256'),
  'rsa-pkcs1-sha384': pkcs1('sha384'),
  'rsa-pkcs1-sha512': pkcs1('sha512'),
  'rsa-pkcs1-sha1': pkcs1('sha1'),
  'rsa-pkcs1-sha224': pkcs1('sha224'),
  'rsa-pss-sha256': pss('sha256'),
  'rsa-pss-sha384': pss('sha384'),
  'rsa-pss-sha512': pss('sha512'),
  'rsa-pss-sha1': pss('sha1'),
  'rsa-pss-sha224': pss('sha224'),
  'dsa-sha1': dsa('sha1'),
  'dsa-sha224': dsa('sha224'),
  'dsa-sha256': dsa('sha256'),
  ed25519: whole('ed25519'),
  ed448: whole('ed448'),
  'ml-dsa-44': whole('ml-dsa-44'),
  'ml-dsa-65': whole('ml-dsa-65'),
  'ml-dsa-87': whole('ml-dsa-87'),
  'slh-dsa-sha2-128s': whole('slh-dsa-sha2-128s'),
  'slh-dsa-sha2-128f': whole('slh-dsa-sha2-128f'),
  'slh-dsa-sha2-192s': whole('slh-dsa-sha2-192s'),
  'slh-dsa-sha2-192f': whole('slh-dsa-sha2-192f'),
  'slh-dsa-sha2-256s': whole('slh-dsa-sha2-256s'),
  'slh-dsa-sha2-256f': whole('slh-dsa-sha2-256f'),
  'slh-dsa-shake-128s': whole('slh-dsa-shake-128s'),
  'slh-dsa-shake-128f': whole('slh-dsa-shake-128f'),
  'slh-dsa-shake-192s': whole('slh-dsa-shake-192s'),
  'slh-dsa-shake-192f': whole('slh-dsa-shake-192f'),
  'slh-dsa-shake-256s': whole('slh-dsa-shake-256s'),
  'slh-dsa-shake-256f': whole('slh-dsa-shake-256f'),
};

export function signingParameters(scheme: SignatureScheme): SigningParameters {
  return PARAMETERS[scheme];
}
