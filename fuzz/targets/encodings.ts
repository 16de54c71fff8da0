import { berToDer, checkDer, parseCertsOnly, parseSpiffeId, pemDecode, pemEncode } from '@countersign/pki';
import type { CertsOnly, PemBlock } from '@countersign/pki';
import { seedsFor, vectorBlobs, vectorTexts } from '../corpus.ts';
import { concat } from '../der-tree.ts';
import { compareCertsOnly } from '../oracles/pkijs.ts';
import type { FuzzTarget } from '../target.ts';
import { isPkiError } from './expected.ts';

const someBlobs = (): readonly Uint8Array[] =>
  vectorBlobs()
    .filter((_, i) => i % 7 === 0)
    .map(({ bytes }) => bytes);

/** The outermost element with an indefinite length. */
function indefinite(bytes: Uint8Array): Uint8Array {
  const header = (bytes[1] ?? 0) < 0x80 ? 2 : 2 + ((bytes[1] ?? 0) & 0x7f);
  return concat([Uint8Array.of(bytes[0] ?? 0x30, 0x80), bytes.subarray(header), Uint8Array.of(0, 0)]);
}

function runBer(bytes: Uint8Array): Uint8Array {
  const der = berToDer(bytes);
  // What comes out is well-formed, and stays what it is.
  checkDer(der, 0, der.length, { maxBytes: der.length });
  const again = berToDer(der);
  if (Buffer.compare(again, der) !== 0) throw new Error('not stable');
  return der;
}

function runPem(bytes: Uint8Array): readonly PemBlock[] {
  const blocks = pemDecode(bytes);
  const written = blocks.map(({ label, der }) => pemEncode(label, der)).join('');
  const again = pemDecode(written);
  const same =
    again.length === blocks.length &&
    again.every(({ label, der }, i) => label === blocks[i]?.label && Buffer.compare(der, blocks[i].der) === 0);
  if (!same) throw new Error('written and read again it is something else');
  return blocks;
}

const spiffeIds = [
  'spiffe://example.org',
  'spiffe://example.org/ns/prod/sa/api',
  'spiffe://a/b',
  `spiffe://${'d'.repeat(200)}/x`,
];

export const encodingTargets: readonly FuzzTarget[] = [
  {
    name: 'der',
    form: 'der',
    seeds: someBlobs,
    run: (bytes) => checkDer(bytes),
    expected: isPkiError,
  },
  {
    name: 'ber',
    form: 'der',
    seeds: () => [...someBlobs().slice(0, 100), ...someBlobs().slice(0, 100).map(indefinite)],
    run: runBer,
    expected: isPkiError,
  },
  {
    name: 'cms',
    form: 'der',
    seeds: () => seedsFor(['PKCS7', 'CMS'], parseCertsOnly),
    run: parseCertsOnly,
    expected: isPkiError,
    compare: (bytes, parsed) => compareCertsOnly(bytes, parsed as CertsOnly),
    compareEvery: 16,
  },
  {
    name: 'pem',
    form: 'text',
    seeds: () => vectorTexts('.pem').slice(0, 200),
    run: runPem,
    expected: isPkiError,
  },
  {
    name: 'spiffe-id',
    form: 'text',
    seeds: () => spiffeIds.map((id) => new TextEncoder().encode(id)),
    run: (bytes) => parseSpiffeId(Buffer.from(bytes).toString('utf8')),
    expected: () => false,
  },
];
