/** Longer than this nobody who reads metrics waits. */
const ANSWER_MS = 1000;
const MAX_BYTES = 1 << 20;

/**
 * The authority's metrics in the text format of Prometheus; empty where it does not answer in time: an authority that is away
 * is told by the gateway's own `feed_connected`.
 *
 * @param fetch - over mutual TLS, with the gateway's certificate
 * @param url - the authority's base URL
 */
export async function authorityMetrics(
  fetch: (url: URL, init: { signal: AbortSignal }) => Promise<Response>,
  url: URL,
): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const response = await fetch(new URL('/v1/metrics', url), { signal: AbortSignal.timeout(ANSWER_MS) });
    if (response.status !== 200 || response.body === null) return '';
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      parts.push(chunk);
      length += chunk.length;
      if (length > MAX_BYTES) return '';
    }
  } catch {
    return '';
  }
  return Buffer.concat(parts).toString('utf8');
}
