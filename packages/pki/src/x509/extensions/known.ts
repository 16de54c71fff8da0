import type { DerReader } from '../../der/reader.ts';
import { decodeUtf8 } from '../../der/strings.ts';
import { TAG } from '../../der/tags.ts';
import { readGeneralNames } from '../general-name.ts';
import { readNameConstraints } from './constraints.ts';
import { readDistributionPoints } from './distribution-points.ts';
import { readAuthorityKeyId, readDirectoryAttributes, readInfoAccess } from './identifiers.ts';
import { readCertificatePolicies, readPolicyConstraints, readPolicyMappings } from './policies.ts';
import { readBasicConstraints, readKeyUsage, readOids, readTlsFeature } from './usage.ts';

/** Certificate extensions that are decoded; the numbers are places in a table. */
export const EXT = {
  subjectKeyId: 0,
  keyUsage: 1,
  subjectAltName: 2,
  issuerAltName: 3,
  basicConstraints: 4,
  nameConstraints: 5,
  crlDistributionPoints: 6,
  certificatePolicies: 7,
  policyMappings: 8,
  authorityKeyId: 9,
  policyConstraints: 10,
  extendedKeyUsage: 11,
  freshestCrl: 12,
  inhibitAnyPolicy: 13,
  subjectDirectoryAttributes: 14,
  authorityInfoAccess: 15,
  subjectInfoAccess: 16,
  tlsFeature: 17,
  ocspNoCheck: 18,
  profile: 19,
} as const;

export type KnownExtension = (typeof EXT)[keyof typeof EXT];

/** Last arc of 2.5.29.x -> place. */
const CE: Readonly<Record<number, KnownExtension>> = {
  9: EXT.subjectDirectoryAttributes,
  14: EXT.subjectKeyId,
  15: EXT.keyUsage,
  17: EXT.subjectAltName,
  18: EXT.issuerAltName,
  19: EXT.basicConstraints,
  30: EXT.nameConstraints,
  31: EXT.crlDistributionPoints,
  32: EXT.certificatePolicies,
  33: EXT.policyMappings,
  35: EXT.authorityKeyId,
  36: EXT.policyConstraints,
  37: EXT.extendedKeyUsage,
  46: EXT.freshestCrl,
  54: EXT.inhibitAnyPolicy,
};

const PKIX = [0x2b, 6, 1, 5, 5, 7] as const;
const PROFILE = [0x2b, 6, 1, 4, 1, 0x83, 0xd4, 0x54, 1] as const;

function startsWith(bytes: Uint8Array, from: number, prefix: readonly number[]): boolean {
  return prefix.every((octet, i) => bytes[from + i] === octet);
}

/** The place of an extension by the content octets of its identifier, -1 for one that is not known. */
export function knownExtension(bytes: Uint8Array, from: number, to: number): KnownExtension | -1 {
  const length = to - from;
  if (length === 3)
    return bytes[from] === 0x55 && bytes[from + 1] === 0x1d ? (CE[bytes[from + 2] as number] ?? -1) : -1;
  if (length === 8 && startsWith(bytes, from, PKIX) && bytes[from + 6] === 1) {
    switch (bytes[from + 7]) {
      case 1:
        return EXT.authorityInfoAccess;
      case 11:
        return EXT.subjectInfoAccess;
      case 24:
        return EXT.tlsFeature;
      default:
        return -1;
    }
  }
  if (length === 9) {
    if (startsWith(bytes, from, PKIX) && bytes[from + 6] === 48 && bytes[from + 7] === 1 && bytes[from + 8] === 5) {
      return EXT.ocspNoCheck;
    }
    if (startsWith(bytes, from, PROFILE)) return EXT.profile;
  }
  return -1;
}

/**
 * Reads the value of a known extension at the cursor. With `build` false it is checked only, and the result, where
 * there is one, is not to be used.
 */
export function readKnownExtension(which: KnownExtension, reader: DerReader, build: boolean): unknown {
  switch (which) {
    case EXT.subjectKeyId:
      reader.octetString();
      return build ? reader.content() : undefined;
    case EXT.keyUsage:
      return readKeyUsage(reader);
    case EXT.subjectAltName:
    case EXT.issuerAltName:
      return readGeneralNames(reader, TAG.SEQUENCE, build);
    case EXT.basicConstraints:
      return readBasicConstraints(reader);
    case EXT.nameConstraints:
      return readNameConstraints(reader, build);
    case EXT.crlDistributionPoints:
    case EXT.freshestCrl:
      return readDistributionPoints(reader, build);
    case EXT.certificatePolicies:
      return readCertificatePolicies(reader, build);
    case EXT.policyMappings:
      return readPolicyMappings(reader, build);
    case EXT.authorityKeyId:
      return readAuthorityKeyId(reader, build);
    case EXT.policyConstraints:
      return readPolicyConstraints(reader);
    case EXT.extendedKeyUsage:
      return readOids(reader, build);
    case EXT.inhibitAnyPolicy:
      return reader.smallInteger();
    case EXT.subjectDirectoryAttributes:
      return readDirectoryAttributes(reader, build);
    case EXT.authorityInfoAccess:
    case EXT.subjectInfoAccess:
      return readInfoAccess(reader, build);
    case EXT.tlsFeature:
      return readTlsFeature(reader, build);
    case EXT.ocspNoCheck:
      reader.null();
      return true;
    case EXT.profile:
      reader.element(TAG.UTF8_STRING);
      return decodeUtf8(reader.bytes, reader.from, reader.to);
  }
}
