import { type Deadlines, processDeadlines } from '../clock/deadlines.ts';
import type { Upstream } from '../connection.ts';
import { DEFAULT_POOL, Http1Upstream, type PoolOptions } from './http1-upstream.ts';
import { Http2Upstream } from './http2-upstream.ts';
import { readSettings, type UpstreamSettings } from './settings.ts';

/**
 * An upstream with its pool of connections; nothing is connected yet. One for each distinct setting of a worker.
 *
 * @throws {UpstreamSettingsError} where the URL is no upstream's, or the CA file cannot be used
 * @example createUpstream({ url: new URL('http://127.0.0.1:3000'), caFile: undefined, serverName: undefined })
 */
export function createUpstream(
  settings: UpstreamSettings,
  deadlines: Deadlines = processDeadlines,
  pool: PoolOptions = DEFAULT_POOL,
): Upstream {
  const target = readSettings(settings);
  return target.protocol === 'h2c'
    ? new Http2Upstream(target, deadlines, pool)
    : new Http1Upstream(target, deadlines, pool);
}
