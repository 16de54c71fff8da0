import { der, fromHex, OID, TAG } from '@countersign/pki';
import type { Extension } from '@countersign/pki';

/** The parts of a certificate as encodings, so that a test can put any octets into any place. Nothing is signed. */
export interface Parts {
  version: Uint8Array | undefined;
  serial: Uint8Array;
  innerAlgorithm: Uint8Array;
  issuer: Uint8Array;
  validity: Uint8Array;
  subject: Uint8Array;
  spki: Uint8Array;
  /** What stands between the key and the extensions. */
  uniqueIds: Uint8Array | undefined;
  /** With its explicit tag. */
  extensions: Uint8Array | undefined;
  /** Behind the extensions, inside of the signed part. */
  afterTbs: Uint8Array | undefined;
  outerAlgorithm: Uint8Array;
  signature: Uint8Array;
  /** Behind the signature. */
  after: Uint8Array | undefined;
}

export const ECDSA = der.sequence(der.oid('1.2.840.10045.4.3.2'));
export const NAME = der.sequence(der.setOf([der.sequence(der.oid(OID.commonName), der.utf8String('a'))]));
export const GENERATOR = fromHex(
  '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
);
export const SPKI = der.sequence(der.sequence(der.oid(OID.ecPublicKey), der.oid(OID.p256)), der.bitString(GENERATOR));

export function extensionDer(oid: string, value: Uint8Array, critical = false): Uint8Array {
  return der.sequence(der.oid(oid), critical ? der.boolean(true) : undefined, der.octetString(value));
}

export function extensionsDer(...extensions: readonly (Uint8Array | Extension)[]): Uint8Array {
  const list = extensions.map((extension) =>
    extension instanceof Uint8Array ? extension : extensionDer(extension.oid, extension.value, extension.critical),
  );
  return der.explicit(3, der.constructed(TAG.SEQUENCE, list));
}

const DEFAULTS: Parts = {
  version: der.explicit(0, der.integer(2)),
  serial: der.integer(1),
  innerAlgorithm: ECDSA,
  issuer: NAME,
  validity: der.sequence(der.time(Date.UTC(2026, 0, 1)), der.time(Date.UTC(2027, 0, 1))),
  subject: NAME,
  spki: SPKI,
  uniqueIds: undefined,
  extensions: undefined,
  afterTbs: undefined,
  outerAlgorithm: ECDSA,
  signature: der.bitString(Uint8Array.of(0x30, 0)),
  after: undefined,
};

/** A certificate of these parts. */
export function forge(changes: Partial<Parts> = {}): Uint8Array {
  const parts = { ...DEFAULTS, ...changes };
  const tbs = der.sequence(
    parts.version,
    parts.serial,
    parts.innerAlgorithm,
    parts.issuer,
    parts.validity,
    parts.subject,
    parts.spki,
    parts.uniqueIds,
    parts.extensions,
    parts.afterTbs,
  );
  return der.sequence(tbs, parts.outerAlgorithm, parts.signature, parts.after);
}
