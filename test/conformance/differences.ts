/**
 * The cases on which Countersign and a suite differ, each with the reason that docs/conformance.md spells out. The
 * list may only shrink: a case that differs and is not here fails the test, and so does one that is here and agrees.
 */

export interface Difference {
  readonly id: string;
  /** The suite's word. */
  readonly expected: string;
}

export const DIFFERENCES: Readonly<Record<string, readonly Difference[]>> = {
  'x509-limbo/limbo.json': [],
  'x509-limbo/bettertls.json.gz': [],
  'pkits/pkits.json': [],
  'boringssl-pki/crl_unittest/expected.json': [],
  '../../../packages/pki/test/vectors/boringssl-pki/ocsp_unittest/expected.json': [],
};

/** With `--profile`, of the cases that x509-limbo made for that profile. */
export const PROFILE_DIFFERENCES: Readonly<Record<'rfc5280' | 'webpki', readonly Difference[]>> = {
  rfc5280: [],
  webpki: [],
};

/** `countersign verify` with the flags that a case asks for. */
export const VERIFY_DIFFERENCES: readonly Difference[] = [
  { id: 'pathlen::validation-ignores-pathlen-in-leaf', expected: 'SUCCESS' },
  { id: 'rfc5280::ca-as-leaf', expected: 'SUCCESS' },
  { id: 'webpki::san::public-suffix-private-namespace-wildcard-san', expected: 'FAILURE' },
];
