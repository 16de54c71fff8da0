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
  'x509-limbo/limbo.json': [{ id: 'webpki::cn::not-in-san', expected: 'FAILURE' }],
  'x509-limbo/bettertls.json.gz': [],
  'pkits/pkits.json': [],
  'boringssl-pki/crl_unittest/expected.json': [],
  '../../../packages/pki/test/vectors/boringssl-pki/ocsp_unittest/expected.json': [],
};

/** With `--profile`, of the cases that x509-limbo made for that profile. */
export const PROFILE_DIFFERENCES: Readonly<Record<'rfc5280' | 'webpki', readonly Difference[]>> = {
  rfc5280: [],
  webpki: [{ id: 'webpki::cn::not-in-san', expected: 'FAILURE' }],
};
