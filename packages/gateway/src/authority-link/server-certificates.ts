import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { issuedCertificateSchema } from '@countersign/protocol';
import type { CertificateSource, GatewayConfig } from '../config/config.ts';
import { type CheckedCertificate, checkServerCertificate } from '../primary/server-certificate.ts';
import type { AuthorityClient } from './authority-client.ts';
import { requestCertificate } from './certificate-request.ts';
import { retry, type IdentityOptions } from './identity.ts';
import { type Pair, PairFiles } from './pair-files.ts';
import { Renewing } from './renewing.ts';

type AuthoritySource = CertificateSource & { readonly from: 'authority' };

export interface ServerCertificatesOptions extends Pick<IdentityOptions, 'random' | 'warn' | 'signal'> {
  readonly client: AuthorityClient;
  readonly folder: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly onChange: (certificate: CheckedCertificate) => void;
}

/** The server certificates that the authority issues: kept on disk, renewed in time. */
export class ServerCertificates {
  readonly #renewing = new Map<AuthoritySource, Renewing>();
  readonly #options: ServerCertificatesOptions;

  /** Gets every certificate of the configuration that is the authority's: from disk where a good one is, else from it. */
  static async obtain(config: GatewayConfig, options: ServerCertificatesOptions): Promise<ServerCertificates> {
    const made = new ServerCertificates(options);
    for (const source of authoritySources(config)) await made.#obtain(source);
    return made;
  }

  private constructor(options: ServerCertificatesOptions) {
    this.#options = options;
  }

  get certificates(): readonly CheckedCertificate[] {
    return [...this.#renewing].map(([source, renewing]) => this.#check(source, renewing.pair));
  }

  /** To be called about once a second. */
  tick(): void {
    for (const renewing of this.#renewing.values()) renewing.tick();
  }

  async #obtain(source: AuthoritySource): Promise<void> {
    const { folder, now, random, warn } = this.#options;
    const files = new PairFiles(folder, `server-${createHash('sha256').update(source.id).digest('hex').slice(0, 12)}`);
    const order = async (): Promise<Pair> => {
      const pair = await this.#order(source);
      await files.write(pair);
      return pair;
    };
    const known = await files.read();
    const pair = known !== undefined && isUsable(known, source, now()) ? known : await retry(this.#options, order);
    const renewing = new Renewing(pair, {
      what: `the certificate for ${source.names.join(', ')}`,
      renew: order,
      onRenewed: (next) => this.#options.onChange(this.#check(source, next)),
      onFailed: warn,
      now,
      random,
    });
    this.#renewing.set(source, renewing);
  }

  async #order(source: AuthoritySource): Promise<Pair> {
    const name = commonName(source.names);
    const { key, csr } = await requestCertificate(name);
    const sans = source.names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }));
    const answer = await this.#options.client.post('/v1/certificates', { name, profile: 'server', sans, csr });
    const pair = { cert: issuedCertificateSchema.parse(answer).certificate, key };
    this.#check(source, pair);
    return pair;
  }

  #check(source: AuthoritySource, pair: Pair): CheckedCertificate {
    return checkServerCertificate({ id: source.id, ...pair }, source.names, this.#options.now());
  }
}

/** A server's name is a DNS name of the certificate too, so an address makes no common name where there is a DNS name. */
function commonName(names: readonly string[]): string {
  const dns = names.find((name) => isIP(name) === 0 && name.length <= 64);
  return dns ?? names[0] ?? 'localhost';
}

function isUsable(pair: Pair, source: AuthoritySource, now: number): boolean {
  const leaf = new X509Certificate(pair.cert);
  if (leaf.validToDate.getTime() <= now) return false;
  return checkServerCertificate({ id: source.id, ...pair }, source.names, now).warnings.length === 0;
}

function authoritySources(config: GatewayConfig): readonly AuthoritySource[] {
  const byId = new Map<string, AuthoritySource>();
  for (const host of config.listeners.flatMap((listener) => listener.hosts)) {
    if (host.certificate.from === 'authority') byId.set(host.certificate.id, host.certificate);
  }
  return [...byId.values()];
}
