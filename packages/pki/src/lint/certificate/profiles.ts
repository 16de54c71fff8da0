import type { Certificate } from '../../x509/certificate.ts';
import { receivingUsage } from '../../keys/receiving-usage.ts';
import type { KeyUsageName } from '../../x509/extensions/usage.ts';
import type { GeneralName } from '../../x509/general-name.ts';
import { OID } from '../../x509/oids.ts';
import type { Report } from '../findings.ts';

/** The kinds of certificates that Countersign issues. */
export type LintProfile =
  | 'root'
  | 'issuing'
  | 'server'
  | 'peer'
  | 'client'
  | 'device'
  | 'person'
  | 'admin'
  | 'gateway'
  | 'ocsp';

interface LeafRules {
  readonly usages: readonly string[];
  readonly nameTypes: readonly GeneralName['type'][];
  /** Names must be there. */
  readonly named?: true;
  readonly wildcards?: true;
}

const leafRules: Readonly<Record<Exclude<LintProfile, 'root' | 'issuing'>, LeafRules>> = {
  server: { usages: [OID.serverAuth], nameTypes: ['dns', 'ip', 'uri'], named: true, wildcards: true },
  peer: { usages: [OID.serverAuth, OID.clientAuth], nameTypes: ['dns', 'ip', 'uri'], wildcards: true },
  client: { usages: [OID.clientAuth], nameTypes: ['dns', 'ip', 'uri', 'email'] },
  device: { usages: [OID.clientAuth], nameTypes: ['dns', 'ip', 'uri', 'email'] },
  person: { usages: [OID.clientAuth], nameTypes: ['email', 'uri'] },
  admin: { usages: [OID.clientAuth], nameTypes: ['email', 'uri'] },
  gateway: { usages: [OID.clientAuth], nameTypes: ['dns', 'ip', 'uri'], wildcards: true },
  ocsp: { usages: [OID.ocspSigning], nameTypes: [] },
};

/** What a certificate of one of our profiles is, and that it is nothing else. */
export function lintProfile(
  certificate: Certificate,
  profile: LintProfile,
  receivesKeys: boolean,
  report: Report,
): void {
  if (profile === 'root' || profile === 'issuing') lintCa(certificate, profile, report);
  else lintLeaf(certificate, profile, receivesKeys, report);
}

function lintCa(certificate: Certificate, profile: 'root' | 'issuing', report: Report): void {
  const { basicConstraints, keyUsage } = certificate;
  const pathLen = basicConstraints?.pathLen;
  const pathLenFits = profile === 'issuing' ? pathLen === 0 : pathLen === undefined || pathLen > 0;
  if (basicConstraints?.ca !== true || !pathLenFits) report('profile_ca', profile);
  const required: readonly KeyUsageName[] = ['keyCertSign', 'cRLSign'];
  const allowed: readonly string[] = [...required, 'digitalSignature'];
  const usages = keyUsage?.names ?? [];
  if (!required.every((name) => usages.includes(name)) || usages.some((name) => !allowed.includes(name))) {
    report('profile_key_usage', usages.join(', '));
  }
  if (certificate.subjectAltName !== undefined) report('profile_alt_names', profile);
  if (profile === 'issuing') lintWhereabouts(certificate, report);
}

function lintLeaf(
  certificate: Certificate,
  profile: keyof typeof leafRules,
  receivesKeys: boolean,
  report: Report,
): void {
  const rules = leafRules[profile];
  const { basicConstraints, keyUsage, extendedKeyUsage = [], subjectAltName = [] } = certificate;
  if (basicConstraints?.ca !== false || !certificate.isCritical(OID.basicConstraints)) report('profile_ca', profile);
  const receiving = receivesKeys ? receivingUsage(certificate.spki.key) : undefined;
  const wanted = receiving === undefined ? ['digitalSignature'] : ['digitalSignature', receiving];
  if (keyUsage?.names.join() !== wanted.join()) report('profile_key_usage', keyUsage?.names.join(', ') ?? 'none');
  if (extendedKeyUsage.toSorted().join() !== rules.usages.toSorted().join()) {
    report('profile_extended_key_usage', extendedKeyUsage.join(', '));
  }
  if (certificate.profile !== profile) report('profile_name', certificate.profile ?? 'none');
  for (const name of subjectAltName) {
    if (!rules.nameTypes.includes(name.type)) report('profile_alt_names', `${name.type} in ${profile}`);
    if (name.type === 'dns' && name.value.startsWith('*') && rules.wildcards !== true) {
      report('profile_alt_names', `${name.value} in ${profile}`);
    }
  }
  if (rules.named === true && !subjectAltName.some(({ type }) => type === 'dns' || type === 'ip')) {
    report('profile_alt_names', `no host in ${profile}`);
  }
  if (profile === 'ocsp' && !certificate.ocspNoCheck) report('profile_no_check');
  // RFC 6960, section 4.2.2.2.1: nobody asks after a responder with nocheck.
  if (profile !== 'ocsp') lintWhereabouts(certificate, report);
}

function lintWhereabouts(certificate: Certificate, report: Report): void {
  const points = certificate.crlDistributionPoints ?? [];
  if (!points.some((point) => point.name?.fullName?.some(({ type }) => type === 'uri') === true)) {
    report('profile_pointers', 'cRLDistributionPoints');
  }
  const access = certificate.authorityInfoAccess ?? [];
  if (!access.some(({ method }) => method === OID.caIssuers)) report('profile_pointers', 'authorityInfoAccess');
}
