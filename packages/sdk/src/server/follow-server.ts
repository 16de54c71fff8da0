import { randomBytes } from 'node:crypto';
import type { SecureContextOptions, Server } from 'node:tls';

import { guardForTrusted, nodeCrypto, StapleKeeper, stapleQuestion } from '@countersign/trust';

import type { Material } from '../identity/material.ts';

export interface StaplingOptions {
  /** For one responder, milliseconds; 10 s by default. */
  readonly timeoutMs?: number;
  /** Addresses, ranges and hosts that may be asked besides public ones and the host that the certificate names. */
  readonly allowAddresses?: readonly string[];
  /** There is no new response, and why; the last good one goes on serving until its own end. */
  readonly onProblem?: (problem: string) => void;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface FollowOptions {
  /** How the OCSP response of the identity is had, which the server staples wherever its certificate names a responder. */
  readonly staple?: StaplingOptions | 'off';
}

/** Call it to stop following. */
export interface Followed {
  (): void;
  /** Resolves when the first OCSP response is at hand, or could not be had. */
  readonly ready: Promise<void>;
}

/** What a server asks of the identity it follows. */
export interface ServedIdentity {
  readonly material: Material;
  tlsOptions(): SecureContextOptions;
  on(event: 'rotated', listener: () => void): unknown;
  off(event: 'rotated', listener: () => void): unknown;
}

interface Shown {
  readonly der: Uint8Array;
  /** Undefined: nothing is stapled. */
  readonly keeper: StapleKeeper | undefined;
}

/**
 * Lets a server show an identity as it is from now on, with the OCSP response of its certificate (RFC 6066 section 8). A
 * certificate that must be stapled (RFC 7633) takes its place only when its response is there, or after ten seconds.
 */
export function followServer(identity: ServedIdentity, server: Server, options: FollowOptions = {}): Followed {
  let isOver = false;
  const first = open(identity.material, options);
  /** The one in use, and the one that is about to be. */
  let shown: readonly Shown[] = [first];

  function answer(
    certificate: Buffer,
    _issuer: Buffer,
    callback: (error: Error | null, response: Buffer | null) => void,
  ): void {
    const staple = shown.find(({ der }) => certificate.equals(der))?.keeper?.current;
    callback(null, staple === undefined ? null : Buffer.from(staple.der));
  }

  function use(next: Shown): void {
    if (isOver || shown.at(-1) !== next) return;
    server.setSecureContext(identity.tlsOptions());
    keepOnly([next]);
  }

  function keepOnly(kept: readonly Shown[]): void {
    for (const one of shown) if (!kept.includes(one)) one.keeper?.stop();
    shown = kept;
  }

  function rotate(): void {
    const { material } = identity;
    const next = open(material, options);
    const [present = next] = shown;
    keepOnly([present]);
    shown = [present, next];
    if (next.keeper === undefined || !material.leaf.mustStaple) use(next);
    else void next.keeper.showable().then(() => use(next));
  }

  identity.on('rotated', rotate);
  if (options.staple !== 'off') server.on('OCSPRequest', answer);
  const stop = (): void => {
    isOver = true;
    identity.off('rotated', rotate);
    server.off('OCSPRequest', answer);
    keepOnly([]);
  };
  return Object.assign(stop, { ready: first.keeper?.first ?? Promise.resolve() });
}

function open(material: Material, { staple = {} }: FollowOptions): Shown {
  const { chain, roots, leaf } = material;
  if (staple === 'off') return { der: leaf.der, keeper: undefined };
  const { allowAddresses = [], timeoutMs, onProblem = () => undefined, now = Date.now } = staple;
  const [, ...intermediates] = chain;
  const found = stapleQuestion(
    [leaf, ...intermediates, ...roots],
    // Whoever takes this identity into use takes it with the responder that stands in it.
    (url) => guardForTrusted(url, { allow: allowAddresses }),
    nodeCrypto,
  );
  if (!found.ok) return { der: leaf.der, keeper: undefined };
  const keeper = new StapleKeeper({
    question: found.question,
    port: { crypto: nodeCrypto, now, randomBytes },
    timeoutMs,
    random: Math.random,
    onStaple: () => undefined,
    onProblem,
  });
  return { der: leaf.der, keeper };
}
