// npm run bench -- revocation: what a revocation costs where very many came before it.
import type { Suite } from './harness/suite.ts';
import { benchIndex } from './revocation/index-memory.ts';
import { benchPublishing } from './revocation/million.ts';

export const suite: Suite = {
  name: 'revocation',
  parts: {
    publishing: (options) => benchPublishing(100_000, options),
    'publishing-million': (options) => benchPublishing(1_000_000, options),
    'index-million': (options) => benchIndex(1_000_000, options),
  },
};
