import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { DEFAULT_HTTP_OPTIONS, type HttpOptions } from '../connection.ts';
import { parseAddress } from './address.ts';
import type {
  AccessLogTarget,
  AdminConfig,
  AuthorityConfig,
  BundleConfig,
  GatewayConfig,
  ListenerConfig,
} from './config.ts';
import { milliseconds } from './duration.ts';
import { formatPath, GatewayConfigError } from './errors.ts';
import { compileHost } from './host.ts';
import type { Reading } from './reading.ts';
import { compileRevocation, compileStaleness, compileStapling } from './revocation.ts';
import { gatewayConfigSchema, type GatewayConfigShape } from './schema.ts';

const DAY_MS = 86_400_000;

/**
 * Reads a configuration: what comes out holds together, and nothing behind it checks again. Pure: files are not opened here.
 *
 * @param input - the parsed YAML or JSON
 * @param baseDir - folder that relative paths of the configuration start at
 * @throws {@link GatewayConfigError} with every problem found
 * @example
 * ```ts
 * const config = compileConfig(parse(readFileSync(file, 'utf8')), dirname(file));
 * ```
 */
export function compileConfig(input: unknown, baseDir: string): GatewayConfig {
  const parsed = gatewayConfigSchema.safeParse(input);
  if (!parsed.success) {
    throw new GatewayConfigError(
      parsed.error.issues.map((issue) => ({ path: formatPath(issue.path), message: issue.message })),
    );
  }
  const shape = parsed.data;
  const reading: Reading = {
    baseDir: resolve(baseDir),
    hasAuthority: shape.authority !== undefined,
    bundleNames: new Set([...Object.keys(shape.bundles ?? {}), ...(shape.authority === undefined ? [] : ['own'])]),
    problems: [],
    warnings: [],
    keys: new Map(),
  };
  if (Object.hasOwn(shape.bundles ?? {}, 'own')) {
    reading.problems.push({ path: 'bundles.own', message: "is the authority's own and cannot be written here" });
  }
  const config = assemble(shape, reading);
  if (reading.problems.length > 0) throw new GatewayConfigError(reading.problems);
  return config;
}

function assemble(shape: GatewayConfigShape, reading: Reading): GatewayConfig {
  const authority = compileAuthority(shape, reading);
  const bundles = compileBundles(shape, reading);
  return {
    listeners: shape.listeners.map((entry, index) => compileListener(entry, index, reading)),
    authority,
    bundles,
    stapling: compileStapling(shape.stapling),
    admin: adminOf(shape.admin),
    stateDir: compileStateDir(shape, { authority, bundles }, reading),
    workers: shape.workers,
    accessLog: compileAccessLog(shape, reading),
    http: compileHttp(shape),
    limits: {
      connections: shape.limits?.connections ?? 10_000,
      handshakes: shape.limits?.handshakes ?? 1000,
    },
    handshakeTimeoutMs: milliseconds(shape.timeouts?.handshake, 10_000),
    drainMs: milliseconds(shape.timeouts?.drain, 30_000),
    warnings: reading.warnings,
  };
}

function compileStateDir(
  shape: GatewayConfigShape,
  { authority, bundles }: Pick<GatewayConfig, 'authority' | 'bundles'>,
  reading: Reading,
): string | undefined {
  if (shape.state !== undefined) return resolve(reading.baseDir, shape.state);
  if (authority !== undefined) return join(authority.identityDir, 'state');
  if ([...bundles.values()].some(({ revocation }) => revocation.staleness.mode !== 'off')) {
    reading.warnings.push(
      'no state folder, so the last good CRLs and answers are forgotten at a restart, and older ones could take their place',
    );
  }
  return undefined;
}

/** How many workers a configuration asks for. */
export function workerCount(config: GatewayConfig): number {
  return config.workers ?? availableParallelism();
}

function compileListener(
  entry: GatewayConfigShape['listeners'][number],
  index: number,
  reading: Reading,
): ListenerConfig {
  const address = parseAddress(entry.listen) ?? { host: '', port: 0 };
  const hosts = entry.hosts.map((host, at) =>
    compileHost(host, `listeners[${index}].hosts[${at}]`, entry.listen, reading),
  );
  const [first, ...others] = hosts;
  if (first === undefined) throw new GatewayConfigError([{ path: `listeners[${index}].hosts`, message: 'is empty' }]);
  const seen = new Map<string, number>();
  for (const [at, host] of hosts.entries()) {
    for (const name of host.names) {
      const before = seen.get(name);
      if (before !== undefined && before !== at) {
        reading.problems.push({
          path: `listeners[${index}].hosts[${at}].names`,
          message: `${name} is already served by hosts[${before}]`,
        });
      }
      seen.set(name, at);
    }
  }
  return { id: `${index}:${entry.listen}`, address, hosts: [first, ...others] };
}

function compileAuthority(shape: GatewayConfigShape, reading: Reading): AuthorityConfig | undefined {
  const entry = shape.authority;
  if (entry === undefined) return undefined;
  return {
    url: new URL(entry.url),
    identityDir: resolve(reading.baseDir, entry.identity),
    tokenFile: entry.tokenFile === undefined ? undefined : resolve(reading.baseDir, entry.tokenFile),
    staleness: compileStaleness(entry.staleness, DAY_MS),
  };
}

function compileBundles(shape: GatewayConfigShape, reading: Reading): ReadonlyMap<string, BundleConfig> {
  const bundles = new Map<string, BundleConfig>();
  for (const [name, entry] of Object.entries(shape.bundles ?? {})) {
    bundles.set(name, {
      name,
      files: entry.files.map((file) => resolve(reading.baseDir, file)),
      anchorsFile: entry.anchors === undefined ? undefined : resolve(reading.baseDir, entry.anchors),
      revocation: compileRevocation(entry, name, reading),
    });
  }
  return bundles;
}

function compileAccessLog(shape: GatewayConfigShape, reading: Reading): AccessLogTarget {
  const target = shape.log?.access ?? 'stderr';
  return typeof target === 'string' ? { to: target } : { to: 'file', file: resolve(reading.baseDir, target.file) };
}

function compileHttp(shape: GatewayConfigShape): HttpOptions {
  const limits = shape.limits ?? {};
  const timeouts = shape.timeouts ?? {};
  const base = DEFAULT_HTTP_OPTIONS;
  return {
    limits: {
      requestLine: limits.requestLine ?? base.limits.requestLine,
      fieldLine: limits.fieldLine ?? base.limits.fieldLine,
      fieldSection: limits.fieldSection ?? base.limits.fieldSection,
      fieldCount: limits.fieldCount ?? base.limits.fieldCount,
      chunkExtensions: base.limits.chunkExtensions,
      body: limits.body ?? base.limits.body,
      requestsPerConnection: limits.requestsPerConnection ?? base.limits.requestsPerConnection,
      concurrentStreams: limits.concurrentStreams ?? base.limits.concurrentStreams,
    },
    timeouts: {
      header: milliseconds(timeouts.header, base.timeouts.header),
      keepAlive: milliseconds(timeouts.keepAlive, base.timeouts.keepAlive),
      bodyIdle: milliseconds(timeouts.bodyIdle, base.timeouts.bodyIdle),
      upstreamConnect: milliseconds(timeouts.upstreamConnect, base.timeouts.upstreamConnect),
      upstreamResponse: milliseconds(timeouts.upstreamResponse, base.timeouts.upstreamResponse),
      upstreamIdle: milliseconds(timeouts.upstreamIdle, base.timeouts.upstreamIdle),
      tunnelIdle: milliseconds(timeouts.tunnelIdle, base.timeouts.tunnelIdle),
    },
  };
}

function adminOf(shape: GatewayConfigShape['admin']): AdminConfig | undefined {
  const listen = shape === undefined ? undefined : parseAddress(shape.listen);
  return listen === undefined ? undefined : { listen, authorityMetrics: shape?.authorityMetrics ?? false };
}
