import { createSecureContext, type SecureContext } from 'node:tls';
import type { HostConfig, ListenerConfig } from '../config/config.ts';
import { normalizeServerName, selectByName } from '../config/server-name.ts';
import type { TlsListener } from '../listener/tls-listener.ts';
import { contextOptions, type KeyPair } from '@countersign/trust';

/** The CA names to hint at for a host: certificates with the subjects of its anchors. */
export type HintsFor = (host: HostConfig) => readonly Buffer[];

/**
 * The TLS contexts of one listener: per host its certificate, and the CAs that its clients are told. Swapped as certificates
 * and bundles change; connections that are open keep what they have.
 */
export class ServerContexts {
  readonly #listener: ListenerConfig;
  readonly #pairs: ReadonlyMap<string, KeyPair>;
  readonly #hintsFor: HintsFor;
  readonly #byHost = new Map<HostConfig, SecureContext>();

  /** @param pairs - by the id of their source; kept up to date by its owner */
  constructor(listener: ListenerConfig, pairs: ReadonlyMap<string, KeyPair>, hintsFor: HintsFor) {
    this.#listener = listener;
    this.#pairs = pairs;
    this.#hintsFor = hintsFor;
    this.refresh();
  }

  /** The host that a server name (as sent) selects; undefined where none has it. */
  hostFor(serverName: string): HostConfig | undefined {
    const name = normalizeServerName(serverName);
    return name === undefined ? undefined : selectByName(this.#listener.hosts, name);
  }

  /** The context for a server name as sent; undefined: the default's. */
  contextFor(serverName: string): SecureContext | undefined {
    const host = this.hostFor(serverName);
    return host === undefined ? undefined : this.#byHost.get(host);
  }

  /** The default host's pair. */
  get defaultPair(): KeyPair {
    return this.#pair(this.#listener.hosts[0]);
  }

  get defaultHints(): readonly Buffer[] {
    return this.#hintsFor(this.#listener.hosts[0]);
  }

  /** Makes the contexts anew, of all hosts or of those that show one certificate. */
  refresh(certificateId?: string): void {
    for (const host of this.#listener.hosts.slice(1)) {
      if (certificateId !== undefined && host.certificate.id !== certificateId) continue;
      this.#byHost.set(host, createSecureContext(contextOptions(this.#pair(host), this.#hintsFor(host))));
    }
  }

  /** {@link refresh}, and the same for the listener's default. */
  apply(listener: TlsListener, certificateId?: string): void {
    this.refresh(certificateId);
    if (certificateId !== undefined && this.#listener.hosts[0].certificate.id !== certificateId) return;
    listener.setDefault(this.defaultPair, this.defaultHints);
  }

  #pair(host: HostConfig): KeyPair {
    const pair = this.#pairs.get(host.certificate.id);
    if (pair === undefined) throw new Error(`there is no certificate for ${host.names.join(', ')}`);
    return pair;
  }
}
