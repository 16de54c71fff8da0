import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Certificate, parseCertificate, pemDecode } from '@countersign/pki';
import {
  AddressGuard,
  guardForTrusted,
  nodeCrypto,
  sha256Hex,
  type Staple,
  StapleKeeper,
  stapleQuestion,
  StapleStore,
} from '@countersign/trust';
import type { StaplingConfig } from '../config/config.ts';
import type { StapleFact } from '../metrics/primary-metrics.ts';
import type { StapleData } from '../worker/messages.ts';
import type { CheckedCertificate } from './server-certificate.ts';

/** A clock that was stepped is noticed this soon. */
const LOOK_MS = 1000;

export interface StaplesOptions {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** Where the last good responses are kept; undefined: nowhere. */
  readonly folder: string | undefined;
  /** There is another response, for the workers. */
  readonly onStaple: (staple: StapleData) => void;
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly shout: (message: string) => void;
}

interface Place {
  readonly id: string;
  /** Undefined: it cannot be asked after. */
  readonly keeper: StapleKeeper | undefined;
  readonly store: StapleStore | undefined;
}

/** The OCSP responses of the certificates that this gateway shows: asked for by the primary, stapled by every worker. */
export class Staples {
  readonly #options: StaplesOptions;
  /** By the SHA-256 of the certificate. */
  readonly #places = new Map<string, Place>();
  #following: Promise<void> = Promise.resolve();

  constructor(options: StaplesOptions) {
    this.#options = options;
  }

  /** These certificates are about to be shown: their responses are asked for. What is followed already goes on. */
  follow(config: StaplingConfig | undefined, certificates: readonly CheckedCertificate[]): Promise<void> {
    if (config === undefined) return Promise.resolve();
    // One after the other: nothing is followed twice.
    this.#following = this.#following.then(async () => {
      for (const { id, cert } of certificates) {
        const chain = readChain(cert);
        if (chain === undefined) continue;
        const key = sha256Hex(chain[0].der);
        if (this.#places.has(key)) continue;
        const store = this.#storeOf(key);
        this.#places.set(key, this.#open(key, id, chain, config, await store?.load(), store));
      }
    });
    return this.#following;
  }

  /** Only these certificates are shown from now on. */
  keepOnly(certificates: readonly CheckedCertificate[]): void {
    const shown = new Set(certificates.map(({ cert }) => keyOf(cert)));
    for (const [key, { keeper }] of this.#places) {
      if (shown.has(key)) continue;
      keeper?.stop();
      this.#places.delete(key);
      this.#options.onStaple({ certificate: key, der: undefined, freshUntil: 0 });
    }
  }

  /** Resolves when a certificate can be shown: one that must be stapled waits a while for its response. */
  async ready({ cert }: CheckedCertificate): Promise<void> {
    await this.#places.get(keyOf(cert) ?? '')?.keeper?.showable();
  }

  /** What a worker that starts now has to know. */
  standing(): readonly StapleData[] {
    return Array.from(this.#places, ([key, { keeper }]) => dataOf(key, keeper?.current));
  }

  facts(): readonly StapleFact[] {
    return Array.from(this.#places.values()).flatMap(({ id, keeper }) =>
      keeper === undefined ? [] : [{ name: id, freshUntil: keeper.current?.freshUntil ?? 0 }],
    );
  }

  stop(): void {
    for (const { keeper } of this.#places.values()) keeper?.stop();
  }

  /** Resolves when what is to be kept is on disk. */
  async settled(): Promise<void> {
    for (const { store } of this.#places.values()) await store?.settled();
  }

  #storeOf(key: string): StapleStore | undefined {
    const { folder, shout } = this.#options;
    return folder === undefined
      ? undefined
      : new StapleStore(join(folder, `${key.slice(0, 32)}.ocsp`), (error) => shout(`stapling: ${error.message}`));
  }

  #open(
    key: string,
    id: string,
    chain: readonly [Certificate, ...Certificate[]],
    { timeoutMs, allowAddresses }: StaplingConfig,
    kept: Uint8Array | undefined,
    store: StapleStore | undefined,
  ): Place {
    const { now, random, onStaple, info, warn, shout } = this.#options;
    const { mustStaple } = chain[0];
    // The authority's own word is trusted with more than an address; a CA's, in a certificate from files, is not.
    const isOwn = id.startsWith('authority:');
    const allow = { allow: allowAddresses };
    const guardOf = (url: URL): AddressGuard => (isOwn ? guardForTrusted(url, allow) : new AddressGuard(allow));
    const found = stapleQuestion(chain, guardOf, nodeCrypto);
    if (!found.ok) {
      if (found.code === 'no_issuer') {
        warn(`certificate ${id}: its issuer is not among the certificates of its file, so nothing is stapled`);
      } else if (mustStaple) {
        shout(`certificate ${id}: it must be stapled, but names no OCSP responder`);
      }
      return { id, keeper: undefined, store };
    }
    let hasProblem = false;
    const keeper = new StapleKeeper(
      {
        question: found.question,
        port: { crypto: nodeCrypto, now, randomBytes },
        timeoutMs,
        random,
        lookEveryMs: LOOK_MS,
        onStaple(staple) {
          onStaple(dataOf(key, staple));
          if (staple === undefined) shout(`certificate ${id}: the last OCSP response has ended, nothing is stapled`);
          else store?.keep(staple.der);
          if (staple?.status === 'revoked') shout(`certificate ${id}: it is revoked, says its OCSP responder`);
          if (staple !== undefined && hasProblem) info(`certificate ${id}: its OCSP responder gives responses again`);
          hasProblem = staple === undefined;
        },
        onProblem(problem) {
          hasProblem = true;
          const told = `certificate ${id}: no new OCSP response to be stapled: ${problem}`;
          if (mustStaple) shout(told);
          else warn(told);
        },
      },
      kept,
    );
    return { id, keeper, store };
  }
}

function dataOf(certificate: string, staple: Staple | undefined): StapleData {
  return { certificate, der: staple?.der, freshUntil: staple?.freshUntil ?? 0 };
}

function keyOf(pem: string): string | undefined {
  const [leaf] = readChain(pem) ?? [];
  return leaf === undefined ? undefined : sha256Hex(leaf.der);
}

/** The certificates of a PEM file that was checked before; undefined where pki does not read what OpenSSL does. */
function readChain(pem: string): [Certificate, ...Certificate[]] | undefined {
  try {
    const [leaf, ...others] = pemDecode(pem)
      .filter(({ label }) => label === 'CERTIFICATE')
      .map(({ der }) => parseCertificate(der));
    return leaf === undefined ? undefined : [leaf, ...others];
  } catch {
    return undefined;
  }
}
