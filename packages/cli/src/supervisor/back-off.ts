const firstMs = 250;
const longestMs = 10_000;

/**
 * How long to wait before the next start of a process that ended: doubled each time, up to ten seconds.
 *
 * @param failures how often it ended since it was last steady
 * @example nextDelay(0) // 250
 */
export function nextDelay(failures: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(failures, 10));
}
