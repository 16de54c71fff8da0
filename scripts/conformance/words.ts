/** Outcomes in words. */

import { nameToString, PATH_CODES, type Certificate, type PathErrorCode, type PathResult } from '@countersign/pki';
import type { Outcome } from './case.ts';

export function pathOutcome(result: PathResult): Outcome {
  if (result.ok) {
    return {
      actual: 'SUCCESS',
      code: null,
      detail: `path of ${result.path.length}: ${result.path.map(subjectOf).join(' < ')}`,
    };
  }
  return failure(result.code, result.at, result.detail);
}

export function failure(code: PathErrorCode, at: Certificate | undefined, detail: string): Outcome {
  const { words, section } = PATH_CODES[code];
  const where = at === undefined ? '' : `${subjectOf(at)}: `;
  const more =
    detail === '' || words.includes(detail) || detail.startsWith(words) ? detail || words : `${words} (${detail})`;
  return { actual: 'FAILURE', code, detail: `${where}${more} [${section}]` };
}

export function malformed(error: unknown): Outcome {
  return {
    actual: 'FAILURE',
    code: 'malformed_certificate',
    detail: error instanceof Error ? error.message : String(error),
  };
}

function subjectOf(cert: Certificate): string {
  const text = nameToString(cert.subject);
  if (text === '') return `serial ${cert.serialHex}`;
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
