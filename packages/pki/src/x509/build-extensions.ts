import { PkiError } from '../errors.ts';
import { TAG } from '../der/tags.ts';
import {
  asciiString,
  boolean,
  explicit,
  integer,
  lengthOctets,
  namedBits,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  utf8String,
  writeHeader,
} from '../der/writer.ts';
import { constructed } from '../der/writer.ts';
import type { DistributionPoint, DistributionPointName } from './extensions/distribution-points.ts';
import type { Extension } from './extensions/extension.ts';
import type { AccessDescription } from './extensions/identifiers.ts';
import { KEY_USAGES } from './extensions/usage.ts';
import type { KeyUsageName } from './extensions/usage.ts';
import { encodeGeneralName, encodeGeneralNames } from './build-general-name.ts';
import type { GeneralName } from './general-name.ts';
import { OID } from './oids.ts';

/** Options that every extension builder takes. */
export interface ExtensionOptions {
  /** Overrides what RFC 5280 recommends for this extension. */
  readonly critical?: boolean;
}

function extension(oidText: string, critical: boolean, value: Uint8Array): Extension {
  return { oid: oidText, critical, value };
}

/** Values that nearly every certificate has are encoded once; extensions are never changed, so they are shared. */
const NOT_A_CA = sequence();
const usageValues = new Map<number, Uint8Array>();
const singlePurposes = new Map<string, Uint8Array>();
const MAX_SHARED = 64;

/**
 * BasicConstraints (RFC 5280 section 4.2.1.9), critical.
 *
 * @example
 * basicConstraints({ ca: true, pathLen: 0 })
 */
export function basicConstraints(value: { ca: boolean; pathLen?: number }, options?: ExtensionOptions): Extension {
  if (!value.ca && value.pathLen !== undefined) throw new PkiError('argument', 'pathLen needs ca');
  const encoded = value.ca
    ? sequence(boolean(true), value.pathLen === undefined ? undefined : integer(value.pathLen))
    : NOT_A_CA;
  return extension(OID.basicConstraints, options?.critical ?? true, encoded);
}

/** KeyUsage (RFC 5280 section 4.2.1.3), critical. */
export function keyUsage(usages: readonly KeyUsageName[], options?: ExtensionOptions): Extension {
  let mask = 0;
  for (let i = 0; i < usages.length; i++) mask |= 1 << KEY_USAGES.indexOf(usages[i] as KeyUsageName);
  if (mask === 0) throw new PkiError('argument', 'no usage at all');
  let encoded = usageValues.get(mask);
  if (encoded === undefined) usageValues.set(mask, (encoded = namedBits(mask)));
  return extension(OID.keyUsage, options?.critical ?? true, encoded);
}

/** ExtendedKeyUsage (RFC 5280 section 4.2.1.12) of dotted identifiers, not critical. */
export function extendedKeyUsage(oids: readonly string[], options?: ExtensionOptions): Extension {
  const [first] = oids;
  if (first === undefined) throw new PkiError('argument', 'no usage at all');
  let encoded = oids.length === 1 ? singlePurposes.get(first) : undefined;
  if (encoded === undefined) {
    encoded = constructed(TAG.SEQUENCE, oids.map(oid));
    if (oids.length === 1 && singlePurposes.size < MAX_SHARED) singlePurposes.set(first, encoded);
  }
  return extension(OID.extendedKeyUsage, options?.critical ?? false, encoded);
}

/** SubjectAltName (RFC 5280 section 4.2.1.6), not critical; it must be critical when the subject is empty. */
export function subjectAltName(names: readonly GeneralName[], options?: ExtensionOptions): Extension {
  return extension(OID.subjectAltName, options?.critical ?? false, encodeGeneralNames(names));
}

/** SubjectKeyIdentifier (RFC 5280 section 4.2.1.2). */
export function subjectKeyId(keyId: Uint8Array): Extension {
  return extension(OID.subjectKeyIdentifier, false, octetString(keyId));
}

/** AuthorityKeyIdentifier with a key identifier (RFC 5280 section 4.2.1.1). */
export function authorityKeyId(keyId: Uint8Array): Extension {
  const inner = 1 + lengthOctets(keyId.length) + keyId.length;
  const encoded = new Uint8Array(1 + lengthOctets(inner) + inner);
  const at = writeHeader(encoded, 0, TAG.SEQUENCE, inner);
  encoded.set(keyId, writeHeader(encoded, at, 0x80, keyId.length));
  return extension(OID.authorityKeyIdentifier, false, encoded);
}

/** Encodes a DistributionPointName inside its explicit tag `[0]`. */
export function encodeDistributionPointName(name: DistributionPointName): Uint8Array {
  if (name.fullName !== undefined) return explicit(0, encodeGeneralNames(name.fullName, 0xa0));
  const attributes = name.relativeName.map(({ type, valueDer }) => sequence(oid(type), valueDer));
  return explicit(0, setOf(attributes, 0xa1));
}

function encodeDistributionPoint(point: DistributionPoint): Uint8Array {
  return sequence(
    point.name === undefined ? undefined : encodeDistributionPointName(point.name),
    point.reasons === undefined ? undefined : namedBits(point.reasons, 0x81),
    point.crlIssuer === undefined ? undefined : encodeGeneralNames(point.crlIssuer, 0xa2),
  );
}

/**
 * CRLDistributionPoints (RFC 5280 section 4.2.1.13); a text is one point whose full name is that URI.
 *
 * @example
 * crlDistributionPoints(['http://ca.example/crl/issuing-1/0.crl'])
 */
export function crlDistributionPoints(
  points: readonly (string | DistributionPoint)[],
  options?: ExtensionOptions,
): Extension {
  return extension(OID.crlDistributionPoints, options?.critical ?? false, distributionPoints(points));
}

/** FreshestCRL (RFC 5280 section 4.2.1.15), where delta CRLs are. */
export function freshestCrl(points: readonly (string | DistributionPoint)[]): Extension {
  return extension(OID.freshestCrl, false, distributionPoints(points));
}

function distributionPoints(points: readonly (string | DistributionPoint)[]): Uint8Array {
  if (points.length === 0) throw new PkiError('argument', 'no distribution point at all');
  return sequence(
    ...points.map((point) =>
      encodeDistributionPoint(
        typeof point === 'string' ? { name: { fullName: [{ type: 'uri', value: point }] } } : point,
      ),
    ),
  );
}

/**
 * AuthorityInfoAccess (RFC 5280 section 4.2.2.1).
 *
 * @example
 * authorityInfoAccess([{ method: OID.caIssuers, location: { type: 'uri', value: 'http://ca.example/ca/issuing-1.crt' } }])
 */
export function authorityInfoAccess(descriptions: readonly AccessDescription[]): Extension {
  if (descriptions.length === 0) throw new PkiError('argument', 'no access description at all');
  const encoded = descriptions.map(({ method, location }) => sequence(oid(method), encodeGeneralName(location)));
  return extension(OID.authorityInfoAccess, false, sequence(...encoded));
}

/** NameConstraints (RFC 5280 section 4.2.1.10), critical; an `ip` base is an address and a mask. */
export function nameConstraints(
  value: { permitted?: readonly GeneralName[]; excluded?: readonly GeneralName[] },
  options?: ExtensionOptions,
): Extension {
  const subtrees = (names: readonly GeneralName[] | undefined, tag: number): Uint8Array | undefined =>
    names === undefined || names.length === 0
      ? undefined
      : constructed(
          tag,
          names.map((name) => sequence(encodeGeneralName(name))),
        );
  const permitted = subtrees(value.permitted, 0xa0);
  const excluded = subtrees(value.excluded, 0xa1);
  if (permitted === undefined && excluded === undefined) throw new PkiError('argument', 'no subtree at all');
  return extension(OID.nameConstraints, options?.critical ?? true, sequence(permitted, excluded));
}

/** CertificatePolicies (RFC 5280 section 4.2.1.4): dotted identifiers, with a CPS URI where given. */
export function certificatePolicies(
  policies: readonly (string | { oid: string; cps?: string })[],
  options?: ExtensionOptions,
): Extension {
  if (policies.length === 0) throw new PkiError('argument', 'no policy at all');
  const encoded = policies.map((policy) => {
    if (typeof policy === 'string') return sequence(oid(policy));
    const cps = policy.cps === undefined ? undefined : sequence(oid(OID.cps), asciiString(TAG.IA5_STRING, policy.cps));
    return sequence(oid(policy.oid), cps === undefined ? undefined : sequence(cps));
  });
  return extension(OID.certificatePolicies, options?.critical ?? false, sequence(...encoded));
}

/** PolicyMappings (RFC 5280 section 4.2.1.5), critical. */
export function policyMappings(
  mappings: readonly { issuerDomainPolicy: string; subjectDomainPolicy: string }[],
  options?: ExtensionOptions,
): Extension {
  if (mappings.length === 0) throw new PkiError('argument', 'no mapping at all');
  const encoded = mappings.map((pair) => sequence(oid(pair.issuerDomainPolicy), oid(pair.subjectDomainPolicy)));
  return extension(OID.policyMappings, options?.critical ?? true, sequence(...encoded));
}

/** PolicyConstraints (RFC 5280 section 4.2.1.11), critical. */
export function policyConstraints(value: { requireExplicitPolicy?: number; inhibitPolicyMapping?: number }): Extension {
  const explicitPolicy = value.requireExplicitPolicy;
  const inhibit = value.inhibitPolicyMapping;
  if (explicitPolicy === undefined && inhibit === undefined) throw new PkiError('argument', 'no constraint at all');
  return extension(
    OID.policyConstraints,
    true,
    sequence(
      explicitPolicy === undefined ? undefined : integer(explicitPolicy, 0x80),
      inhibit === undefined ? undefined : integer(inhibit, 0x81),
    ),
  );
}

/** InhibitAnyPolicy (RFC 5280 section 4.2.1.14), critical. */
export function inhibitAnyPolicy(skipCerts: number): Extension {
  return extension(OID.inhibitAnyPolicy, true, integer(skipCerts));
}

/** TLS feature (RFC 7633): 5 is "must staple". */
export function tlsFeature(features: readonly number[]): Extension {
  return extension(OID.tlsFeature, false, sequence(...features.map((feature) => integer(feature))));
}

/** OCSP nocheck (RFC 6960 section 4.2.2.2.1). */
export function ocspNoCheck(): Extension {
  return extension(OID.ocspNoCheck, false, nullValue());
}

/** Countersign's own profile name, not critical. */
export function profileName(profile: string): Extension {
  return extension(OID.countersignProfile, false, utf8String(profile));
}

/** Encodes one Extension; `critical` FALSE is left out, as DER asks. */
export function encodeExtension({ oid: oidText, critical, value }: Extension): Uint8Array {
  return sequence(oid(oidText), critical ? boolean(true) : undefined, octetString(value));
}
