import type { VerdictPolicy } from '@countersign/trust';
import type { HostPolicy, Router, Upstream } from '../connection.ts';
import type { GatewayConfig, HostConfig, ListenerConfig, UpstreamConfig } from '../config/config.ts';
import { createRouter } from '../routing/router.ts';
import { createUpstream } from '../upstream/upstream.ts';

/** The policies of a listener as the data path knows them, with their upstreams made. */
export interface ListenerPolicies {
  readonly router: Router;
  /** Where a connection is put whose server name nobody has: it serves no host at all, so every request is misdirected. */
  readonly unknown: HostPolicy;
  of(host: HostConfig): HostPolicy;
}

/** The upstreams of a worker: one pool for each distinct setting, whichever routes lead there. */
export class Upstreams {
  readonly #made = new Map<string, Upstream>();

  of(config: UpstreamConfig): Upstream {
    const key = JSON.stringify([config.url.href, config.caFile, config.serverName]);
    const upstream = this.#made.get(key) ?? createUpstream(config);
    this.#made.set(key, upstream);
    return upstream;
  }
}

/** Makes what the data path needs of one listener. */
export function createPolicies(listener: ListenerConfig, upstreams: Upstreams): ListenerPolicies {
  const policies = new Map<HostConfig, HostPolicy>();
  for (const host of listener.hosts) {
    policies.set(host, {
      id: host.id,
      names: host.names,
      clientCert: host.clientCert,
      routes: host.routes.map((route) => ({
        id: route.id,
        path: route.path,
        clientCert: route.clientCert,
        permits: route.permits,
        upstream: upstreams.of(route.upstream),
      })),
    });
  }
  const unknown: HostPolicy = { id: 'unknown', names: [], clientCert: listener.hosts[0].clientCert, routes: [] };
  return {
    router: createRouter([...policies.values(), unknown]),
    unknown,
    of: (host) => policies.get(host) ?? unknown,
  };
}

/** What the hosts of a configuration ask of who connects. */
export function policiesOf({ listeners }: GatewayConfig): VerdictPolicy[] {
  const hosts = listeners.flatMap((listener) => listener.hosts);
  return hosts.map((host) => ({ id: host.key, bundles: host.trust, allow: host.permits }));
}
