// Waiting for something to become true, with an end to the waiting.

/**
 * Asks `look` again and again until it gives something other than `undefined` or `false`.
 *
 * For state that sends no event of its own (another process's files and answers); where an event exists, await it.
 *
 * @param withinMs how long to wait before giving up
 * @throws Error naming `what` when the time is over.
 * @example await eventually('the worker is back', 10_000, async () => (await workers()).length === 2)
 */
export async function eventually<T>(
  what: string,
  withinMs: number,
  look: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
