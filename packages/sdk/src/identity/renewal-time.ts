/** When a certificate is valid: milliseconds since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 5 * 60_000;

/**
 * When to renew: at two thirds of the lifetime, up to a twentieth of it earlier, so that many that were issued together do
 * not all come at once.
 *
 * @param random from 0 to 1.
 * @returns milliseconds since the epoch.
 * @example renewalTime({ notBefore: 0, notAfter: 90 * DAY }, 0) // 60 * DAY
 */
export function renewalTime({ notBefore, notAfter }: Validity, random: number): number {
  const lifetime = notAfter - notBefore;
  return notBefore + lifetime * (2 / 3 - random / 20);
}

/**
 * How long to wait after a number of failures in a row: doubling from a second to five minutes, but never more than an eighth of
 * what is left of the certificate, and spread over the upper half.
 *
 * @param random from 0 to 1.
 * @returns milliseconds.
 */
export function retryPause(failures: number, leftMs: number, random: number): number {
  const doubled = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16), LAST_RETRY_MS);
  const hurried = leftMs > 0 ? Math.min(doubled, leftMs / 8) : doubled;
  return Math.max(hurried, FIRST_RETRY_MS) * (0.5 + random / 2);
}
