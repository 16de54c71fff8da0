import { createRoot } from '@countersign/testkit';
import type { TestCa, TestCertificate } from '@countersign/testkit';

export interface Chain {
  readonly root: TestCa;
  readonly issuing: TestCa;
  readonly leaf: TestCertificate;
}

/** A P-256 chain of three as the authority makes it. */
export async function makeChain(): Promise<Chain> {
  const root = await createRoot('Bench Root');
  const issuing = await root.issueCa('Bench Issuing', { pathLen: 0 });
  const leaf = await issuing.issue('bench', {
    profile: 'client',
    sans: [
      { type: 'dns', value: 'bench.example' },
      { type: 'uri', value: 'spiffe://example.org/bench' },
    ],
    crlUris: ['http://ca.example/crl/issuing-1/0.crl'],
  });
  return { root, issuing, leaf };
}
