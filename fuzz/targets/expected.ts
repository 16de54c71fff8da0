import { PKI_ERRORS, PkiError } from '@countersign/pki';

/** What pki's parsers promise to throw: PkiError with a code of the table, and an offset within reason. */
export function isPkiError(error: unknown): boolean {
  return error instanceof PkiError && Object.hasOwn(PKI_ERRORS, error.code) && (error.offset ?? 0) >= 0;
}
