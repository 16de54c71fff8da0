import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock, Random, Store } from '../ports.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

/** Numbers used once (RFC 8555, section 6.5). */
export interface Nonces {
  issue(): string;
  /** Uses one up: true once for each that was issued and is fresh, on whichever node. */
  use(nonce: string): Promise<boolean>;
}

/** Where nodes that share a store mark what was used: true for the first to claim it. */
export type ClaimNonce = (nonce: string, expiresAt: number) => Promise<boolean>;

export interface NonceParts {
  readonly clock: Clock;
  readonly random: Random;
  /** The same on every node of a store. */
  readonly secret: Uint8Array;
  /** Where several nodes share a store; without it a node knows its own nonces only, which is cheaper. */
  readonly claim?: ClaimNonce | undefined;
  /** How many nonces it remembers, a multiple of 32 ({@link nonceWindow}). */
  readonly remembered?: number | undefined;
}

/** How long a nonce is good for. */
export const nonceLifetimeMs = 60 * 60_000;

/** How many of its own nonces a node remembers, if it is not told otherwise; older ones are good no longer. */
export const nonceWindow = 1 << 20;

const nodeLength = 8;
const bodyLength = nodeLength + 6 + 4;
const macLength = 16;
const textLength = Math.ceil(((bodyLength + macLength) * 8) / 6);

/**
 * Nonces that cost no memory until they are used and little then: each is its node, a number and the minute, with a MAC. A node keeps
 * one bit for each of its last numbers, a million. A node that starts again is another node: what the one before has issued is refused,
 * and clients ask for a fresh one (badNonce). Where several nodes share a store the first claim there counts, whoever issued it.
 */
export function createNonces({ clock, random, secret, claim, remembered = nonceWindow }: NonceParts): Nonces {
  const node = Buffer.from(random(nodeLength));
  const used = new Uint32Array(remembered / 32);
  let next = 0;

  const macOf = (body: Uint8Array): Uint8Array =>
    createHmac('sha256', secret).update(body).digest().subarray(0, macLength);

  function clear(number: number): void {
    const bit = number % remembered;
    used[bit >>> 5] = (used[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
  }

  /** Marks a number of this node's; false where it was marked, or is out of the window. */
  function mark(number: number): boolean {
    if (number >= next || number < next - remembered) return false;
    const bit = number % remembered;
    const before = used[bit >>> 5] ?? 0;
    const mask = 1 << (bit & 31);
    used[bit >>> 5] = before | mask;
    return (before & mask) === 0;
  }

  return {
    issue: () => {
      const body = Buffer.alloc(bodyLength);
      body.set(node);
      body.writeUIntBE(next, nodeLength, 6);
      body.writeUInt32BE(Math.floor(clock() / 60_000), nodeLength + 6);
      clear(next);
      next += 1;
      return encodeBase64url(Buffer.concat([body, macOf(body)]));
    },
    use: async (nonce) => {
      const octets = nonce.length === textLength ? decodeBase64url(nonce) : undefined;
      if (octets?.length !== bodyLength + macLength) return false;
      const body = Buffer.from(octets.subarray(0, bodyLength));
      if (!timingSafeEqual(macOf(body), octets.subarray(bodyLength))) return false;
      const issuedAt = body.readUInt32BE(nodeLength + 6) * 60_000;
      const now = clock();
      if (now < issuedAt - nonceLifetimeMs || now > issuedAt + nonceLifetimeMs) return false;
      if (claim !== undefined) return claim(nonce, issuedAt + 2 * nonceLifetimeMs);
      return node.equals(body.subarray(0, nodeLength)) && mark(body.readUIntBE(nodeLength, 6));
    },
  };
}

/**
 * Claims nonces in a store that several nodes share. Those that come while a claim is under way go into the next one together, so that
 * the store has one write for all of them.
 */
export function claimsIn(store: Store): ClaimNonce {
  interface Waiting {
    readonly nonce: string;
    readonly expiresAt: number;
    readonly resolve: (first: boolean) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      // Of the same nonce twice in one batch, one is the first.
      const nonces = new Map(batch.map((one) => [one.nonce, one]));
      const expiresAt = Math.max(...batch.map((one) => one.expiresAt));
      try {
        const claimed = await store.write((tx) => tx.claimAcmeNonces([...nonces.keys()], expiresAt));
        for (const one of batch) one.resolve(nonces.get(one.nonce) === one && claimed.has(one.nonce));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  }

  return (nonce, expiresAt) => {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    waiting.push({ nonce, expiresAt, resolve, reject });
    if (!running) void run();
    return promise;
  };
}
