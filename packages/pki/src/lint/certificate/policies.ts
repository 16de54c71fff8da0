import { DerReader } from '../../der/reader.ts';
import { decodeString } from '../../der/strings.ts';
import { TAG } from '../../der/tags.ts';
import { PkiError } from '../../errors.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { OID } from '../../x509/oids.ts';
import type { Report } from '../findings.ts';

const maxNoticeCharacters = 200;

/** Policies, their qualifiers and mappings (RFC 5280, sections 4.2.1.4 and 4.2.1.5). */
export function lintPolicies(certificate: Certificate, report: Report): void {
  const policies = certificate.certificatePolicies ?? [];
  for (const { oid, qualifiers } of policies) {
    for (const qualifier of qualifiers) {
      if (qualifier.oid === OID.userNotice) lintNotice(qualifier.value, oid, report);
      else if (qualifier.oid !== OID.cps) report('policy_qualifier', `${qualifier.oid} of ${oid}`);
    }
  }
  const listed = new Set(policies.map(({ oid }) => oid));
  for (const { issuerDomainPolicy, subjectDomainPolicy } of certificate.policyMappings ?? []) {
    const pair = `${issuerDomainPolicy} to ${subjectDomainPolicy}`;
    if (issuerDomainPolicy === OID.anyPolicy || subjectDomainPolicy === OID.anyPolicy)
      report('policy_mapping_any', pair);
    else if (!listed.has(issuerDomainPolicy)) report('policy_mapping_unlisted', pair);
  }
}

/** UserNotice: an explicitText is UTF8String or IA5String of at most 200 characters. */
function lintNotice(value: Uint8Array, policy: string, report: Report): void {
  try {
    const reader = new DerReader(value);
    const outer = reader.enter(TAG.SEQUENCE);
    if (reader.peek() === TAG.SEQUENCE) reader.element(TAG.SEQUENCE);
    if (!reader.done) {
      reader.any();
      const text = decodeString(reader.bytes, reader.tag, reader.from, reader.to);
      const oldType = reader.tag !== TAG.UTF8_STRING && reader.tag !== TAG.IA5_STRING;
      if (oldType || Array.from(text).length > maxNoticeCharacters) report('policy_notice', policy);
    }
    reader.leave(outer);
    reader.finish();
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    report('policy_notice', policy);
  }
}
