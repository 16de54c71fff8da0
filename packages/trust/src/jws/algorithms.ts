import { constants } from 'node:crypto';
import type { KeyObject, SigningOptions } from 'node:crypto';

/** How a JWS algorithm is done by node:crypto. */
interface JwsAlgorithm {
  readonly name: string;
  readonly digest: string | null;
  readonly options: SigningOptions;
}

const halves: SigningOptions = { dsaEncoding: 'ieee-p1363' };

const EC: Readonly<Record<string, JwsAlgorithm>> = {
  prime256v1: { name: 'ES256', digest: 'sha256', options: halves },
  secp384r1: { name: 'ES384', digest: 'sha384', options: halves },
  secp521r1: { name: 'ES512', digest: 'sha512', options: halves },
};

const OTHER: Readonly<Record<string, JwsAlgorithm>> = {
  ed25519: { name: 'EdDSA', digest: null, options: {} },
  rsa: { name: 'RS256', digest: 'sha256', options: {} },
  'rsa-pss': {
    name: 'PS256',
    digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  },
  'ml-dsa-44': { name: 'ML-DSA-44', digest: null, options: {} },
  'ml-dsa-65': { name: 'ML-DSA-65', digest: null, options: {} },
  'ml-dsa-87': { name: 'ML-DSA-87', digest: null, options: {} },
};

/**
 * The one JWS algorithm that a key is used with here (RFC 7518, RFC 8037, RFC 9964 for ML-DSA): the key decides, never the
 * header of what is to be verified. Undefined for keys that sign no JWS here.
 */
export function jwsAlgorithm(key: KeyObject): JwsAlgorithm | undefined {
  const type: string = key.asymmetricKeyType ?? '';
  return type === 'ec' ? EC[key.asymmetricKeyDetails?.namedCurve ?? ''] : OTHER[type];
}
