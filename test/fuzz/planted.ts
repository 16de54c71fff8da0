import { parseCertificate } from '@countersign/pki';
import { vectorBlobs } from '../../fuzz/corpus.ts';
import type { FuzzTarget } from '../../fuzz/target.ts';
import { isPkiError } from '../../fuzz/targets/expected.ts';

/** Bugs as they happen: each shows only on an input that is a well-formed certificate, and mutated in one telling way. */
const bugs: Record<string, (bytes: Uint8Array) => unknown> = {
  'throws-on-equal-names': (bytes) => {
    const names = parseCertificate(bytes).subjectAltName ?? [];
    const texts = names.map((name) => JSON.stringify(name));
    if (new Set(texts).size !== texts.length) throw new TypeError('planted: the same name twice');
    return names;
  },
  'hangs-on-empty-attribute': (bytes) => {
    const { subject } = parseCertificate(bytes);
    for (let at = 0; subject.rdns.flat().some(({ value }) => value === ''); at++) if (at < 0) break;
    return subject;
  },
  'allocates-what-a-number-says': (bytes) => {
    const { serialNumber } = parseCertificate(bytes);
    const count = serialNumber[0] === 0x7f ? 1_000_000 : 0;
    return Array.from({ length: count }, (_, i) => ({ i }));
  },
  'slow-on-long-names': (bytes) => {
    const { rdns } = parseCertificate(bytes).subject;
    const end = performance.now() + (rdns.length > 12 ? 1500 : 0);
    while (performance.now() < end) rdns.flat();
    return rdns;
  },
};

/** Always the same ones, whatever else comes to the vectors: how soon a bug is found must not change with them. */
function seeds(): readonly Uint8Array[] {
  const own = vectorBlobs().filter(({ label, file }) => label === 'CERTIFICATE' && file.includes('pyca/x509/custom'));
  return own.map(({ bytes }) => bytes).filter(isCertificate);
}

function isCertificate(bytes: Uint8Array): boolean {
  try {
    return parseCertificate(bytes).version === 3;
  } catch {
    return false;
  }
}

export const targets: readonly FuzzTarget[] = [
  ...Object.entries(bugs).map(([name, run]) => ({
    name,
    form: 'der' as const,
    seeds,
    run,
    expected: isPkiError,
  })),
  {
    name: 'reads-times-differently',
    form: 'der',
    seeds,
    run: parseCertificate,
    expected: isPkiError,
    compare: (bytes) => (parseCertificate(bytes).notAfter > Date.UTC(2050, 0) ? 'planted: another date' : undefined),
  },
];
