import { parseCertificate, pemDecode } from '@countersign/pki';
import type { AuthorityConfig, GatewayConfig } from '../config/config.ts';
import type { OperatorLog } from '../log/operator-log.ts';
import type { CertificateEnd } from '../metrics/primary-metrics.ts';
import type { CheckedCertificate } from '../primary/server-certificate.ts';
import type { TrustUpdate } from '../worker/trust-update.ts';
import { AuthorityClient } from './authority-client.ts';
import { FeedFollower } from './feed-follower.ts';
import { obtainIdentity, renewIdentity } from './identity.ts';
import { Renewing } from './renewing.ts';
import { ServerCertificates } from './server-certificates.ts';

const TICK_MS = 1000;
const COMMON_NAME = '2.5.4.3';

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

/** Everything that ties this gateway to its authority: its own certificate, those it shows, and the feed. */
export class AuthorityLink {
  readonly #options: AuthorityLinkOptions;
  readonly #client: AuthorityClient;
  readonly #identity: Renewing;
  readonly #roots: string;
  readonly #servers: ServerCertificates;
  readonly #feed: FeedFollower;
  readonly #timer: NodeJS.Timeout;

  /**
   * Enrolls where that is needed, gets the server certificates, loads the stored state, and begins to follow the feed.
   *
   * @param signal - gives up waiting for an authority that cannot be reached
   * @throws AuthorityError
   */
  static async open(options: AuthorityLinkOptions, signal: AbortSignal): Promise<AuthorityLink> {
    const { authority, token, random, log, now } = options;
    const warn = (message: string) => log.warn(message);
    const { files, pair, ca } = await obtainIdentity({ config: authority, token, random, warn, signal });
    const client = new AuthorityClient(authority.url, { ...pair, ca });
    const name = commonName(pair.cert);
    const identity = new Renewing(pair, {
      what: "the gateway's own certificate",
      renew: () => renewIdentity(client, files, name),
      onRenewed: (next) => {
        log.info("the gateway's own certificate was renewed");
        client.rotate({ ...next, ca });
        feed.reconnect();
      },
      onFailed: (message) => log.error(message),
      now,
      random,
    });
    const feed = new FeedFollower({
      client,
      roots: ca,
      staleness: authority.staleness,
      folder: options.stateDir,
      identity: () => identity.pair,
      now,
      random,
      tell: options.tell,
      workers: options.workers,
      onBundle: options.onBundle,
      info: (message) => log.info(message),
      warn,
      shout: (message) => log.error(message),
    });
    const servers = await ServerCertificates.obtain(options.config, {
      client,
      folder: authority.identityDir,
      now,
      random,
      warn,
      signal,
      onChange: (certificate) => {
        log.info(`the certificate ${certificate.id} was renewed`);
        options.onCertificate(certificate);
      },
    });
    const link = new AuthorityLink(options, { client, identity, servers, feed, roots: ca });
    await feed.start();
    return link;
  }

  private constructor(
    options: AuthorityLinkOptions,
    parts: {
      readonly client: AuthorityClient;
      readonly identity: Renewing;
      readonly servers: ServerCertificates;
      readonly feed: FeedFollower;
      readonly roots: string;
    },
  ) {
    this.#options = options;
    this.#client = parts.client;
    this.#identity = parts.identity;
    this.#servers = parts.servers;
    this.#feed = parts.feed;
    this.#roots = parts.roots;
    this.#timer = setInterval(() => {
      this.#identity.tick();
      this.#servers.tick();
    }, TICK_MS);
  }

  get certificates(): readonly CheckedCertificate[] {
    return this.#servers.certificates;
  }

  get connected(): boolean {
    return this.#feed.connected;
  }

  /** When the trust state was last known to be complete: milliseconds since the epoch. */
  get freshAt(): number | undefined {
    return this.#feed.ledger.freshAt;
  }

  /** What a new worker has to know. */
  standing(): readonly TrustUpdate[] {
    const { staleness } = this.#options.authority;
    return [{ kind: 'authority', roots: this.#roots, staleness }, ...this.#feed.ledger.retell()];
  }

  /** The ends of the gateway's own certificate and of the authority's CAs. */
  ends(): readonly CertificateEnd[] {
    const { anchors = [], intermediates = [] } = this.#feed.ledger.bundle ?? {};
    const cas = [...anchors.map((anchor) => anchor.certificate), ...intermediates];
    return [
      { role: 'identity', name: 'gateway', notAfter: this.#identity.notAfter },
      ...cas.flatMap((ca) => (ca === undefined ? [] : [{ role: 'ca', name: ca.serialHex, notAfter: ca.notAfter }])),
    ];
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#feed.stop();
    this.#client.close();
  }
}

function commonName(cert: string): string {
  const { subject } = parseCertificate(pemDecode(cert)[0]?.der ?? new Uint8Array());
  const names = subject.rdns.flat().filter((attribute) => attribute.type === COMMON_NAME);
  return names[0]?.value ?? 'gateway';
}
