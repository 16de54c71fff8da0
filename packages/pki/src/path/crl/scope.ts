/** Which certificates and reasons a CRL speaks for (RFC 5280, 6.3.3 (b), (d), (e)). */

import type { Crl } from '../../crl/crl.ts';
import type { IssuingDistributionPoint } from '../../crl/issuing-distribution-point.ts';
import { equalOctets } from '../../der/octets.ts';
import { oid, sequence, setOf } from '../../der/writer.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { DistributionPoint, DistributionPointName } from '../../x509/extensions/distribution-points.ts';
import type { GeneralName } from '../../x509/general-name.ts';
import { nameEquals, parseName, type Name } from '../../x509/name.ts';

/** Every reason flag but the unused bit 0. */
export const ALL_REASONS = 0x1fe;

/** A distribution point of a certificate, or the one that section 6.3.3 assumes for what none of them names. */
export interface Point extends DistributionPoint {
  readonly assumed?: true;
}

/**
 * The distribution points to look at: the certificate's own, then the one assumed for any other CRL of the certificate's
 * issuer. Where every point names another CRL issuer the certificate's issuer has given the task away, and its own lists
 * are not asked: stricter than section 6.3.3, never laxer.
 */
export function distributionPoints(cert: Certificate): readonly Point[] {
  const own = cert.crlDistributionPoints ?? [];
  if (own.length > 0 && own.every(({ crlIssuer }) => crlIssuer !== undefined)) return own;
  return [...own, { name: { fullName: [{ type: 'directory', value: cert.issuer }] }, assumed: true }];
}

/** (b): whether a CRL is one for this distribution point and covers this kind of certificate. */
export function isInScope(crl: Crl, point: Point, cert: Certificate): boolean {
  const idp = crl.issuingDistributionPoint;
  const isIndirect = idp?.indirectCrl === true;
  if (point.crlIssuer === undefined) {
    if (!nameEquals(crl.issuer, cert.issuer)) return false;
    // 4.2.1.13: a point without cRLIssuer is one of the issuer's own lists, which an indirect one is not.
    if (isIndirect && point.assumed !== true) return false;
  } else if (!isIndirect || !directoryNames(point.crlIssuer).some((name) => nameEquals(name, crl.issuer))) {
    return false;
  }
  return idp === undefined || (coversKind(idp, cert) && coversPoint(idp, point, crl.issuer, cert.issuer));
}

function coversKind(idp: IssuingDistributionPoint, cert: Certificate): boolean {
  if (idp.onlyContainsAttributeCerts) return false;
  // 5.2.5: a list of one kind only has no certificates of version 1 or 2 in its scope.
  if ((idp.onlyContainsUserCerts || idp.onlyContainsCaCerts) && cert.version !== 3) return false;
  const isCa = cert.basicConstraints?.ca === true;
  if (idp.onlyContainsUserCerts && isCa) return false;
  return !idp.onlyContainsCaCerts || isCa;
}

/** (b)(2)(i): the names of the CRL's distribution point and of the certificate's have one in common. */
function coversPoint(
  idp: IssuingDistributionPoint,
  point: DistributionPoint,
  crlIssuer: Name,
  certIssuer: Name,
): boolean {
  if (idp.name === undefined) return true;
  const ofCrl = distributionPointNames(idp.name, crlIssuer);
  const base = point.crlIssuer === undefined ? certIssuer : (directoryNames(point.crlIssuer)[0] ?? certIssuer);
  const ofCert = point.name === undefined ? (point.crlIssuer ?? []) : distributionPointNames(point.name, base);
  return ofCrl.some((a) => ofCert.some((b) => sameName(a, b)));
}

function directoryNames(names: readonly GeneralName[]): readonly Name[] {
  return names.flatMap((name) => (name.type === 'directory' ? [name.value] : []));
}

/**
 * The names of a distribution point written out (4.2.1.13): a relative one is one level below the name of the CRL issuer.
 *
 * @param base the CRL issuer's name.
 */
export function distributionPointNames(name: DistributionPointName, base: Name): readonly GeneralName[] {
  if (name.fullName !== undefined) return name.fullName;
  const levels = [...base.rdns, name.relativeName].map((rdn) =>
    setOf(rdn.map(({ type, valueDer }) => sequence(oid(type), valueDer))),
  );
  return [{ type: 'directory', value: parseName(sequence(...levels)) }];
}

function sameName(a: GeneralName, b: GeneralName): boolean {
  if (a.type === 'directory') return b.type === 'directory' && nameEquals(a.value, b.value);
  if (a.type !== b.type || typeof a.value !== typeof b.value) return false;
  return typeof a.value === 'string' ? a.value === b.value : equalOctets(a.value, b.value as Uint8Array);
}

/** (d): the reasons that a CRL of this distribution point speaks for. */
export function coveredReasons(crl: Crl, point: DistributionPoint): number {
  return (crl.issuingDistributionPoint?.onlySomeReasons ?? ALL_REASONS) & (point.reasons ?? ALL_REASONS) & ALL_REASONS;
}

/** Whether two CRLs of one issuer have the same scope: what a delta must share with its base (5.2.4). */
export function sameScope(a: Crl, b: Crl): boolean {
  if (!nameEquals(a.issuer, b.issuer)) return false;
  const x = a.issuingDistributionPoint;
  const y = b.issuingDistributionPoint;
  if (x === undefined || y === undefined) return x === y;
  return (
    x.onlyContainsUserCerts === y.onlyContainsUserCerts &&
    x.onlyContainsCaCerts === y.onlyContainsCaCerts &&
    x.onlyContainsAttributeCerts === y.onlyContainsAttributeCerts &&
    x.indirectCrl === y.indirectCrl &&
    (x.onlySomeReasons ?? ALL_REASONS) === (y.onlySomeReasons ?? ALL_REASONS) &&
    sameDistribution(x.name, y.name, a.issuer)
  );
}

function sameDistribution(
  a: DistributionPointName | undefined,
  b: DistributionPointName | undefined,
  issuer: Name,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  const x = distributionPointNames(a, issuer);
  const y = distributionPointNames(b, issuer);
  return x.length === y.length && x.every((name) => y.some((other) => sameName(name, other)));
}
