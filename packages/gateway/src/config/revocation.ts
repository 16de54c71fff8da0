import { resolve } from 'node:path';
import { SOURCE_DEFAULTS } from '@countersign/trust';
import type { CrlConfig, OcspConfig, RevocationConfig, StalenessConfig, StaplingConfig } from './config.ts';
import { milliseconds } from './duration.ts';
import type { Reading } from './reading.ts';
import type { RevocationEntry, StalenessEntry, StaplingEntry } from './revocation-schema.ts';
import type { BundleEntry } from './schema.ts';

/**
 * Reads how the revocation of one bundle is known.
 *
 * @param path - of the bundle in the configuration
 */
export function compileRevocation(entry: BundleEntry, name: string, reading: Reading): RevocationConfig {
  const path = `bundles.${name}.revocation`;
  for (const short of ['crls', 'staleness'] as const) {
    if (entry[short] === undefined || entry.revocation === undefined) continue;
    reading.problems.push({ path: `bundles.${name}.${short}`, message: 'belongs into revocation, which is there too' });
  }
  const shape: RevocationEntry = entry.revocation ?? {
    ...(entry.crls === undefined ? {} : { crls: entry.crls }),
    ...(entry.staleness === undefined ? {} : { mode: entry.staleness.mode, maxStale: entry.staleness.maxStale }),
  };
  const use = usedBy(shape);
  checkUse(shape, use, path, reading);
  if (use === 'none' && shape.mode === undefined) {
    reading.warnings.push(
      `bundle ${name}: no revocation, so revocation by these CAs is not checked (revocation: {mode: off} says that this is meant)`,
    );
  }
  return {
    staleness: use === 'none' ? { mode: 'off', maxStale: 'nextUpdate' } : compileStaleness(shape, 'nextUpdate'),
    crls: use === 'crl' || use === 'both' ? compileCrls(shape, reading) : undefined,
    ocsp: use === 'ocsp' || use === 'both' ? compileOcsp(shape) : undefined,
    order: shape.order ?? 'crl-first',
    fallback: shape.fallback ?? true,
    signerFiles: (shape.signers ?? []).map((file) => resolve(reading.baseDir, file)),
    waitMs: milliseconds(shape.wait, SOURCE_DEFAULTS.waitMs),
    allowAddresses: shape.allowAddresses ?? [],
  };
}

/** Reads what to do when news are too old; `fallback` where it is not said how old that is. */
export function compileStaleness(
  entry: { readonly [Field in keyof StalenessEntry]?: StalenessEntry[Field] | undefined } | undefined,
  fallback: number | 'nextUpdate',
): StalenessConfig {
  const maxStale = entry?.maxStale;
  return {
    mode: entry?.mode ?? 'hard',
    maxStale: maxStale === undefined ? fallback : maxStale === 'nextUpdate' ? maxStale : milliseconds(maxStale, 0),
  };
}

/** Reads how the responses of our own certificates are had. */
export function compileStapling(entry: StaplingEntry | undefined): StaplingConfig | undefined {
  if (entry === 'off') return undefined;
  return {
    timeoutMs: milliseconds(entry?.timeout, SOURCE_DEFAULTS.timeoutMs),
    allowAddresses: entry?.allowAddresses ?? [],
  };
}

type Use = 'none' | 'crl' | 'ocsp' | 'both';

function usedBy({ use, crls, distributionPoints, ocsp }: RevocationEntry): Use {
  if (use !== undefined) return use;
  const hasCrls = crls !== undefined || distributionPoints === true;
  if (ocsp === undefined) return hasCrls ? 'crl' : 'none';
  return hasCrls ? 'both' : 'ocsp';
}

/** What is configured and never asked would be a surprise, and so would be what is asked and never there. */
function checkUse(shape: RevocationEntry, use: Use, path: string, reading: Reading): void {
  const problem = (field: string, message: string): void =>
    void reading.problems.push({ path: `${path}.${field}`, message });
  const hasCrls = shape.crls !== undefined || shape.distributionPoints === true;
  if (use === 'ocsp' && hasCrls) problem('use', 'is ocsp, but there are CRLs; write both, or take them away');
  if (use === 'crl' && shape.ocsp !== undefined)
    problem('use', 'is crl, but there is ocsp; write both, or take it away');
  if ((use === 'crl' || use === 'both') && !hasCrls)
    problem('crls', `is needed for use: ${use} (or distributionPoints)`);
  if (use === 'none' && (shape.mode === 'hard' || shape.mode === 'soft'))
    problem('mode', `is ${shape.mode}, but there is nothing that could be asked: crls, distributionPoints or ocsp`);
  if (use !== 'both' && shape.order !== undefined) problem('order', 'is only for CRLs and OCSP together');
  if (use !== 'both' && shape.fallback !== undefined) problem('fallback', 'is only for CRLs and OCSP together');
}

function compileCrls(shape: RevocationEntry, reading: Reading): CrlConfig {
  return {
    sources: (shape.crls ?? []).map((source) =>
      'file' in source
        ? { file: resolve(reading.baseDir, source.file) }
        : { url: new URL(source.url), everyMs: milliseconds(source.every, SOURCE_DEFAULTS.everyMs) },
    ),
    distributionPoints: shape.distributionPoints ?? false,
    alarmBeforeMs: shape.alarmBefore === undefined ? undefined : milliseconds(shape.alarmBefore, 0),
  };
}

function compileOcsp({ ocsp = {} }: RevocationEntry): OcspConfig {
  return {
    urls: (ocsp.urls ?? []).map((url) => new URL(url)),
    nonce: ocsp.nonce ?? 'off',
    timeoutMs: milliseconds(ocsp.timeout, SOURCE_DEFAULTS.timeoutMs),
    everyMs: milliseconds(ocsp.every, SOURCE_DEFAULTS.everyMs),
    maxAgeMs: ocsp.maxAge === undefined ? undefined : milliseconds(ocsp.maxAge, 0),
    responderRevocation: ocsp.responderRevocation ?? 'required',
    maxAnswers: ocsp.maxAnswers ?? SOURCE_DEFAULTS.maxAnswers,
  };
}
