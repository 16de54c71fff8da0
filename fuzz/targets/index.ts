import type { FuzzTarget } from '../target.ts';
import { acmeTargets } from './acme.ts';
import { estTargets } from './est.ts';
import { certificateTargets } from './certificates.ts';
import { encodingTargets } from './encodings.ts';
import { http1Targets } from './http1.ts';
import { httpNameTargets } from './http-names.ts';
import { keyTargets } from './keys.ts';
import { pathTargets } from './paths.ts';
import { revocationTargets } from './revocation.ts';
import { wireTargets } from './wire.ts';

/** Every parser that is fuzzed. */
export const targets: readonly FuzzTarget[] = [
  ...encodingTargets,
  ...certificateTargets,
  ...revocationTargets,
  ...keyTargets,
  ...pathTargets,
  ...acmeTargets,
  ...http1Targets,
  ...httpNameTargets,
  ...wireTargets,
  ...estTargets,
];
