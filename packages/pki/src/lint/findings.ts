/**
 * - `error`: a MUST is broken, or one of our own profiles
 * - `warning`: a SHOULD is
 * - `notice`: allowed, and seldom meant
 */
export type LintSeverity = 'error' | 'warning' | 'notice';

interface LintRule {
  readonly severity: LintSeverity;
  /** Document and section; `Countersign` for what we ask beyond the RFCs. */
  readonly section: string;
  readonly words: string;
}

function rule(severity: LintSeverity, section: string, words: string): LintRule {
  return { severity, section, words };
}

/** Every finding that linting can make, by its stable code. */
export const LINT_RULES = {
  version_not_3: rule('error', 'RFC 5280 4.1.2.1', 'a certificate of today has version 3'),
  serial_not_positive: rule('error', 'RFC 5280 4.1.2.2', 'the serial number is not positive'),
  serial_too_long: rule('error', 'RFC 5280 4.1.2.2', 'the serial number has more than 20 octets'),
  serial_guessable: rule('error', 'Countersign', 'the serial number has fewer than 64 bits'),
  signature_algorithm: rule(
    'error',
    'RFC 5280 4.1.1.2',
    'the signature algorithm is unknown or its parameters are wrong',
  ),
  signature_weak: rule('error', 'Countersign', 'the signature algorithm is no longer safe'),
  algorithms_differ: rule('error', 'RFC 5280 4.1.1.2', 'the two signature algorithms differ'),
  issuer_empty: rule('error', 'RFC 5280 4.1.2.4', 'the issuer has no name'),
  validity_reversed: rule('error', 'RFC 5280 4.1.2.5', 'the validity ends before it begins'),
  subject_empty: rule('error', 'RFC 5280 4.1.2.6', 'a CA has no name'),
  subject_nowhere: rule('error', 'RFC 5280 4.1.2.6', 'there is neither a subject nor a subjectAltName'),
  key_weak: rule('error', 'Countersign', 'the key is too weak, too large or of an unknown kind'),
  unique_id: rule('error', 'RFC 5280 4.1.2.8', 'unique identifiers must not be used'),
  critical_unknown: rule('warning', 'RFC 5280 4.2', 'a critical extension that hardly anybody knows'),

  attribute_empty: rule('error', 'RFC 5280 A.1', 'an attribute of the name is empty'),
  attribute_too_long: rule('error', 'RFC 5280 A.1', 'an attribute of the name is longer than its upper bound'),
  attribute_type: rule('error', 'RFC 5280 A.1', 'an attribute of the name is of another string type than its own'),
  attribute_old_string: rule('warning', 'RFC 5280 4.1.2.4', 'an attribute is neither PrintableString nor UTF8String'),
  attribute_country: rule('error', 'RFC 5280 A.1', 'a country is not two letters'),
  attribute_control: rule('error', 'Countersign', 'a control character in a name'),
  attribute_email: rule('warning', 'RFC 5280 4.1.2.6', 'an e-mail address belongs into the subjectAltName'),
  rdn_multiple: rule('notice', 'RFC 5280 4.1.2.4', 'a level of the name has several attributes'),

  basic_constraints_missing: rule('error', 'RFC 5280 4.2.1.9', 'a CA has no basicConstraints'),
  basic_constraints_not_critical: rule('error', 'RFC 5280 4.2.1.9', 'basicConstraints of a CA are not critical'),
  path_len_without_ca: rule('error', 'RFC 5280 4.2.1.9', 'a path length without being a CA'),
  path_len_without_cert_sign: rule('error', 'RFC 5280 4.2.1.9', 'a path length without keyCertSign'),
  cert_sign_without_ca: rule('error', 'RFC 5280 4.2.1.3', 'keyCertSign without being a CA'),
  ca_without_cert_sign: rule('warning', 'RFC 5280 4.2.1.3', 'a CA that may not sign certificates'),
  key_usage_missing: rule('error', 'RFC 5280 4.2.1.3', 'a CA has no keyUsage'),
  key_usage_not_critical: rule('warning', 'RFC 5280 4.2.1.3', 'keyUsage is not critical'),
  key_usage_only_bits: rule('error', 'RFC 5280 4.2.1.3', 'encipherOnly or decipherOnly without keyAgreement'),
  key_usage_key: rule('error', 'RFC 8813 3', 'keyUsage allows what this kind of key cannot do'),
  extended_key_usage_any: rule('warning', 'RFC 5280 4.2.1.12', 'anyExtendedKeyUsage in a critical extension'),
  extended_key_usage_twice: rule('warning', 'RFC 5280 4.2.1.12', 'the same extendedKeyUsage twice'),
  extended_key_usage_conflict: rule('error', 'RFC 5280 4.2.1.12', 'keyUsage forbids what extendedKeyUsage allows'),

  subject_key_id_missing: rule('error', 'RFC 5280 4.2.1.2', 'a CA has no subjectKeyIdentifier'),
  subject_key_id_absent: rule('warning', 'RFC 5280 4.2.1.2', 'there is no subjectKeyIdentifier'),
  authority_key_id_missing: rule(
    'error',
    'RFC 5280 4.2.1.1',
    'there is no authorityKeyIdentifier with a key identifier',
  ),
  must_not_be_critical: rule('error', 'RFC 5280 4.2', 'an extension is critical that must not be'),
  must_be_critical: rule('error', 'RFC 5280 4.2', 'an extension is not critical that must be'),
  should_not_be_critical: rule('warning', 'RFC 5280 4.2', 'an extension is critical that should not be'),
  only_in_ca: rule('error', 'RFC 5280 4.2.1', 'an extension that only a CA may have'),

  alt_name_critical: rule('warning', 'RFC 5280 4.2.1.6', 'a critical subjectAltName beside a subject'),
  alt_name_not_critical: rule('error', 'RFC 5280 4.2.1.6', 'the subject is empty and subjectAltName not critical'),
  alt_name_twice: rule('warning', 'RFC 5280 4.2.1.6', 'the same alternative name twice'),
  alt_name_unused_type: rule('warning', 'RFC 5280 4.2.1.6', 'a type of alternative name that nobody processes'),
  dns_name_syntax: rule('error', 'RFC 5280 4.2.1.6', 'a DNS name is not in the preferred syntax'),
  dns_name_underscore: rule('warning', 'RFC 5280 4.2.1.6', 'an underscore in a DNS name'),
  dns_name_wildcard: rule(
    'error',
    'RFC 9525 6.3',
    'a wildcard is not the whole of the leftmost label, or covers too much',
  ),
  email_syntax: rule('error', 'RFC 5280 4.2.1.6', 'an e-mail address is not a mailbox'),
  uri_syntax: rule('error', 'RFC 5280 4.2.1.6', 'a URI is not absolute, or names no host'),
  uri_spiffe: rule('error', 'SPIFFE-ID 2', 'a SPIFFE ID is malformed'),
  ip_mapped: rule('warning', 'RFC 5280 4.2.1.6', 'an IPv4 address in the guise of IPv6'),

  policy_qualifier: rule('warning', 'RFC 5280 4.2.1.4', 'a policy qualifier other than CPS and user notice'),
  policy_notice: rule('error', 'RFC 5280 4.2.1.4', 'a user notice is malformed, too long or of an old string type'),
  policy_mapping_any: rule('error', 'RFC 5280 4.2.1.5', 'a policy is mapped to or from anyPolicy'),
  policy_mapping_unlisted: rule('warning', 'RFC 5280 4.2.1.5', 'a mapped policy is not among the certificate policies'),
  constraint_dns: rule('error', 'RFC 5280 4.2.1.10', 'a DNS name constraint is no name'),
  constraint_email: rule(
    'error',
    'RFC 5280 4.2.1.10',
    'an e-mail constraint is neither a mailbox, a host nor a domain',
  ),
  constraint_uri: rule('error', 'RFC 5280 4.2.1.10', 'a URI constraint is neither a host nor a domain'),
  constraint_ip: rule('error', 'RFC 5280 4.2.1.10', 'the mask of an IP constraint is not contiguous'),

  distribution_point_empty: rule(
    'error',
    'RFC 5280 4.2.1.13',
    'a distribution point has neither a name nor a CRL issuer',
  ),
  distribution_point_uri: rule('error', 'RFC 5280 4.2.1.13', 'the URI of a distribution point is not absolute'),
  distribution_point_scheme: rule(
    'warning',
    'RFC 5280 8',
    'revocation is to be fetched over HTTPS, which may need it first',
  ),
  info_access_location: rule('error', 'RFC 5280 4.2.2.1', 'an access location is not an absolute URI'),
  info_access_scheme: rule(
    'warning',
    'RFC 5280 8',
    'an issuer or its OCSP is to be fetched over HTTPS, which may need it first',
  ),
  ocsp_no_check: rule('warning', 'RFC 6960 4.2.2.2.1', 'nocheck on a certificate that does not sign OCSP responses'),

  issuer_name: rule('error', 'RFC 5280 4.1.2.4', "the issuer is not the subject of the issuer's certificate"),
  issuer_name_encoding: rule('error', 'RFC 5280 4.1.2.6', "the issuer's name is not encoded as in its certificate"),
  issuer_key_id: rule('error', 'RFC 5280 4.2.1.1', "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier"),
  issuer_not_ca: rule('error', 'RFC 5280 4.2.1.9', 'the issuer is not a CA, or may not sign certificates'),
  issuer_path_len: rule('error', 'RFC 5280 4.2.1.9', 'the path length of the issuer allows no CA below it'),
  outlives_issuer: rule('error', 'Countersign', 'the certificate is valid beyond its issuer'),

  profile_ca: rule('error', 'Countersign', 'basicConstraints are not those of the profile'),
  profile_key_usage: rule('error', 'Countersign', 'keyUsage is not that of the profile'),
  profile_extended_key_usage: rule('error', 'Countersign', 'extendedKeyUsage is not that of the profile'),
  profile_name: rule('error', 'Countersign', 'the certificate does not carry the name of its profile'),
  profile_alt_names: rule('error', 'Countersign', 'the alternative names are not those of the profile'),
  profile_pointers: rule('error', 'Countersign', 'a CRL distribution point or the place of the issuer is missing'),
  profile_no_check: rule('error', 'Countersign', 'an OCSP responder without nocheck'),

  crl_version: rule('error', 'RFC 5280 5.1.2.1', 'a CRL of today has version 2'),
  crl_issuer_usage: rule('error', 'RFC 5280 4.2.1.3', 'the issuer may not sign CRLs'),
  crl_next_update_missing: rule('error', 'RFC 5280 5.1.2.5', 'the CRL has no nextUpdate'),
  crl_next_update: rule('error', 'RFC 5280 5.1.2.5', 'nextUpdate is not after thisUpdate'),
  crl_authority_key_id: rule('error', 'RFC 5280 5.2.1', 'the CRL has no authorityKeyIdentifier with a key identifier'),
  crl_number_missing: rule('error', 'RFC 5280 5.2.3', 'the CRL has no number'),
  crl_extension_critical: rule(
    'error',
    'RFC 5280 5.2',
    'an extension is critical that must not be, or not that must be',
  ),
  crl_critical_unknown: rule('error', 'RFC 5280 5.2', 'a critical extension that hardly anybody knows'),
  crl_delta_freshest: rule('error', 'RFC 5280 5.2.6', 'a delta CRL says where the freshest CRL is'),
  crl_too_long: rule('error', 'Countersign', 'nextUpdate is further away than the profile allows'),
  crl_entry_serial: rule('error', 'RFC 5280 4.1.2.2', 'a serial number is not positive or has more than 20 octets'),
  crl_entry_twice: rule('warning', 'RFC 5280 5.3', 'a serial number twice'),
  crl_entry_future: rule('warning', 'RFC 5280 5.1.2.6', 'a revocation later than thisUpdate'),
  crl_entry_remove: rule('error', 'RFC 5280 5.3.1', 'removeFromCRL outside a delta CRL'),
} as const satisfies Record<string, LintRule>;

/** A stable code of {@link LINT_RULES}. */
export type LintCode = keyof typeof LINT_RULES;

/** One thing that is wrong. */
export interface LintFinding {
  readonly code: LintCode;
  readonly severity: LintSeverity;
  /** Such as `RFC 5280 4.2.1.9`. */
  readonly section: string;
  /** In words, with what it was found on. */
  readonly detail: string;
}

/** Where rules put what they find. */
export type Report = (code: LintCode, detail?: string) => void;

/** The findings of some rules. */
export function collectFindings(run: (report: Report) => void): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  run((code, detail) => {
    const { severity, section, words } = LINT_RULES[code];
    findings.push({ code, severity, section, detail: detail === undefined ? words : `${words}: ${detail}` });
  });
  return findings;
}
