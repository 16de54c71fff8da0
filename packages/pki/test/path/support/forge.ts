/** Certificates for tests: any shape, signed by real P-256 keys. */

import { createPublicKey, generateKeyPairSync, hash, sign, verify, type KeyObject } from 'node:crypto';
import {
  assembleSigned,
  authorityKeyId,
  basicConstraints,
  buildName,
  der,
  encodeExtension,
  keyUsage,
  parseCertificate,
  schemeAlgorithm,
  subjectKeyId,
  TAG,
  trustAnchor,
  type Certificate,
  type Crypto,
  type Extension,
  type Name,
  type TrustAnchor,
} from '../../../src/index.ts';

export const NOW = Date.parse('2026-06-01T00:00:00Z');
const YEAR = 365 * 86_400_000;

export interface KeyPair {
  readonly spki: Uint8Array;
  readonly privateKey: KeyObject;
  readonly id: Uint8Array;
}

export function newKey(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  return { spki, privateKey, id: new Uint8Array(hash('sha1', spki, 'buffer')) };
}

/** A certificate and the key it is for. */
export interface Forged {
  readonly cert: Certificate;
  readonly key: KeyPair;
}

export interface Shape {
  readonly name: string;
  readonly by?: Forged;
  readonly key?: KeyPair;
  readonly extensions?: readonly Extension[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Another name in the issuer field than the issuer's. */
  readonly issuerName?: string;
  /** Content octets of the serial number, whatever they are. */
  readonly serial?: Uint8Array;
  /** 1: without extensions and without the field that says otherwise. */
  readonly version?: 1;
  /** How it is signed; else with SHA-256. */
  readonly scheme?: 'ecdsa-sha1';
}

let serial = 1;

/** Signs a certificate of this shape; without `by` by its own key. */
export function forge(shape: Shape): Forged {
  const key = shape.key ?? newKey();
  const issuer = shape.by?.key ?? key;
  const tbs = encodeTbs(shape, key);
  const scheme = shape.scheme ?? 'ecdsa-sha256';
  const signature = new Uint8Array(sign(scheme.slice(6), tbs, issuer.privateKey));
  return { cert: parseCertificate(assembleSigned(tbs, scheme, signature)), key };
}

/** By hand, because `buildTbs` makes no certificate that breaks a rule. */
function encodeTbs(shape: Shape, key: KeyPair): Uint8Array {
  serial += 1;
  const issuer =
    shape.issuerName === undefined ? (shape.by?.cert.subject ?? named(shape.name)) : named(shape.issuerName);
  const extensions = (shape.extensions ?? []).map(encodeExtension);
  return der.sequence(
    shape.version === 1 ? undefined : der.explicit(0, der.integer(2)),
    der.element(TAG.INTEGER, shape.serial ?? Uint8Array.of(1, serial >> 8, serial & 0xff)),
    schemeAlgorithm(shape.scheme ?? 'ecdsa-sha256').der,
    issuer.der,
    der.sequence(der.time(shape.notBefore ?? NOW - YEAR), der.time(shape.notAfter ?? NOW + YEAR)),
    named(shape.name).der,
    key.spki,
    shape.version === 1 || extensions.length === 0 ? undefined : der.explicit(3, der.sequence(...extensions)),
  );
}

export function named(commonName: string): Name {
  return commonName === '' ? buildName([]) : buildName([{ type: 'CN', value: commonName }]);
}

/** Extensions of a CA that conforms to RFC 5280. */
export function caExtensions(key: KeyPair, by: KeyPair, pathLen?: number): Extension[] {
  return [
    basicConstraints(pathLen === undefined ? { ca: true } : { ca: true, pathLen }),
    keyUsage(['keyCertSign', 'cRLSign']),
    subjectKeyId(key.id),
    authorityKeyId(by.id),
  ];
}

/** A CA that conforms to RFC 5280. */
export function forgeCa(name: string, by?: Forged, shape: Partial<Shape> & { pathLen?: number } = {}): Forged {
  const key = shape.key ?? newKey();
  const extensions = [...caExtensions(key, by?.key ?? key, shape.pathLen), ...(shape.extensions ?? [])];
  return forge({ ...shape, name, key, extensions, ...(by !== undefined && { by }) });
}

export function anchorsOf(...forged: readonly Forged[]): TrustAnchor[] {
  return forged.map(({ cert }) => trustAnchor(cert));
}

/** node:crypto for P-256 as the port, counting the checks. */
export function countingCrypto(): Crypto & { checks: number } {
  return {
    checks: 0,
    verify(scheme, spkiDer, data, signature) {
      this.checks += 1;
      if (!scheme.startsWith('ecdsa-')) return false;
      const key = createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' });
      return verify(scheme.slice(6), data, key, signature);
    },
    digest: (algorithm, data) => new Uint8Array(hash(algorithm, data, 'buffer')),
  };
}
