/** Reads a suite file and tells its form by what is in it. */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { dirname, join } from 'node:path';
import { boringCrlSuite, readPem, type BoringFile } from './boringssl-crl.ts';
import { boringOcspSuite, type BoringOcspFile } from './boringssl-ocsp.ts';
import { SuiteError, type Suite } from './case.ts';
import { limboSuite, type LimboSettings } from './limbo.ts';
import { pkitsSuite, type PkitsFile } from './pkits.ts';

/** Settings of one run. */
export interface LoadSettings extends LimboSettings {
  /** Where the files are that the suite names; else beside the suite file. */
  readonly data?: string;
}

/** @throws SuiteError when the file cannot be read or has no form that is known. */
export function loadSuite(file: string, settings: LoadSettings): Suite {
  const content = readJson(file);
  if (isObject(content)) {
    const data = settings.data ?? dirname(file);
    if (Array.isArray(content['testcases'])) return limboSuite({ testcases: content['testcases'] }, settings);
    const [first] = Array.isArray(content['cases']) ? content['cases'] : [];
    if (isObject(first) && Array.isArray(first['certs'])) {
      return pkitsSuite(content as unknown as PkitsFile, data, settings.profile);
    }
    if (isObject(first) && typeof first['file'] === 'string') {
      return hasResponses(join(data, first['file']))
        ? boringOcspSuite(content as unknown as BoringOcspFile, data)
        : boringCrlSuite(content as unknown as BoringFile, data);
    }
  }
  throw new SuiteError(`${file}: not a suite in a form that is known`);
}

/** BoringSSL's two sets are told apart by what is in their files. */
function hasResponses(file: string): boolean {
  try {
    return readPem(file).some(({ label }) => label === 'OCSP RESPONSE');
  } catch (error) {
    throw new SuiteError(error instanceof Error ? error.message : String(error));
  }
}

function readJson(file: string): unknown {
  let text: string;
  try {
    const bytes = readFileSync(file);
    text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new SuiteError(`${file}: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new SuiteError(`${file}: not JSON`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
