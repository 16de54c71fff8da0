/** The options of one validation, resolved once. */

import type { PathErrorCode } from './codes.ts';
import { PATH_CODES } from './codes.ts';
import { OID } from '../x509/oids.ts';
import type { PathBudget, PathOptions, PathProfile } from './types.ts';
import { PkiError } from '../errors.ts';

/** What the checks need to know. */
export interface PathContext {
  readonly options: PathOptions;
  readonly profile: PathProfile;
  readonly strict: boolean;
  readonly legacy: boolean;
  /** Milliseconds since the epoch, in whole seconds. */
  readonly time: number;
  /** Extended key usages asked for. */
  readonly usages: readonly string[];
  /** One bit of these key usages must be set in a leaf that has the extension; 0: any. */
  readonly leafKeyUsages: number;
  readonly without: ReadonlySet<PathErrorCode>;
  readonly budget: Required<PathBudget>;
}

const DIGITAL_SIGNATURE = 1;
const KEY_ENCIPHERMENT = 1 << 2;
const KEY_AGREEMENT = 1 << 4;

const DEFAULT_BUDGET: Required<PathBudget> = {
  signatures: 128,
  steps: 1 << 12,
  depth: 32,
  nameComparisons: 1 << 20,
  attempts: 16,
};

const NOTHING: ReadonlySet<PathErrorCode> = new Set();
const CLIENT_USAGES = [OID.clientAuth];
const SERVER_USAGES = [OID.serverAuth];

/** @throws PkiError `argument` for a time that is no number and for `without` with a code that every relying party checks. */
export function pathContext(options: PathOptions): PathContext {
  if (!Number.isFinite(options.time)) throw new PkiError('argument', 'time');
  const profile = options.profile ?? 'rfc5280';
  return {
    options,
    profile,
    strict: options.strict === true || profile === 'webpki',
    legacy: options.algorithms === 'legacy',
    time: Math.floor(options.time / 1000) * 1000,
    usages: options.extendedKeyUsages ?? purposeUsages(options.purpose),
    leafKeyUsages: purposeKeyUsages(options.purpose),
    without: options.without === undefined ? NOTHING : switchedOff(options.without),
    budget: options.budget === undefined ? DEFAULT_BUDGET : { ...DEFAULT_BUDGET, ...options.budget },
  };
}

function purposeUsages(purpose: PathOptions['purpose']): readonly string[] {
  if (purpose === 'client') return CLIENT_USAGES;
  return purpose === 'server' ? SERVER_USAGES : [];
}

/** RFC 5280, 4.2.1.12 names what fits a purpose; a client always signs (RFC 8446, 4.4.2.3). */
function purposeKeyUsages(purpose: PathOptions['purpose']): number {
  if (purpose === 'client') return DIGITAL_SIGNATURE;
  return purpose === 'server' ? DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT : 0;
}

function switchedOff(codes: readonly PathErrorCode[]): ReadonlySet<PathErrorCode> {
  for (const code of codes) {
    if (PATH_CODES[code].group === 'path') throw new PkiError('argument', `${code} cannot be switched off`);
  }
  return new Set(codes);
}
