import { TAG } from '../der/tags.ts';
import { nullValue } from '../der/writer.ts';
import { algorithmIdentifier, shareAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import { OID } from '../x509/oids.ts';
import type { PublicKeyKind } from '../x509/public-key.ts';
import { SLH_DSA_SETS, slhDsaOid } from './slh-dsa.ts';
import { encodePssParameters, type PssHash, readPssParameters } from './pss.ts';

/** Signature schemes that may be used for new signatures. */
export const MODERN_SCHEMES = [
  'ecdsa-sha256',
  'ecdsa-sha384',
  'ecdsa-sha512',
  'rsa-pkcs1-sha256',
  'rsa-pkcs1-sha384',
  'rsa-pkcs1-sha512',
  'rsa-pss-sha256',
  'rsa-pss-sha384',
  'rsa-pss-sha512',
  'ed25519',
  'ed448',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
  ...SLH_DSA_SETS.map((set) => `slh-dsa-${set}` as const),
] as const;

/**
 * Schemes that are read so that old data can be verified where it is asked for by name; never for a verdict on a connection. MD2
 * and MD5 are not among them: a signature with them proves nothing at all.
 */
export const LEGACY_SCHEMES = [
  'rsa-pkcs1-sha1',
  'rsa-pkcs1-sha224',
  'rsa-pss-sha1',
  'rsa-pss-sha224',
  'ecdsa-sha1',
  'ecdsa-sha224',
  'dsa-sha1',
  'dsa-sha224',
  'dsa-sha256',
] as const;

export type ModernScheme = (typeof MODERN_SCHEMES)[number];
export type LegacyScheme = (typeof LEGACY_SCHEMES)[number];
export type SignatureScheme = ModernScheme | LegacyScheme;

/** Whether a scheme is one of {@link LEGACY_SCHEMES}. */
export function isLegacyScheme(scheme: SignatureScheme): scheme is LegacyScheme {
  return (LEGACY_SCHEMES as readonly string[]).includes(scheme);
}

const RSA_PKCS1: Readonly<Record<string, SignatureScheme>> = {
  '1.2.840.113549.1.1.5': 'rsa-pkcs1-sha1',
  '1.2.840.113549.1.1.11': 'rsa-pkcs1-sha256',
  '1.2.840.113549.1.1.12': 'rsa-pkcs1-sha384',
  '1.2.840.113549.1.1.13': 'rsa-pkcs1-sha512',
  '1.2.840.113549.1.1.14': 'rsa-pkcs1-sha224',
};

const WITHOUT_PARAMETERS: Readonly<Record<string, SignatureScheme>> = {
  '1.2.840.10045.4.1': 'ecdsa-sha1',
  '1.2.840.10045.4.3.1': 'ecdsa-sha224',
  '1.2.840.10045.4.3.2': 'ecdsa-sha256',
  '1.2.840.10045.4.3.3': 'ecdsa-sha384',
  '1.2.840.10045.4.3.4': 'ecdsa-sha512',
  '1.2.840.10040.4.3': 'dsa-sha1',
  '2.16.840.1.101.3.4.3.1': 'dsa-sha224',
  '2.16.840.1.101.3.4.3.2': 'dsa-sha256',
  [OID.ed25519]: 'ed25519',
  [OID.ed448]: 'ed448',
  [OID.mlDsa44]: 'ml-dsa-44',
  [OID.mlDsa65]: 'ml-dsa-65',
  [OID.mlDsa87]: 'ml-dsa-87',
  ...Object.fromEntries(SLH_DSA_SETS.map((set) => [slhDsaOid(set), `slh-dsa-${set}` as const])),
};

const schemes = new WeakMap<AlgorithmIdentifier, SignatureScheme | 'unsupported'>();

/**
 * The scheme of a signature AlgorithmIdentifier, `undefined` when it is not known or its parameters are not what the
 * RFC asks for: NULL or absent for RSASSA-PKCS1-v1_5 (RFC 4055 section 5), absent for ECDSA, DSA, Ed25519, Ed448, ML-DSA, SLH-DSA,
 * RSASSA-PSS-params whose mask generation uses the same digest; see {@link pssSaltLength}.
 */
export function signatureScheme(algorithm: AlgorithmIdentifier): SignatureScheme | undefined {
  let scheme = schemes.get(algorithm);
  if (scheme === undefined) {
    scheme = findScheme(algorithm) ?? 'unsupported';
    schemes.set(algorithm, scheme);
  }
  return scheme === 'unsupported' ? undefined : scheme;
}

function findScheme(algorithm: AlgorithmIdentifier): SignatureScheme | undefined {
  const { oid, parameters } = algorithm;
  const rsa = RSA_PKCS1[oid];
  if (rsa !== undefined) {
    const fits = parameters === undefined || (parameters.length === 2 && parameters[0] === TAG.NULL);
    return fits ? rsa : undefined;
  }
  if (oid === OID.rsassaPss) return parameters === undefined ? undefined : pssScheme(parameters);
  return parameters === undefined ? WITHOUT_PARAMETERS[oid] : undefined;
}

/** More than a key of 16,384 bits can carry. */
const MAX_SALT_OCTETS = 2048;

/**
 * Octets of salt of an RSASSA-PSS AlgorithmIdentifier, `undefined` for every other algorithm. Usually those of the digest,
 * but the parameters may name any number (RFC 4055 section 3.1); the openssl command used to take the largest that fits.
 */
export function pssSaltLength(algorithm: AlgorithmIdentifier): number | undefined {
  if (algorithm.oid !== OID.rsassaPss || algorithm.parameters === undefined) return undefined;
  return readPssParameters(algorithm.parameters).saltLength;
}

function pssScheme(parameters: Uint8Array): SignatureScheme | undefined {
  try {
    const { hash, saltLength } = readPssParameters(parameters);
    return saltLength <= MAX_SALT_OCTETS ? `rsa-pss-${hash}` : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a key of this kind can have made a signature of this scheme. */
export function schemeFitsKey(scheme: SignatureScheme, key: PublicKeyKind): boolean {
  switch (key.type) {
    case 'ec':
    case 'ec-other':
      return scheme.startsWith('ecdsa-');
    case 'rsa':
      if (key.pss === undefined) return scheme.startsWith('rsa-');
      return key.pss.parameters === undefined
        ? scheme.startsWith('rsa-pss-')
        : scheme === `rsa-pss-${key.pss.parameters.hash}`;
    case 'ed25519':
    case 'ed448':
      return scheme === key.type;
    case 'ml-dsa':
      return scheme === `ml-dsa-${key.parameterSet}`;
    case 'slh-dsa':
      return scheme === `slh-dsa-${key.parameterSet}`;
    case 'dsa':
      return scheme.startsWith('dsa-');
    case 'unknown':
      return false;
  }
}

const ECDSA_OF: Readonly<Record<string, ModernScheme>> = {
  'P-256': 'ecdsa-sha256',
  'P-384': 'ecdsa-sha384',
  'P-521': 'ecdsa-sha512',
};

/** The scheme to sign with for a key, `undefined` for one that must not sign. */
export function defaultScheme(key: PublicKeyKind): ModernScheme | undefined {
  switch (key.type) {
    case 'ec':
      return ECDSA_OF[key.curve];
    case 'rsa':
      if (key.pss === undefined) return 'rsa-pkcs1-sha256';
      return modernPssScheme(key.pss.parameters?.hash);
    case 'ed25519':
    case 'ed448':
      return key.type;
    case 'ml-dsa':
      return `ml-dsa-${key.parameterSet}`;
    case 'slh-dsa':
      return `slh-dsa-${key.parameterSet}`;
    default:
      return undefined;
  }
}

/** A key that is bound to a digest of old signs with none. */
function modernPssScheme(hash: PssHash | undefined): ModernScheme | undefined {
  if (hash === undefined) return 'rsa-pss-sha256';
  return hash === 'sha1' || hash === 'sha224' ? undefined : `rsa-pss-${hash}`;
}

const algorithms = new Map<SignatureScheme, AlgorithmIdentifier>();

/** The AlgorithmIdentifier that a signature of this scheme carries. The result is shared: do not change it. */
export function schemeAlgorithm(scheme: SignatureScheme): AlgorithmIdentifier {
  let algorithm = algorithms.get(scheme);
  if (algorithm === undefined) {
    algorithm = encodeScheme(scheme);
    algorithms.set(scheme, algorithm);
  }
  return algorithm;
}

for (const scheme of MODERN_SCHEMES) shareAlgorithm(schemeAlgorithm(scheme));

function encodeScheme(scheme: SignatureScheme): AlgorithmIdentifier {
  switch (scheme) {
    case 'rsa-pss-sha256':
      return algorithmIdentifier(OID.rsassaPss, encodePssParameters('sha256'));
    case 'rsa-pss-sha384':
      return algorithmIdentifier(OID.rsassaPss, encodePssParameters('sha384'));
    case 'rsa-pss-sha512':
      return algorithmIdentifier(OID.rsassaPss, encodePssParameters('sha512'));
    case 'rsa-pss-sha224':
      return algorithmIdentifier(OID.rsassaPss, encodePssParameters('sha224'));
    case 'rsa-pss-sha1':
      // Every field of RSASSA-PSS-params at its DEFAULT: an empty SEQUENCE.
      return algorithmIdentifier(OID.rsassaPss, Uint8Array.of(TAG.SEQUENCE, 0));
    default: {
      const rsa = Object.entries(RSA_PKCS1).find(([, value]) => value === scheme);
      if (rsa !== undefined) return algorithmIdentifier(rsa[0], nullValue());
      const [oid = ''] = Object.entries(WITHOUT_PARAMETERS).find(([, value]) => value === scheme) ?? [];
      return algorithmIdentifier(oid);
    }
  }
}
