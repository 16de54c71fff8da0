import { isLegacyScheme, parseCrl, pemDecode, PkiError, verifySignature } from '@countersign/pki';
import type { Crl, CrlEntryView, Crypto, SubjectPublicKeyInfo } from '@countersign/pki';

import { TrustError } from '../errors.ts';
import { RevocationIndex } from '../revocation/revocation-index.ts';
import { sha256Hex } from '../verdict/key-hash.ts';
import { scopeOf } from './crl-scope.ts';
import { httpUris } from './point-names.ts';
import type { CrlScope } from './crl-scope.ts';

/** How far the clock of a CRL's issuer may be ahead of ours. */
const MAX_SKEW_MS = 5 * 60_000;

/** A CRL whose signature is good. */
export interface LoadedCrl {
  /** The file or URL that it came from. */
  readonly source: string;
  /** SHA-256 of the key that signed it. */
  readonly issuerKeyHash: string;
  readonly scope: CrlScope;
  readonly crlNumber: bigint | undefined;
  /** It is a delta: it tells what has changed since the complete list of this number (RFC 5280 section 5.2.4). */
  readonly baseNumber: bigint | undefined;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch. */
  readonly nextUpdate: number;
  /** Its source is one of those that lists are expected from: a delta that is overdue there is missed. */
  readonly isExpected: boolean;
  /** Where its deltas are, over HTTP (RFC 5280 section 5.2.6). */
  readonly freshestUris: readonly string[];
  /** Entries under the hash of the issuer's key, those of an indirect list under {@link nameHash}. */
  readonly index: RevocationIndex;
}

/**
 * Reads a CRL, PEM (`X509 CRL`) or DER, and refuses one that cannot be understood as a whole.
 *
 * @param now milliseconds since the epoch.
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

/** Under what the entries of indirect lists stand: an issuer that is known by its name alone. */
export function nameHash(nameKey: string): string {
  return sha256Hex(Buffer.from(`name:${nameKey}`));
}

/** Takes the entries of a CRL into an index of its own, so that its octets need not be kept. */
export function loadCrl(crl: Crl, source: string, issuerKeyHash: string, isExpected = true): LoadedCrl {
  const { crlNumber, deltaCrlIndicator: baseNumber, thisUpdate, nextUpdate = thisUpdate } = crl;
  const scope = scopeOf(crl);
  const index = new RevocationIndex({ capacity: crl.entryCount });
  const ownHash = scope.indirect ? nameHash(crl.issuer.key) : issuerKeyHash;
  crl.forEachEntry((entry) => {
    for (const issuer of issuersOf(entry, ownHash)) take(index, issuer, entry, baseNumber !== undefined);
  });
  const freshestUris = baseNumber === undefined ? httpUris(crl.freshestCrl) : [];
  const head = { source, issuerKeyHash, isExpected, scope, crlNumber, baseNumber, thisUpdate, nextUpdate };
  return { ...head, freshestUris, index };
}

/** Only an indirect list has entries of other issuers: the parser refuses any other that does. */
function issuersOf({ certificateIssuer }: CrlEntryView, own: string): readonly string[] {
  if (certificateIssuer === undefined) return [own];
  return certificateIssuer.flatMap((name) => (name.type === 'directory' ? [nameHash(name.value.key)] : []));
}

/** Of several entries for one certificate the last counts; what a complete list removes is not on it. */
function take(index: RevocationIndex, issuerKeyHash: string, entry: CrlEntryView, isDelta: boolean): void {
  const { serialHex, reason, revocationDate: revokedAt } = entry;
  if (reason === 'removeFromCRL' && !isDelta) index.delete(issuerKeyHash, serialHex);
  else index.set({ issuerKeyHash, serialHex, reason, revokedAt });
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
  if (crl.deltaCrlIndicator !== undefined) {
    // CVE-2026-28388: without both numbers nobody can tell to which list a delta belongs.
    if (crl.crlNumber === undefined) return 'is a delta without a CRL number';
    if (crl.deltaCrlIndicator > crl.crlNumber) return 'is a delta to a list that comes after it';
  }
  return point?.onlyContainsAttributeCerts === true ? 'is about attribute certificates' : undefined;
}
