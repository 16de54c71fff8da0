import type { SignatureScheme } from '@countersign/pki';
import { snapshotJwsType } from '@countersign/protocol';
import type { SigningCa } from './ca.ts';
import type { SnapshotSigner } from './feed-snapshot.ts';

/** JOSE algorithms (RFC 7518, RFC 8037, RFC 9964), and for ECDSA the octets of one half of the signature. */
const algorithms: Readonly<Partial<Record<SignatureScheme, { readonly alg: string; readonly half?: number }>>> = {
  'ecdsa-sha256': { alg: 'ES256', half: 32 },
  'ecdsa-sha384': { alg: 'ES384', half: 48 },
  'ecdsa-sha512': { alg: 'ES512', half: 66 },
  'rsa-pkcs1-sha256': { alg: 'RS256' },
  'rsa-pss-sha256': { alg: 'PS256' },
  'ml-dsa-44': { alg: 'ML-DSA-44' },
  'ml-dsa-65': { alg: 'ML-DSA-65' },
  'ml-dsa-87': { alg: 'ML-DSA-87' },
  ed25519: { alg: 'EdDSA' },
};

function base64url(data: string | Uint8Array): string {
  return Buffer.from(data).toString('base64url');
}

/** The two halves of an ECDSA signature side by side (RFC 7518, section 3.4), from the DER SEQUENCE of r and s. */
function joseEcdsa(der: Uint8Array, half: number): Uint8Array {
  const signature = new Uint8Array(2 * half);
  // A signature of the largest of these curves needs one length octet more than the others.
  let at = (der[1] ?? 0) & 0x80 ? 3 : 2;
  for (let i = 0; i < 2; i += 1) {
    const length = der[at + 1] ?? 0;
    const integer = der.subarray(at + 2, at + 2 + length);
    const magnitude = integer.length > half ? integer.subarray(integer.length - half) : integer;
    signature.set(magnitude, (i + 1) * half - magnitude.length);
    at += 2 + length;
  }
  return signature;
}

/**
 * Signs snapshots as compact JWS (RFC 7515) with an issuing CA's own key, its certificate as `x5c`. A JWS begins with `ey`, a
 * certificate or CRL with octet 0x30: no signature can pass for one over the other.
 */
export function snapshotSigner(issuer: () => SigningCa): SnapshotSigner {
  return async (claims) => {
    const { certificate, signer } = issuer();
    const algorithm = algorithms[signer.scheme];
    if (algorithm === undefined) throw new Error(`no JOSE algorithm for ${signer.scheme}`);
    const x5c = [Buffer.from(certificate.der).toString('base64')];
    const header = { alg: algorithm.alg, typ: snapshotJwsType, x5c };
    const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
    const signature = await signer.sign(Buffer.from(input));
    return `${input}.${base64url(algorithm.half === undefined ? signature : joseEcdsa(signature, algorithm.half))}`;
  };
}
