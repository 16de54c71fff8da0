import { EventEmitter } from 'node:events';
import { connect } from 'node:tls';
import type { ConnectionOptions, SecureContextOptions, Server, TLSSocket } from 'node:tls';

import { watchFiles } from '@countersign/trust';
import type { FileWatch } from '@countersign/trust';

import { IdentityAgent } from '../client/identity-agent.ts';
import { identityFetch } from '../client/identity-fetch.ts';
import { watchServerStatus } from '../client/server-status.ts';
import type { ServerStatusOptions, StapleDemand } from '../client/server-status.ts';
import { followServer } from '../server/follow-server.ts';
import type { Followed, FollowOptions } from '../server/follow-server.ts';
import { refuseDisarmedTls, TLS_DEFAULTS } from '../client/tls-options.ts';
import { loadIdentity } from './identity-files.ts';
import type { IdentityFiles } from './identity-files.ts';
import { keyPem, readMaterial } from './material.ts';
import type { IdentityPem, Material } from './material.ts';

interface IdentityEvents {
  /** Another certificate is in use. */
  rotated: [Material];
  /** The files have changed and are no good; the identity of before stays in use. */
  broken: [unknown];
}

/**
 * An application's own identity: what it shows to the other side and what it verifies the other side against. It changes in
 * place when it is renewed or when its files change; connections of before are drained, not cut.
 *
 * @example
 * const identity = await openIdentity({ cert: 'demo.crt', key: 'demo.key', ca: 'ca.crt' });
 * const response = await identity.fetch('https://orders.internal:9443/');
 * https.get('https://orders.internal:9443/', { agent: identity.agent });
 */
export class Identity extends EventEmitter<IdentityEvents> {
  #material: Material;
  #watch: FileWatch<Material> | undefined;
  #agent: IdentityAgent | undefined;
  readonly #staple: StapleDemand;

  /**
   * @param options.staple what is asked of the OCSP response that a server staples; `honoured` by default.
   * @throws SdkError `tls_disarmed`
   */
  constructor(material: Material, { staple = 'honoured' }: { readonly staple?: StapleDemand | undefined } = {}) {
    super();
    refuseDisarmedTls();
    this.#material = material;
    this.#staple = staple;
  }

  /** Key, certificate, intermediates and roots in use. */
  get material(): Material {
    return this.#material;
  }

  /** When the certificate ends: milliseconds since the epoch. */
  get notAfter(): number {
    return this.#material.leaf.notAfter;
  }

  /** For `https.request`, `http2.connect` and whoever takes an agent: its connections follow the identity. */
  get agent(): IdentityAgent {
    this.#agent ??= new IdentityAgent(this);
    return this.#agent;
  }

  /** `fetch` over mutual TLS. */
  get fetch(): (input: string | URL | Request, init?: RequestInit) => Promise<Response> {
    return identityFetch(this.agent);
  }

  /** What is asked of the OCSP responses of servers. */
  get serverStatus(): ServerStatusOptions {
    return { demand: this.#staple, roots: this.#material.roots, now: Date.now };
  }

  /**
   * A TLS connection that shows the identity and verifies the other side, its stapled OCSP response included: what `tls.connect`
   * does, which verifies none.
   *
   * @example http2.connect(url, { createConnection: () => identity.connect({ host, port, ALPNProtocols: ['h2'] }) });
   */
  connect(options: ConnectionOptions): TLSSocket {
    const wanted = { ...options, ...this.tlsOptions() };
    // A resumed session shows no response.
    if (this.#staple === 'required') delete wanted.session;
    const watched = watchServerStatus(wanted, this.serverStatus);
    return watched.watch(connect(watched.options));
  }

  /**
   * For `tls.connect`, `tls.createServer` and their like, as of now: ask again for each connection, or follow `rotated`. Stapled OCSP
   * responses are verified by {@link fetch}, {@link agent} and {@link connect} alone.
   */
  tlsOptions(): SecureContextOptions & { cert: string; key: string; ca: string } {
    const { certPem: cert, caPem: ca } = this.#material;
    return { ...TLS_DEFAULTS, cert, key: keyPem(this.#material), ca };
  }

  /** Puts another identity in the place of this one. */
  replace(material: Material): void {
    const before = this.#material.certPem + this.#material.caPem;
    this.#material = material;
    if (before !== material.certPem + material.caPem) this.emit('rotated', material);
  }

  /**
   * Lets a server show the identity as it is from now on, with the OCSP response of its certificate; connections that are open go
   * on with the one they began with. Gives a way to stop following.
   *
   * @example
   * const server = https.createServer({ ...identity.tlsOptions(), requestCert: true }, handler);
   * await identity.follow(server).ready;
   * server.listen(443);
   */
  follow(server: Server, options?: FollowOptions): Followed {
    return followServer(this, server, options);
  }

  /** Takes the identity from its files whenever they change; see {@link openIdentity}. */
  async watch(
    files: IdentityFiles,
    options: { readonly passphrase?: string; readonly pollMs?: number; readonly settleMs?: number } = {},
  ): Promise<void> {
    const { passphrase, ...timing } = options;
    this.#watch?.stop();
    this.#watch = await watchFiles({
      files: [files.cert, files.key, files.ca],
      load: ([cert, key, ca]) => readMaterial({ cert: text(cert), key: text(key), ca: text(ca) }, passphrase),
      onChange: (material) => this.replace(material),
      onBroken: (error) => this.emit('broken', error),
      ...timing,
    });
    this.replace(this.#watch.value);
  }

  /** Looks at the files now; resolves when that is done. */
  async reload(): Promise<void> {
    await this.#watch?.check();
  }

  /** Stops watching and closes idle connections. */
  close(): void {
    this.#watch?.stop();
    this.#agent?.destroy();
    this.removeAllListeners();
  }
}

/**
 * Makes an identity of PEM texts.
 *
 * @throws SdkError `identity_…`, `key_…`, `tls_disarmed`
 */
export async function createIdentity(
  pem: IdentityPem,
  options: { readonly passphrase?: string; readonly staple?: StapleDemand } = {},
): Promise<Identity> {
  return new Identity(await readMaterial(pem, options.passphrase), options);
}

/**
 * Opens the identity in these files, and follows them: when they change to another good identity, it is in use at once.
 *
 * @throws SdkError `identity_…`, `key_…`, `tls_disarmed`
 */
export async function openIdentity(
  files: IdentityFiles,
  options: {
    readonly passphrase?: string;
    /** What is asked of the OCSP response that a server staples; `honoured` by default. */
    readonly staple?: StapleDemand;
    /** False: the files are read once. */
    readonly watch?: boolean;
    readonly pollMs?: number;
    readonly settleMs?: number;
  } = {},
): Promise<Identity> {
  const { watch = true, staple, ...rest } = options;
  const identity = new Identity(await loadIdentity(files, rest), { staple });
  if (watch) await identity.watch(files, rest);
  return identity;
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
