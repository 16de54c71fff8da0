import { feedEventSchema } from '@countersign/protocol';
import { type Identity, keepRenewed, type KeptRenewed, renewFiles } from '@countersign/sdk';
import type { AuthorityConfig, GatewayConfig } from '../config/config.ts';
import type { OperatorLog } from '../log/operator-log.ts';
import type { CertificateEnd } from '../metrics/primary-metrics.ts';
import type { CheckedCertificate } from '../primary/server-certificate.ts';
import { FeedFollower, type TrustUpdate, words } from '@countersign/trust';
import { authorityMetrics } from './authority-metrics.ts';
import { obtainIdentity } from './identity.ts';
import { ServerCertificates } from './server-certificates.ts';

/** A clock that was stepped is noticed this soon. */
const LOOK_MS = 1000;

export interface AuthorityLinkOptions {
  readonly config: GatewayConfig;
  readonly authority: AuthorityConfig;
  readonly stateDir: string;
  readonly token: string | undefined;
  readonly log: OperatorLog;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  readonly tell: (update: TrustUpdate) => Promise<void>;
  readonly workers: () => number;
  /** A server certificate is another. */
  readonly onCertificate: (certificate: CheckedCertificate) => void;
  /** CAs of the authority have changed. */
  readonly onBundle: () => void;
}

interface LinkParts {
  readonly identity: Identity;
  readonly renewing: KeptRenewed;
  readonly servers: ServerCertificates;
  readonly feed: FeedFollower;
}

/** Everything that ties this gateway to its authority: its own certificate, those it shows, and the feed. */
export class AuthorityLink {
  readonly #options: AuthorityLinkOptions;
  readonly #parts: LinkParts;

  /**
   * Enrolls where that is needed, gets the server certificates, loads the stored state, and begins to follow the feed.
   *
   * @param signal - gives up waiting for an authority that cannot be reached
   * @throws SdkError, GatewayStartError
   */
  static async open(options: AuthorityLinkOptions, signal: AbortSignal): Promise<AuthorityLink> {
    const { authority, token, random, log, now } = options;
    const warn = (message: string) => log.warn(message);
    const patience = { random, warn, signal };
    const { identity, files } = await obtainIdentity({ ...patience, config: authority, token, now });
    const feed = new FeedFollower({
      url: authority.url,
      identity,
      read: (line) => feedEventSchema.parse(line),
      staleness: authority.staleness,
      folder: options.stateDir,
      now,
      random,
      tell: options.tell,
      workers: options.workers,
      onBundle: options.onBundle,
      info: (message) => log.info(message),
      warn,
      shout: (message) => log.error(message),
    });
    const renewing = keepRenewed({
      validity: () => identity.material.leaf,
      renew: async (stop) => {
        const onWaiting = ({ request }: { readonly request: string }): void =>
          warn(`the renewal of the gateway's own certificate waits for an administrator: request ${request}`);
        const options = { url: authority.url.href, now, signal: stop, onWaiting, staysDenied: true };
        const next = await renewFiles(files, options);
        identity.replace(next);
        log.info("the gateway's own certificate was renewed");
        feed.reconnect();
      },
      onFailed: (error) => log.error(`the gateway's own certificate could not be renewed: ${words(error)}`),
      now,
      random,
      lookEveryMs: LOOK_MS,
    });
    const servers = new ServerCertificates({
      ...patience,
      url: authority.url,
      identity,
      folder: authority.identityDir,
      now,
      onChange: (certificate) => {
        log.info(`the certificate ${certificate.id} was renewed`);
        options.onCertificate(certificate);
      },
    });
    try {
      await servers.obtain(options.config);
      await feed.start();
      return new AuthorityLink(options, { identity, renewing, servers, feed });
    } catch (error) {
      renewing.stop();
      identity.close();
      throw error;
    }
  }

  private constructor(options: AuthorityLinkOptions, parts: LinkParts) {
    this.#options = options;
    this.#parts = parts;
  }

  get certificates(): readonly CheckedCertificate[] {
    return this.#parts.servers.certificates;
  }

  /** Gets what another configuration asks for besides. */
  obtainCertificates(config: GatewayConfig): Promise<void> {
    return this.#parts.servers.obtain(config);
  }

  get connected(): boolean {
    return this.#parts.feed.connected;
  }

  /** When the trust state was last known to be complete: milliseconds since the epoch. */
  get freshAt(): number | undefined {
    return this.#parts.feed.ledger.freshAt;
  }

  /** The authority's own metrics, in the text format of Prometheus; empty while it does not answer. */
  metrics(): Promise<string> {
    const { identity } = this.#parts;
    return authorityMetrics((url, init) => identity.fetch(url, init), this.#options.authority.url);
  }

  /** What a new worker has to know. */
  standing(): readonly TrustUpdate[] {
    const { staleness } = this.#options.authority;
    const roots = this.#parts.identity.material.caPem;
    return [{ kind: 'authority', roots, staleness }, ...this.#parts.feed.ledger.retell()];
  }

  /** The ends of the gateway's own certificate and of the authority's CAs. */
  ends(): readonly CertificateEnd[] {
    const { anchors = [], intermediates = [] } = this.#parts.feed.ledger.bundle ?? {};
    const cas = [...anchors.map((anchor) => anchor.certificate), ...intermediates];
    return [
      { role: 'identity', name: 'gateway', notAfter: this.#parts.identity.notAfter },
      ...cas.flatMap((ca) => (ca === undefined ? [] : [{ role: 'ca', name: ca.serialHex, notAfter: ca.notAfter }])),
    ];
  }

  stop(): void {
    const { renewing, servers, feed, identity } = this.#parts;
    renewing.stop();
    servers.stop();
    feed.stop();
    identity.close();
  }
}
