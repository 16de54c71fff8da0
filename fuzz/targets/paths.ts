import {
  buildAndValidate,
  certificatePolicies,
  concatOctets,
  DerReader,
  inhibitAnyPolicy,
  parseCertificate,
  policyConstraints,
  policyMappings,
  trustAnchor,
} from '@countersign/pki';
import type { PathResult } from '@countersign/pki';
import { createRoot, TEST_TIME } from '@countersign/testkit';
import { nodeCrypto } from '@countersign/trust';
import type { FuzzTarget } from '../target.ts';
import { isPkiError } from './expected.ts';

/** Chains with everything that a path has to process: constraints, policies with mappings, several names. */
const root = await createRoot('Fuzz Root', { now: TEST_TIME });
const middle = await root.issueCa('Fuzz Middle', {
  pathLen: 2,
  permitted: [
    { type: 'dns', value: 'example' },
    { type: 'email', value: 'example' },
    { type: 'uri', value: '.example' },
    { type: 'ip', value: Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0) },
  ],
  excluded: [{ type: 'dns', value: 'bad.example' }],
  extensions: [
    certificatePolicies(['1.2.3', '1.2.4']),
    policyMappings([{ issuerDomainPolicy: '1.2.3', subjectDomainPolicy: '1.2.5' }]),
    policyConstraints({ requireExplicitPolicy: 0, inhibitPolicyMapping: 1 }),
  ],
});
const issuing = await middle.issueCa('Fuzz Issuing', {
  extensions: [certificatePolicies(['2.5.29.32.0']), inhibitAnyPolicy(1)],
});
const leaf = await issuing.issue('leaf', {
  sans: [
    { type: 'dns', value: 'a.example' },
    { type: 'email', value: 'a@example' },
    { type: 'uri', value: 'https://host.example/' },
    { type: 'ip', value: Uint8Array.of(10, 1, 2, 3) },
  ],
  extensions: [certificatePolicies(['1.2.5', '1.2.4'])],
});

/** Signatures are taken for right, so that a changed certificate still belongs to its chain. */
const credulous = { ...nodeCrypto, verify: () => true };

/** The input is certificates one after the other: the leaf, any intermediates, the anchor. */
function runPath(bytes: Uint8Array): PathResult {
  const reader = new DerReader(bytes);
  const certificates = [];
  while (!reader.done) certificates.push(parseCertificate(reader.anyDer()));
  const [first, ...rest] = certificates;
  const anchor = rest.at(-1) ?? first;
  if (first === undefined || anchor === undefined) return runPath(leaf.der);
  for (const profile of ['rfc5280', 'webpki', 'spiffe'] as const) {
    buildAndValidate(first, {
      anchors: [trustAnchor(anchor)],
      intermediates: rest,
      time: TEST_TIME,
      profile,
      crypto: credulous,
      host: 'a.example',
    });
  }
  return buildAndValidate(first, {
    anchors: [trustAnchor(anchor)],
    intermediates: rest,
    time: TEST_TIME,
    crypto: credulous,
    purpose: 'client',
  });
}

export const pathTargets: readonly FuzzTarget[] = [
  {
    name: 'path',
    form: 'der',
    seeds: () => [
      concatOctets([leaf.der, issuing.der, middle.der, root.der]),
      concatOctets([leaf.der, issuing.der]),
      concatOctets([issuing.der, middle.der, root.der]),
      concatOctets([root.der]),
    ],
    run: runPath,
    expected: isPkiError,
  },
];
