import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  certifyIntoFiles,
  type Identity,
  type IdentityFiles,
  keepRenewed,
  type KeptRenewed,
  keyPem,
  loadIdentity,
  type Material,
  SdkError,
} from '@countersign/sdk';
import type { CertificateSource, GatewayConfig } from '../config/config.ts';
import { type CheckedCertificate, checkServerCertificate } from '../primary/server-certificate.ts';
import { words } from '@countersign/trust';
import { retry, type RetryOptions } from './retry.ts';

/** A clock that was stepped is noticed this soon. */
const LOOK_MS = 1000;

type AuthoritySource = CertificateSource & { readonly from: 'authority' };

export interface ServerCertificatesOptions extends RetryOptions {
  readonly url: URL;
  readonly identity: Identity;
  readonly folder: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly onChange: (certificate: CheckedCertificate) => void;
}

/** The server certificates that the authority issues: kept on disk, renewed in time. */
export class ServerCertificates {
  readonly #options: ServerCertificatesOptions;
  readonly #certificates = new Map<string, CheckedCertificate>();
  readonly #renewing: KeptRenewed[] = [];

  constructor(options: ServerCertificatesOptions) {
    this.#options = options;
  }

  /** Gets every certificate of the configuration that is the authority's: from disk where a good one is, else from it. */
  async obtain(config: GatewayConfig): Promise<void> {
    for (const source of authoritySources(config)) {
      if (!this.#certificates.has(source.id)) await this.#obtain(source);
    }
  }

  get certificates(): readonly CheckedCertificate[] {
    return [...this.#certificates.values()];
  }

  stop(): void {
    for (const renewing of this.#renewing) renewing.stop();
  }

  async #obtain(source: AuthoritySource): Promise<void> {
    const { folder, now, random, warn } = this.#options;
    const name = `server-${createHash('sha256').update(source.id).digest('hex').slice(0, 12)}`;
    const files = {
      cert: join(folder, `${name}.crt`),
      key: join(folder, `${name}.key`),
      ca: join(folder, `${name}.ca.crt`),
    };
    let material = await this.#stored(source, files);
    material ??= await retry(this.#options, () => this.#order(source, files, this.#options.signal));
    this.#certificates.set(source.id, this.#check(source, material));
    this.#renewing.push(
      keepRenewed({
        validity: () => this.#certificates.get(source.id) ?? { notBefore: 0, notAfter: 0 },
        renew: async (signal) => {
          const certificate = this.#check(source, await this.#order(source, files, signal));
          this.#certificates.set(source.id, certificate);
          this.#options.onChange(certificate);
        },
        onFailed: (error) =>
          warn(`the certificate for ${source.names.join(', ')} could not be renewed: ${words(error)}`),
        now,
        random,
        lookEveryMs: LOOK_MS,
      }),
    );
  }

  /** What is on disk, where it still is what is asked for. */
  async #stored(source: AuthoritySource, files: IdentityFiles): Promise<Material | undefined> {
    try {
      const material = await loadIdentity(files);
      const { notAfter, warnings } = this.#check(source, material);
      return notAfter > this.#options.now() && warnings.length === 0 ? material : undefined;
    } catch (error) {
      if (!(error instanceof SdkError && error.code === 'identity_missing')) {
        this.#options.warn(`${files.cert} cannot be used, another certificate is asked for: ${words(error)}`);
      }
      return undefined;
    }
  }

  async #order(source: AuthoritySource, files: IdentityFiles, signal: AbortSignal): Promise<Material> {
    const { identity, url, now, warn } = this.#options;
    const name = commonName(source.names);
    const { cert, key, ca } = identity.tlsOptions();
    const sans = source.names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }));
    const onWaiting = ({ request }: { readonly request: string }): void =>
      warn(
        `the certificate for ${source.names.join(', ')} waits for the approval of an administrator: request ${request}`,
      );
    return certifyIntoFiles(files, {
      subject: name,
      call: { url, path: 'v1/certificates', ca, identity: { cert, key }, signal, onWaiting },
      bodyOf: (csr) => ({ name, profile: 'server', sans, csr, ...(source.mustStaple ? { mustStaple: true } : {}) }),
      known: identity.material.roots,
      now,
      staysDenied: true,
    });
  }

  #check(source: AuthoritySource, material: Material): CheckedCertificate {
    const pair = { id: source.id, cert: material.certPem, key: keyPem(material) };
    return checkServerCertificate(pair, source.names, this.#options.now());
  }
}

/** The profile makes a server's common name a DNS name of it too, so an address is one only where there is nothing else. */
function commonName(names: readonly string[]): string {
  const dns = names.find((name) => isIP(name) === 0 && name.length <= 64);
  return dns ?? names[0] ?? 'localhost';
}

function authoritySources(config: GatewayConfig): readonly AuthoritySource[] {
  const byId = new Map<string, AuthoritySource>();
  for (const host of config.listeners.flatMap((listener) => listener.hosts)) {
    if (host.certificate.from === 'authority') byId.set(host.certificate.id, host.certificate);
  }
  return [...byId.values()];
}
