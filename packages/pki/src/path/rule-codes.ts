/** Reasons of the rules beyond RFC 5280 section 6: of section 4 (`strict`) and of the profiles. */

import { entry, type CodeEntry } from './code-entry.ts';

export const RULE_CODES = {
  // RFC 5280 section 4: what conforming CAs must do
  serial_not_positive: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.1.2.2',
    'its serial number is not a positive integer',
  ),
  serial_too_long: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.1.2.2',
    'its serial number is longer than 20 octets',
  ),
  issuer_empty: entry('malformed_certificate', 'issuer', 'RFC 5280, 4.1.2.4', 'its issuer is empty'),
  ca_subject_empty: entry('malformed_certificate', 'issuer', 'RFC 5280, 4.1.2.6', 'it is a CA without a subject'),
  authority_key_id_missing: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.1',
    'it has no authority key identifier',
  ),
  authority_key_id_critical: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.1',
    'its authority key identifier is critical',
  ),
  subject_key_id_missing: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.2',
    'it is a CA without a subject key identifier',
  ),
  subject_key_id_critical: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.2',
    'its subject key identifier is critical',
  ),
  ca_key_usage_missing: entry('malformed_certificate', 'issuer', 'RFC 5280, 4.2.1.3', 'it is a CA without key usage'),
  cert_sign_without_ca: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.9',
    'its key usage allows signing certificates but it is not a CA',
  ),
  path_length_without_ca: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.9',
    'it has a path length but may not sign certificates',
  ),
  basic_constraints_missing: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.9',
    'it is a CA without basic constraints',
  ),
  basic_constraints_not_critical: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.9',
    'it is a CA whose basic constraints are not critical',
  ),
  name_constraints_in_leaf: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.10',
    'it has name constraints but is not a CA',
  ),
  name_constraints_not_critical: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.10',
    'its name constraints are not critical',
  ),
  name_constraints_malformed: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.10',
    'a name constraint is malformed',
  ),
  policy_constraints_not_critical: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.11',
    'its policy constraints are not critical',
  ),
  inhibit_any_policy_not_critical: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.14',
    'its inhibitAnyPolicy is not critical',
  ),
  information_critical: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.2',
    'an extension that only informs is critical',
  ),
  san_missing: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.1.2.6',
    'it has neither a subject nor a subject alternative name',
  ),
  san_not_critical: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.6',
    'its subject is empty and its subject alternative name is not critical',
  ),
  san_malformed: entry(
    'malformed_certificate',
    'issuer',
    'RFC 5280, 4.2.1.6',
    'a subject alternative name is malformed',
  ),
  // CA/Browser Forum Baseline Requirements
  webpki_version: entry('malformed_certificate', 'webpki', 'CABF BR, 7.1.1', 'it is not of version 3'),
  webpki_ca_leaf: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 7.1.2.7.8',
    'a server certificate may not be a CA',
  ),
  webpki_ca_server: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 7.1.2.7.8',
    'it is a CA and, by its extended key usage, a server certificate too',
  ),
  webpki_san: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 7.1.2.7.12',
    'a server certificate must have DNS names or IP addresses and nothing else',
  ),
  webpki_san_critical: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 7.1.2.7.12',
    'its subject alternative name is critical although it has a subject',
  ),
  webpki_wildcard: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 3.2.2.6',
    'a wildcard does not stand for one label below a registered domain',
  ),
  webpki_public_suffix: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 3.2.2.6',
    'a wildcard stands directly below a public suffix',
  ),
  webpki_common_name: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 7.1.4.3',
    'its common name is one of its subject alternative names, but spelt otherwise',
  ),
  webpki_eku: entry(
    'wrong_usage',
    'webpki',
    'CABF BR, 7.1.2.7.10',
    'a server certificate must have an extended key usage of serverAuth, not critical and without anyExtendedKeyUsage',
  ),
  webpki_root_eku: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 7.1.2.1.2',
    'a root may not have an extended key usage',
  ),
  webpki_key: entry(
    'weak_key',
    'webpki',
    'CABF BR, 6.1.5',
    'its public key is not RSA of at least 2048 bits in whole octets, P-256, P-384 or P-521',
  ),
  webpki_subscriber_key: entry(
    'weak_key',
    'webpki',
    'CABF BR, 6.1.5',
    'the public key of the server is not RSA of at least 2048 bits in whole octets, P-256, P-384 or P-521',
  ),
  webpki_root_key_id: entry(
    'malformed_certificate',
    'webpki',
    'CABF BR, 7.1.2.1.3',
    "a root's authority key identifier is not just its own subject key identifier",
  ),
  // SPIFFE X.509-SVID
  spiffe_id: entry('name_not_permitted', 'spiffe', 'X.509-SVID, 2', 'it does not have exactly one URI, a SPIFFE ID'),
  spiffe_leaf_is_ca: entry('constraint_violated', 'spiffe', 'X.509-SVID, 4.1', 'a leaf may not be a CA'),
  spiffe_key_usage: entry(
    'wrong_usage',
    'spiffe',
    'X.509-SVID, 4.3',
    'a leaf must have key usage with digitalSignature and without certificate or CRL signing',
  ),
  spiffe_signing_usage: entry(
    'wrong_usage',
    'spiffe',
    'X.509-SVID, 4.3',
    'a signing certificate must have key usage with certificate signing',
  ),
  spiffe_signing_id: entry(
    'name_not_permitted',
    'spiffe',
    'X.509-SVID, 3.2',
    'a signing certificate has at most one SPIFFE ID, that of its trust domain',
  ),
} as const satisfies Record<string, CodeEntry>;
