import { PkiError } from '../errors.ts';
import { DerReader } from '../der/reader.ts';
import { toHex } from '../der/octets.ts';
import { TAG } from '../der/tags.ts';
import { nullValue, oid } from '../der/writer.ts';
import { readPssParameters } from '../keys/pss.ts';
import type { PssParameters } from '../keys/pss.ts';
import { SLH_DSA_BY_OID, slhDsaKeyOctets } from '../keys/slh-dsa.ts';
import type { SlhDsaSet } from '../keys/slh-dsa.ts';
import { algorithmIdentifier, readAlgorithm, shareAlgorithm } from './algorithm.ts';
import type { AlgorithmIdentifier } from './algorithm.ts';
import { OID } from './oids.ts';

/** Curves that are allowed; others are read so that they can be refused by name. */
export type EcCurve = 'P-256' | 'P-384' | 'P-521';

/** What kind of public key it is, as far as a decision about it needs. Strength is policy: see {@link keyStrength}. */
export type PublicKeyKind =
  | { readonly type: 'ec'; readonly curve: EcCurve }
  | {
      readonly type: 'rsa';
      /** Bits of the modulus. */
      readonly bits: number;
      /** The public exponent, lower-case hexadecimal without leading zeros. */
      readonly exponentHex: string;
      /** The key may only sign RSASSA-PSS; with `parameters`, only with those. */
      readonly pss?: { readonly parameters: PssParameters | undefined };
    }
  | { readonly type: 'ed25519' }
  | { readonly type: 'ed448' }
  | { readonly type: 'ml-dsa'; readonly parameterSet: 44 | 65 | 87 }
  | { readonly type: 'slh-dsa'; readonly parameterSet: SlhDsaSet }
  | { readonly type: 'dsa'; /** Bits of p; 0 when the parameters are inherited. */ readonly bits: number }
  | { readonly type: 'ec-other'; readonly curveOid: string }
  | { readonly type: 'unknown'; readonly oid: string };

/** SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
export interface SubjectPublicKeyInfo {
  readonly der: Uint8Array;
  readonly algorithm: AlgorithmIdentifier;
  readonly key: PublicKeyKind;
  /** Octets of the subjectPublicKey BIT STRING: what key identifiers are digests of. */
  readonly bits: Uint8Array;
}

const CURVES: Readonly<Record<string, { readonly curve: EcCurve; readonly fieldOctets: number }>> = {
  [OID.p256]: { curve: 'P-256', fieldOctets: 32 },
  [OID.p384]: { curve: 'P-384', fieldOctets: 48 },
  [OID.p521]: { curve: 'P-521', fieldOctets: 66 },
};

const ML_DSA: Readonly<Record<string, { readonly parameterSet: 44 | 65 | 87; readonly octets: number }>> = {
  [OID.mlDsa44]: { parameterSet: 44, octets: 1312 },
  [OID.mlDsa65]: { parameterSet: 65, octets: 1952 },
  [OID.mlDsa87]: { parameterSet: 87, octets: 2592 },
};

for (const curve of Object.keys(CURVES)) shareAlgorithm(algorithmIdentifier(OID.ecPublicKey, oid(curve)));
shareAlgorithm(algorithmIdentifier(OID.rsaEncryption, nullValue()));

class DecodedKeyInfo implements SubjectPublicKeyInfo {
  readonly algorithm: AlgorithmIdentifier;
  readonly key: PublicKeyKind;
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly bitsFrom: number;
  private readonly end: number;
  private derView: Uint8Array | undefined;

  constructor(
    algorithm: AlgorithmIdentifier,
    key: PublicKeyKind,
    bytes: Uint8Array,
    start: number,
    bitsFrom: number,
    end: number,
  ) {
    this.algorithm = algorithm;
    this.key = key;
    this.bytes = bytes;
    this.start = start;
    this.bitsFrom = bitsFrom;
    this.end = end;
  }

  get der(): Uint8Array {
    return (this.derView ??= this.bytes.subarray(this.start, this.end));
  }

  get bits(): Uint8Array {
    return this.bytes.subarray(this.bitsFrom, this.end);
  }
}

/** Reads a SubjectPublicKeyInfo at the cursor. Whether a point lies on its curve is the signature port's to find out. */
export function readPublicKeyInfo(reader: DerReader): SubjectPublicKeyInfo {
  const start = reader.pos;
  const outer = reader.enter(TAG.SEQUENCE);
  const algorithm = readAlgorithm(reader);
  reader.bitOctets();
  const { from, to } = reader;
  reader.leave(outer);
  const key = keyKind(algorithm, reader.bytes, from, to);
  return new DecodedKeyInfo(algorithm, key, reader.bytes, start, from, to);
}

/**
 * Reads a DER-encoded SubjectPublicKeyInfo.
 *
 * @throws PkiError `key_malformed`, `key_explicit_curve`, `algorithm_malformed`, `der_…`
 */
export function parsePublicKeyInfo(der: Uint8Array): SubjectPublicKeyInfo {
  const reader = new DerReader(new Uint8Array(der));
  const spki = readPublicKeyInfo(reader);
  reader.finish();
  return spki;
}

function keyKind(algorithm: AlgorithmIdentifier, bytes: Uint8Array, from: number, to: number): PublicKeyKind {
  switch (algorithm.oid) {
    case OID.ecPublicKey:
      return ecKey(algorithm, bytes, from, to);
    case OID.rsaEncryption:
      if (!isNull(algorithm.parameters))
        throw new PkiError('algorithm_malformed', 'rsaEncryption parameters must be NULL');
      return { type: 'rsa', ...rsaKey(bytes, from, to) };
    case OID.rsassaPss: {
      const parameters = algorithm.parameters === undefined ? undefined : readPssParameters(algorithm.parameters);
      return { type: 'rsa', ...rsaKey(bytes, from, to), pss: { parameters } };
    }
    case OID.ed25519:
      noParameters(algorithm);
      if (to - from !== 32) throw new PkiError('key_malformed', 'Ed25519', from);
      return { type: 'ed25519' };
    case OID.ed448:
      noParameters(algorithm);
      if (to - from !== 57) throw new PkiError('key_malformed', 'Ed448', from);
      return { type: 'ed448' };
    case OID.dsa:
      return dsaKey(algorithm, bytes, from, to);
    default: {
      const set = ML_DSA[algorithm.oid];
      if (set === undefined) return slhDsaKey(algorithm, to - from) ?? { type: 'unknown', oid: algorithm.oid };
      noParameters(algorithm);
      if (to - from !== set.octets) throw new PkiError('key_malformed', `ML-DSA-${set.parameterSet}`, from);
      return { type: 'ml-dsa', parameterSet: set.parameterSet };
    }
  }
}

function slhDsaKey(algorithm: AlgorithmIdentifier, octets: number): PublicKeyKind | undefined {
  const parameterSet = SLH_DSA_BY_OID.get(algorithm.oid);
  if (parameterSet === undefined) return undefined;
  noParameters(algorithm);
  if (octets !== slhDsaKeyOctets(parameterSet)) throw new PkiError('key_malformed', `SLH-DSA ${parameterSet}`);
  return { type: 'slh-dsa', parameterSet };
}

const EC_KINDS: Readonly<Record<EcCurve, PublicKeyKind>> = {
  'P-256': { type: 'ec', curve: 'P-256' },
  'P-384': { type: 'ec', curve: 'P-384' },
  'P-521': { type: 'ec', curve: 'P-521' },
};

function ecKey(algorithm: AlgorithmIdentifier, bytes: Uint8Array, from: number, to: number): PublicKeyKind {
  const { parameters } = algorithm;
  if (parameters === undefined) throw new PkiError('algorithm_malformed', 'an elliptic curve key needs its curve');
  // RFC 5480 section 2.1.1: neither implicitCurve nor specifiedCurve.
  if (parameters[0] === TAG.SEQUENCE) throw new PkiError('key_explicit_curve');
  const curveOid = curveOf(parameters);
  const known = CURVES[curveOid];
  if (known === undefined) return { type: 'ec-other', curveOid };
  const form = bytes[from];
  const octets = to - from - 1;
  const uncompressed = form === 4 && octets === 2 * known.fieldOctets;
  const compressed = (form === 2 || form === 3) && octets === known.fieldOctets;
  if (!uncompressed && !compressed) throw new PkiError('key_malformed', known.curve, from);
  return EC_KINDS[known.curve];
}

const curveTexts = new WeakMap<Uint8Array, string>();

/** Algorithm identifiers are shared objects, so the text of a curve is worth keeping with its parameters. */
function curveOf(parameters: Uint8Array): string {
  let text = curveTexts.get(parameters);
  if (text === undefined) {
    const reader = new DerReader(parameters);
    text = reader.oidText();
    reader.finish();
    curveTexts.set(parameters, text);
  }
  return text;
}

function rsaKey(bytes: Uint8Array, from: number, to: number): { bits: number; exponentHex: string } {
  const reader = new DerReader(bytes, undefined, from, to);
  const outer = reader.enter(TAG.SEQUENCE);
  const bits = positiveBits(reader);
  if (((bytes[reader.to - 1] as number) & 1) === 0) throw new PkiError('key_malformed', 'an even RSA modulus', from);
  const exponentBits = positiveBits(reader);
  const exponentHex = toHex(bytes, reader.from, reader.to).replace(/^00/, '');
  if (exponentBits < 2 || ((bytes[reader.to - 1] as number) & 1) === 0) {
    throw new PkiError('key_malformed', 'RSA exponent', reader.from);
  }
  reader.leave(outer);
  reader.finish();
  return { bits, exponentHex };
}

function dsaKey(algorithm: AlgorithmIdentifier, bytes: Uint8Array, from: number, to: number): PublicKeyKind {
  const key = new DerReader(bytes, undefined, from, to);
  positiveBits(key);
  key.finish();
  if (algorithm.parameters === undefined) return { type: 'dsa', bits: 0 };
  const reader = new DerReader(algorithm.parameters);
  const outer = reader.enter(TAG.SEQUENCE);
  const bits = positiveBits(reader);
  positiveBits(reader);
  positiveBits(reader);
  reader.leave(outer);
  reader.finish();
  return { type: 'dsa', bits };
}

/** Reads a positive INTEGER; returns its length in bits. */
function positiveBits(reader: DerReader): number {
  reader.integer();
  let { from } = reader;
  const { bytes, to } = reader;
  if ((bytes[from] as number) >= 0x80) throw new PkiError('key_malformed', 'a negative number', from);
  if (bytes[from] === 0) from++;
  if (from === to) throw new PkiError('key_malformed', 'zero', from);
  return (to - from) * 8 - Math.clz32(bytes[from] as number) + 24;
}

function noParameters(algorithm: AlgorithmIdentifier): void {
  if (algorithm.parameters !== undefined) throw new PkiError('algorithm_malformed', 'parameters must be absent');
}

/** Whether these are the parameters NULL. */
export function isNull(parameters: Uint8Array | undefined): boolean {
  return parameters?.length === 2 && parameters[0] === TAG.NULL && parameters[1] === 0;
}
