// npm run bench -- revocation: what a revocation costs where very many came before it.
import type { Suite } from './harness/suite.ts';
import { benchHandshake } from './revocation/handshake.ts';
import { benchIndex } from './revocation/index-memory.ts';
import { benchOcsp } from './revocation/ocsp.ts';
import { benchPublishing } from './revocation/publishing.ts';

const many = 1_000_000;

export const suite: Suite = {
  name: 'revocation',
  parts: {
    index: ({ entries = many }) => benchIndex(entries),
    handshake: (options) => benchHandshake(options.entries ?? many, options),
    ocsp: benchOcsp,
    publishing: (options) => benchPublishing(options.entries ?? many, options),
  },
};
