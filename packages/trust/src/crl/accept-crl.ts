import { isLegacyScheme, parseCrl, pemDecode, PkiError, verifySignature } from '@countersign/pki';
import type { Crl, Crypto, SubjectPublicKeyInfo } from '@countersign/pki';

import { TrustError } from '../errors.ts';
import { RevocationIndex } from '../revocation/revocation-index.ts';
import type { PathEntry } from '../verdict/verdict.ts';

/** How far the clock of a CRL's issuer may be ahead of ours. */
const MAX_SKEW_MS = 5 * 60_000;

/** Which certificates of its issuer a CRL is about (issuingDistributionPoint, RFC 5280 section 5.2.5). */
export interface CrlScope {
  readonly users: boolean;
  readonly cas: boolean;
  /** URIs of its distribution point; undefined: every certificate, whatever its distribution points. */
  readonly uris: readonly string[] | undefined;
}

/** A CRL whose signature is good. */
export interface LoadedCrl {
  /** The file or URL that it came from. */
  readonly source: string;
  readonly issuerKeyHash: string;
  readonly scope: CrlScope;
  readonly crlNumber: bigint | undefined;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch. */
  readonly nextUpdate: number;
  readonly index: RevocationIndex;
}

/**
 * Reads a CRL, PEM (`X509 CRL`) or DER, and refuses one that could not speak for whole certificates of its issuer.
 *
 * @throws TrustError `crl_malformed`, `crl_unusable`, `crl_not_current`
 */
export function readCrl(bytes: Uint8Array, source: string, now: number): Crl {
  let crl: Crl;
  try {
    crl = parseCrl(bytes[0] === 0x30 ? bytes : readPem(bytes, source));
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new TrustError('crl_malformed', `is not a CRL: ${error.message}`, { source, cause: error });
  }
  const unusable = whyUnusable(crl);
  if (unusable !== undefined) throw new TrustError('crl_unusable', unusable, { source });
  if (crl.thisUpdate > now + MAX_SKEW_MS) {
    throw new TrustError('crl_not_current', `is of the future: ${new Date(crl.thisUpdate).toISOString()}`, { source });
  }
  return crl;
}

/** Whether a CRL was signed with this key, by an algorithm that still counts. */
export function isSignedBy(crl: Crl, spki: SubjectPublicKeyInfo, crypto: Crypto): boolean {
  const result = verifySignature(crl, spki, crypto);
  return result.ok && !isLegacyScheme(result.scheme);
}

/** Takes the entries of a CRL into an index of its own, so that its octets need not be kept. */
export function loadCrl(crl: Crl, source: string, issuerKeyHash: string): LoadedCrl {
  const index = new RevocationIndex({ capacity: crl.entryCount });
  crl.forEachEntry(({ serialHex, reason, revocationDate }) => {
    index.set({ issuerKeyHash, serialHex, reason, revokedAt: revocationDate });
  });
  const { crlNumber, thisUpdate, nextUpdate = thisUpdate } = crl;
  return { source, issuerKeyHash, scope: scopeOf(crl), crlNumber, thisUpdate, nextUpdate, index };
}

/** Whether a CRL of this scope speaks for a certificate of the same issuer. */
export function isInScope({ users, cas, uris }: CrlScope, entry: PathEntry): boolean {
  if (entry.isCa ? !cas : !users) return false;
  return uris === undefined || entry.crlUris.some((uri) => uris.includes(uri));
}

/** Whether two scopes are the same, so that one CRL takes the place of the other. */
export function isSameScope(a: CrlScope, b: CrlScope): boolean {
  return a.users === b.users && a.cas === b.cas && a.uris?.toSorted().join('\n') === b.uris?.toSorted().join('\n');
}

/** Whether `next` is older than `known`: by number where both have one, else by time. */
export function isRollback(known: LoadedCrl, next: LoadedCrl): boolean {
  if (known.crlNumber !== undefined && next.crlNumber !== undefined && known.crlNumber !== next.crlNumber) {
    return next.crlNumber < known.crlNumber;
  }
  return next.thisUpdate < known.thisUpdate;
}

function readPem(bytes: Uint8Array, source: string): Uint8Array {
  const [block, ...more] = pemDecode(bytes);
  if (block === undefined) throw new TrustError('crl_malformed', 'holds neither DER nor PEM', { source });
  if (block.label !== 'X509 CRL' || more.length > 0) {
    throw new TrustError('crl_malformed', 'must hold one PEM block of the label X509 CRL', { source });
  }
  return block.der;
}

function whyUnusable(crl: Crl): string | undefined {
  const point = crl.issuingDistributionPoint;
  if (crl.nextUpdate === undefined) return 'has no nextUpdate';
  if (crl.nextUpdate < crl.thisUpdate) return 'ends before it begins';
  if (crl.unknownCriticalExtensions.length > 0) {
    return `has critical extensions that are not known: ${crl.unknownCriticalExtensions.join(', ')}`;
  }
  if (crl.deltaCrlIndicator !== undefined) return 'is a delta, which is nothing without its base';
  if (point === undefined) return undefined;
  if (point.indirectCrl) return 'is an indirect CRL';
  if (point.onlySomeReasons !== undefined) return 'is about some reasons only';
  if (point.onlyContainsAttributeCerts) return 'is about attribute certificates';
  return point.name !== undefined && point.name.fullName === undefined
    ? 'names its distribution point relative to the issuer'
    : undefined;
}

function scopeOf({ issuingDistributionPoint: point }: Crl): CrlScope {
  const names = point?.name?.fullName;
  return {
    users: point?.onlyContainsCaCerts !== true,
    cas: point?.onlyContainsUserCerts !== true,
    uris: names?.flatMap((name) => (name.type === 'uri' ? [name.value] : [])),
  };
}
