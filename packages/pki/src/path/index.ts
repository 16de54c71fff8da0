export { buildAndValidate } from './build.ts';
export { PATH_CODES, PATH_REFUSALS, precedenceOf, refusalOf } from './codes.ts';
export type { CodeGroup, PathErrorCode, PathRefusal } from './codes.ts';
export { trustAnchor } from './types.ts';
export type {
  AlgorithmPolicy,
  InvalidPath,
  PathAttempt,
  PathBudget,
  PathFault,
  PathOptions,
  PathProfile,
  PathResult,
  TrustAnchor,
  ValidPath,
} from './types.ts';
export type { PolicyInput, PolicyResult } from './policy.ts';
export type { RevocationChecker, UnrevokedCandidate } from './revocation.ts';
export { createSignatureCache } from './signatures.ts';
export type { SignatureCache, SignedObject } from './signatures.ts';
export { matchEmail, matchHost } from './names/host.ts';
export { formatIpAddress, parseIpAddress } from './names/ip.ts';
export { isDnsName } from './names/dns.ts';
export { crlChecker } from './crl/checker.ts';
export type { CrlCheckOptions } from './crl/checker.ts';
export { ALL_REASONS, distributionPointNames } from './crl/scope.ts';
export { isRollback } from './crl/currency.ts';
export type { CrlAge } from './crl/currency.ts';
