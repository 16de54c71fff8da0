import type { TLSSocket } from 'node:tls';

import type { Awaited, LiveTrust } from '../live/live-trust.ts';
import type { StatusQuestionData } from '../live/status-due.ts';
import type { SoftPass } from '../state/revocation-check.ts';
import { presentedChain } from '../tls/presented-chain.ts';
import { judge } from '../verdict/judge.ts';
import type { VerdictPolicy } from '../verdict/policy.ts';
import type { Verdict } from '../verdict/verdict.ts';

/** A path that falls may leave another, about which more is to be asked. */
const MAX_ROUNDS = 4;

/** How the waiting ended: told what could be had, too late, or the connection is gone. */
export type Waited = 'told' | 'late' | 'left';

export interface StatusAsked {
  readonly bundle: string;
  readonly questions: readonly StatusQuestionData[];
  /** Milliseconds. */
  readonly withinMs: number;
  /** The connection is gone. */
  readonly left: AbortSignal;
}

export interface JudgingPort {
  readonly trust: LiveTrust;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Asks others for intermediates that are not known here; resolves when they are learnt. Absent: there are no others. */
  readonly askOthers?: ((leaf: Uint8Array) => Promise<void>) | undefined;
  /** Asks for the status of certificates, no longer than that. */
  readonly askStatus: (asked: StatusAsked) => Promise<Waited>;
  /** How a connection that needed to know of certificates was judged: by what was known, or after waiting. */
  readonly onStatus: (how: 'known' | Waited, ms: number) => void;
}

/** What came of judging a connection. */
export type Judgement =
  /** The peer has shown no certificate. */
  | { readonly kind: 'none' }
  | { readonly kind: 'judged'; readonly verdict: Verdict }
  /** A resumed session's leaf that nobody can judge: close, and make full handshakes necessary. */
  | { readonly kind: 'unjudgeable' };

/**
 * Judges who is at the other end of a connection that has just finished its handshake. The certificates are read here, once,
 * and nowhere again; a resumed session is judged as a new one is.
 */
export async function judgeConnection(socket: TLSSocket, policy: VerdictPolicy, port: JudgingPort): Promise<Judgement> {
  const presented = presentedChain(socket);
  const [leaf] = presented;
  if (leaf === undefined) return { kind: 'none' };
  const resumed = socket.isSessionReused();
  const { state } = port.trust;
  const judgeNow: JudgeNow = (onSoft) => judge({ presented, resumed }, policy, state, port.now(), onSoft);
  let verdict = await whenKnown(socket, judgeNow, port);
  if (!verdict.ok && verdict.incomplete === true) {
    if (port.askOthers !== undefined) {
      await port.askOthers(leaf);
      verdict = await whenKnown(socket, judgeNow, port);
    }
    if (!verdict.ok && verdict.incomplete === true && isUnknown(presented, port)) return { kind: 'unjudgeable' };
  }
  return { kind: 'judged', verdict };
}

type JudgeNow = (onSoft: SoftPass) => Verdict;

/**
 * Judges; and where more could be known of the certificates than is, waits for it and judges anew, no longer than the
 * settings allow, and not at all once the client is gone. Where nothing is missing, nothing is waited for.
 */
async function whenKnown(socket: TLSSocket, judgeNow: JudgeNow, port: JudgingPort): Promise<Verdict> {
  const { trust, now } = port;
  const soft: Parameters<SoftPass>[] = [];
  const judgeAnew = (): Verdict => {
    soft.length = 0;
    return judgeNow((...pass) => void soft.push(pass));
  };
  let verdict = judgeAnew();
  let waiting: Waiting | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const candidate = verdict.ok ? verdict : verdict.pending;
    const awaited = candidate === undefined ? undefined : trust.awaited(candidate, now());
    if (awaited === undefined) break;
    waiting ??= new Waiting(socket, awaited.withinMs);
    const waited = await waiting.ask(awaited, port);
    verdict = judgeAnew();
    if (waited !== 'told') break;
  }
  waiting?.end(port);
  if (verdict.ok) {
    if (waiting === undefined && trust.isAsking(verdict)) port.onStatus('known', 0);
    trust.admitted(verdict);
  }
  for (const pass of soft) trust.state.onSoft?.(...pass);
  return verdict;
}

/** The waiting of one connection. */
class Waiting {
  readonly #socket: TLSSocket;
  readonly #left = new AbortController();
  readonly #start = performance.now();
  readonly #withinMs: number;
  readonly #asked = new Set<string>();
  readonly #leave = (): void => this.#left.abort();
  #last: Waited = 'told';

  constructor(socket: TLSSocket, withinMs: number) {
    this.#socket = socket;
    this.#withinMs = withinMs;
    socket.once('close', this.#leave);
    if (socket.destroyed) this.#leave();
  }

  /** What was asked once is not asked again: there was no answer to be had. */
  async ask({ bundle, questions }: Awaited, port: JudgingPort): Promise<Waited> {
    const fresh = questions.filter(({ certificate }) => {
      const key = Buffer.from(certificate).toString('latin1');
      const isNew = !this.#asked.has(key);
      this.#asked.add(key);
      return isNew;
    });
    const withinMs = this.#withinMs - (performance.now() - this.#start);
    if (fresh.length === 0 || withinMs <= 0) return 'late';
    this.#last = await port.askStatus({ bundle, questions: fresh, withinMs, left: this.#left.signal });
    return this.#last;
  }

  end(port: JudgingPort): void {
    this.#socket.off('close', this.#leave);
    port.onStatus(this.#last, performance.now() - this.#start);
  }
}

/**
 * Whether no bundle at all has a path for a leaf. Where another bundle than the policy's has one, nothing is missing: the client
 * is simply not wanted here, and must not be able to make everybody's next handshake a full one.
 */
function isUnknown(presented: readonly Uint8Array[], { trust, now }: JudgingPort): boolean {
  const anyBundle = { id: 'any bundle', bundles: trust.bundleNames };
  const verdict = judge({ presented, resumed: true }, anyBundle, trust.state, now());
  return !verdict.ok && verdict.incomplete === true;
}
