import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import {
  buildOcspRequest,
  fromHex,
  parseCertificate,
  parseOcspResponse,
  parseOcspResponseData,
  pemDecode,
} from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { partitionOf } from '../../packages/authority/src/domain/crl/scopes.ts';
import type { BenchAuthority } from '../harness/authority.ts';
import { ask, begin, keptConnection } from '../harness/local-api.ts';

/** When a revocation was where, milliseconds after it was asked for. */
export interface Reach {
  readonly answered: number;
  readonly feed: number;
  readonly ocsp: number;
  readonly partition: number;
}

/** Everybody who looks for a revocation at a running authority. */
export class Watchers {
  readonly #authority: BenchAuthority;
  readonly #issuer: Certificate;
  readonly #partitions: number;
  readonly #seen = new Map<string, (at: number) => void>();
  readonly #agent = keptConnection();

  constructor(authority: BenchAuthority, data: string, partitions: number) {
    this.#authority = authority;
    this.#partitions = partitions;
    const [block] = pemDecode(readFileSync(join(data, 'ca/issuing-1.crt'), 'utf8'));
    if (block === undefined) throw new Error('there is no issuing CA');
    this.#issuer = parseCertificate(block.der);
  }

  /** Follows the feed from a place on. */
  async follow(cursor: string): Promise<void> {
    const path = `/v1/feed?cursor=${encodeURIComponent(cursor)}`;
    const response = await begin({ socketPath: this.#authority.admin, path });
    if (response.statusCode !== 200) throw new Error(`the feed: ${response.statusCode}`);
    response.on('error', () => undefined);
    createInterface({ input: response }).on('line', (line) => {
      const { serial = '' } = JSON.parse(line) as { serial?: string };
      this.#seen.get(serial)?.(performance.now());
    });
  }

  /** Revokes one by its name, and tells when it was known where. */
  async revoke(name: string, serial: string): Promise<Reach> {
    const { promise: told, resolve } = Promise.withResolvers<number>();
    this.#seen.set(serial, resolve);
    const begun = performance.now();
    const since = async (work: Promise<unknown>): Promise<number> => {
      await work;
      return performance.now() - begun;
    };
    const [answered, feed, ocsp, partition] = await Promise.all([
      since(this.#authority.call('/v1/revocations', { name, reason: 'superseded' })),
      told.then((at) => at - begun),
      since(this.#until(() => this.#isRevokedByOcsp(serial))),
      since(this.#until(() => this.isListed(serial, this.#pathOfPartition(serial)))),
    ]);
    return { answered, feed, ocsp, partition };
  }

  /** Whether a CRL has a serial number on it. */
  async isListed(serial: string, path: string): Promise<boolean> {
    const { body } = await ask({ host: '127.0.0.1', port: this.#authority.http, path, agent: this.#agent });
    return body.includes(fromHex(serial));
  }

  /** The request that asks for a certificate's status. */
  question(serial: string): Uint8Array {
    const certificate = { serialNumber: fromHex(serial), issuer: this.#issuer.subject };
    return buildOcspRequest([certificate], this.#issuer, nodeCrypto);
  }

  stop(): void {
    this.#agent.destroy();
  }

  #pathOfPartition(serial: string): string {
    return `/crl/issuing-1/${partitionOf(fromHex(serial), this.#partitions)}.crl`;
  }

  async #isRevokedByOcsp(serial: string): Promise<boolean> {
    const headers = { 'content-type': 'application/ocsp-request' };
    const options = { host: '127.0.0.1', port: this.#authority.http, method: 'POST', path: '/ocsp', headers };
    const { body } = await ask(options, this.question(serial));
    const { basic } = parseOcspResponse(body);
    if (basic === undefined) throw new Error('the responder does not answer');
    return parseOcspResponseData(basic.tbs).responses.every(({ certStatus }) => certStatus.status === 'revoked');
  }

  async #until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await pause(5);
  }
}
