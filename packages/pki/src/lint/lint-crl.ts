import type { Crl } from '../crl/crl.ts';
import { equalOctets } from '../der/octets.ts';
import type { Certificate } from '../x509/certificate.ts';
import { OID } from '../x509/oids.ts';
import { nameEquals } from '../x509/name.ts';
import { lintSignatureAlgorithm } from './certificate/basics.ts';
import { lintName } from './certificate/names.ts';
import { lintCrlEntries } from './crl/entries.ts';
import { collectFindings } from './findings.ts';
import type { LintFinding, Report } from './findings.ts';

export interface LintCrlOptions {
  /** Holds the CRL against the certificate of the CA that signs it too. */
  readonly issuer?: Certificate;
  /** The longest time from thisUpdate to nextUpdate, in seconds. */
  readonly maxLifetimeSeconds?: number;
}

const neverCritical: readonly string[] = [
  OID.authorityKeyIdentifier,
  OID.issuerAltName,
  OID.crlNumber,
  OID.freshestCrl,
  OID.authorityInfoAccess,
];
const alwaysCritical: readonly string[] = [OID.deltaCrlIndicator, OID.issuingDistributionPoint];

/**
 * What is wrong with a CRL as such (RFC 5280, section 5): its head, its extensions and each of its entries. The signature is not looked at.
 *
 * @returns every finding, at most ten of one kind about entries; none where nothing is wrong
 *
 * @example
 * const faults = lintCrl(parseCrl(der), { issuer }).filter(({ severity }) => severity === 'error');
 */
export function lintCrl(crl: Crl, options: LintCrlOptions = {}): readonly LintFinding[] {
  return collectFindings((report) => {
    if (crl.version !== 2) report('crl_version', `version ${crl.version}`);
    lintSignatureAlgorithm(crl.signatureAlgorithm, report);
    if (crl.issuer.isEmpty) report('issuer_empty');
    lintName(crl.issuer, report);
    lintDates(crl, options, report);
    lintCrlExtensions(crl, report);
    if (options.issuer !== undefined) lintAgainstIssuer(crl, options.issuer, report);
    lintCrlEntries(crl, report);
  });
}

/** Sections 5.1.2.4 and 5.1.2.5. */
function lintDates(crl: Crl, { maxLifetimeSeconds }: LintCrlOptions, report: Report): void {
  const { thisUpdate, nextUpdate } = crl;
  if (nextUpdate === undefined) report('crl_next_update_missing');
  else if (nextUpdate <= thisUpdate) report('crl_next_update');
  else if (maxLifetimeSeconds !== undefined && nextUpdate - thisUpdate > maxLifetimeSeconds * 1000) {
    report('crl_too_long', `${(nextUpdate - thisUpdate) / 1000} seconds`);
  }
}

/** Section 5.2. */
function lintCrlExtensions(crl: Crl, report: Report): void {
  for (const { oid, critical } of crl.extensions) {
    if (critical ? neverCritical.includes(oid) : alwaysCritical.includes(oid)) report('crl_extension_critical', oid);
  }
  for (const oid of crl.unknownCriticalExtensions) report('crl_critical_unknown', oid);
  if (crl.authorityKeyId?.keyId === undefined) report('crl_authority_key_id');
  if (crl.crlNumber === undefined) report('crl_number_missing');
  if (crl.deltaCrlIndicator !== undefined && crl.freshestCrl !== undefined) report('crl_delta_freshest');
}

function lintAgainstIssuer(crl: Crl, issuer: Certificate, report: Report): void {
  if (!nameEquals(crl.issuer, issuer.subject)) report('issuer_name');
  else if (!equalOctets(crl.issuer.der, issuer.subject.der)) report('issuer_name_encoding');
  const keyId = crl.authorityKeyId?.keyId;
  if (keyId !== undefined && issuer.subjectKeyId !== undefined && !equalOctets(keyId, issuer.subjectKeyId)) {
    report('issuer_key_id');
  }
  if (issuer.keyUsage?.has('cRLSign') === false) report('crl_issuer_usage');
}
