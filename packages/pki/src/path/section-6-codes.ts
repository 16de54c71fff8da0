/** Reasons of RFC 5280 section 6 and of what every relying party checks. */

import { entry, type CodeEntry } from './code-entry.ts';

export const SECTION_6_CODES = {
  no_issuer: entry('untrusted_issuer', 'path', 'RFC 5280, 6.1', 'no trusted certificate or intermediate issued it'),
  signature_invalid: entry(
    'untrusted_issuer',
    'path',
    'RFC 5280, 6.1.3 (a)(1)',
    'its signature does not verify under the key of its issuer',
  ),
  budget_exhausted: entry(
    'untrusted_issuer',
    'path',
    'RFC 4158, 2.4.2',
    'the search for a path was given up at its limit of work',
  ),
  algorithm_mismatch: entry(
    'malformed_certificate',
    'path',
    'RFC 5280, 4.1.1.2',
    'the signature algorithm inside differs from the one outside',
  ),
  algorithm_refused: entry('weak_key', 'path', 'RFC 5280, 6.1.3 (a)(1)', 'its signature algorithm is not accepted'),
  key_refused: entry(
    'weak_key',
    'path',
    'RFC 5280, 6.1.4 (d)',
    'its public key is too weak or of a kind that is not accepted',
  ),
  not_yet_valid: entry('not_yet_valid', 'path', 'RFC 5280, 6.1.3 (a)(2)', 'it is not valid yet'),
  expired: entry('expired', 'path', 'RFC 5280, 6.1.3 (a)(2)', 'it has expired'),
  key_usage: entry('wrong_usage', 'path', 'RFC 5280, 4.2.1.3', 'its key usage does not allow this use'),
  extended_key_usage: entry(
    'wrong_usage',
    'path',
    'RFC 5280, 4.2.1.12',
    'its extended key usage does not allow this use',
  ),
  ca_key_usage: entry(
    'wrong_usage',
    'path',
    'RFC 5280, 6.1.4 (n)',
    'its key usage does not allow signing certificates',
  ),
  host_mismatch: entry('name_not_permitted', 'path', 'RFC 9525, 6', 'it is not for the name that was asked for'),
  name_constraints: entry(
    'name_not_permitted',
    'path',
    'RFC 5280, 6.1.3 (b), (c)',
    'a name below it is outside its name constraints',
  ),
  name_constraints_unusable: entry(
    'name_not_permitted',
    'path',
    'RFC 5280, 4.2.1.10',
    'its name constraints cannot be applied to a name below it',
  ),
  name_constraints_budget: entry(
    'name_not_permitted',
    'path',
    'RFC 5280, 4.2.1.10',
    'there are too many names for its name constraints',
  ),
  version_not_3: entry(
    'constraint_violated',
    'path',
    'RFC 5280, 6.1.4 (k)',
    'it issued a certificate but is of version 1 or 2',
  ),
  not_a_ca: entry('constraint_violated', 'path', 'RFC 5280, 6.1.4 (k)', 'it issued a certificate but is not a CA'),
  path_length: entry(
    'constraint_violated',
    'path',
    'RFC 5280, 6.1.4 (l), (m)',
    'the path below it is longer than it allows',
  ),
  critical_extension: entry(
    'constraint_violated',
    'path',
    'RFC 5280, 6.1.4 (o), 6.1.5 (f)',
    'it has a critical extension that is not known',
  ),
  policy: entry('constraint_violated', 'path', 'RFC 9618, 5', 'no certificate policy is valid for the whole path'),
  any_policy_mapped: entry('constraint_violated', 'path', 'RFC 5280, 6.1.4 (a)', 'it maps anyPolicy'),
  policy_budget: entry('constraint_violated', 'path', 'RFC 9618, 5', 'its policies are too many'),
  revoked: entry('revoked', 'path', 'RFC 5280, 6.3', 'it is revoked'),
  held: entry('revoked', 'path', 'RFC 5280, 5.3.1', 'it is on hold'),
  revocation_unknown: entry(
    'revocation_unknown',
    'path',
    'RFC 5280, 6.3.3',
    'its revocation status cannot be determined',
  ),
} as const satisfies Record<string, CodeEntry>;
