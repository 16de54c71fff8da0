import type { TLSSocket } from 'node:tls';
import { judge, type Accepted, type Refused, type SoftPass, type Verdict } from '@countersign/trust';
import type { ConnectionHandle, Peer } from '../connection.ts';
import type { HostConfig } from '../config/config.ts';
import { presentedChain } from '../listener/presented-chain.ts';
import type { StatusAsked, Waited } from './status-waiting.ts';
import type { Awaited, WorkerTrust } from './worker-trust.ts';

/** A path that falls may leave another, about which more is to be asked. */
const MAX_ROUNDS = 4;

export interface AdmissionOptions {
  readonly trust: WorkerTrust;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Asks the primary for intermediates that other workers know; resolves when they are learnt. */
  readonly askOthers: (leaf: Uint8Array) => Promise<void>;
  /** Asks the primary for the status of certificates, no longer than that. */
  readonly askStatus: (asked: StatusAsked) => Promise<Waited>;
  /** How a connection that needed to know of certificates was judged: by what was known, or after waiting. */
  readonly onStatus: (how: 'known' | Waited, ms: number) => void;
  readonly onRefused: (code: string) => void;
  readonly onEnded: (code: string) => void;
}

/** What came of judging a connection. */
export type Admission =
  | {
      readonly kind: 'serve';
      readonly peer: Peer;
      /** The connection is served: it ends when the verdict no longer stands. */
      attach(connection: ConnectionHandle): void;
      /** The connection has gone before it was served. */
      abandon(): void;
    }
  /** A resumed session's leaf that nobody can judge: close, and make full handshakes necessary. */
  | { readonly kind: 'unjudgeable' };

/**
 * Judges who is at the other end of a connection that has just finished its handshake. The certificates are read here, once,
 * and nowhere again; a resumed session is judged as a new one is, under the policy that its server name selects now.
 *
 * @param host - that policy
 */
export async function admit(socket: TLSSocket, host: HostConfig, options: AdmissionOptions): Promise<Admission> {
  const presented = presentedChain(socket);
  if (presented.length === 0) return serve({ kind: 'none' });
  const resumed = socket.isSessionReused();
  const { state } = options.trust;
  const policy = state.policy(host.key);
  if (policy === undefined) throw new Error(`no policy ${host.key}`);
  const judgeNow: JudgeNow = (onSoft) => judge({ presented, resumed }, policy, state, options.now(), onSoft);
  let verdict = await whenKnown(socket, judgeNow, options);
  if (!verdict.ok && verdict.incomplete === true) {
    await options.askOthers(presented[0] ?? new Uint8Array());
    verdict = await whenKnown(socket, judgeNow, options);
    if (!verdict.ok && verdict.incomplete === true && isUnknown(presented, options)) return { kind: 'unjudgeable' };
  }
  return verdict.ok ? register(verdict, host, options) : refused(verdict, options);
}

type JudgeNow = (onSoft: SoftPass) => Verdict;

/**
 * Judges; and where more could be known of the certificates than is, waits for it and judges anew, no longer than the
 * configuration allows, and not at all once the client is gone. Where nothing is missing, nothing is waited for.
 */
async function whenKnown(socket: TLSSocket, judgeNow: JudgeNow, options: AdmissionOptions): Promise<Verdict> {
  const { trust, now } = options;
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
    const waited = await waiting.ask(awaited, options);
    verdict = judgeAnew();
    if (waited !== 'told') break;
  }
  waiting?.end(options);
  if (verdict.ok) {
    if (waiting === undefined && trust.isAsking(verdict)) options.onStatus('known', 0);
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
  async ask({ bundle, questions }: Awaited, options: AdmissionOptions): Promise<Waited> {
    const fresh = questions.filter(({ certificate }) => {
      const key = Buffer.from(certificate).toString('latin1');
      const isNew = !this.#asked.has(key);
      this.#asked.add(key);
      return isNew;
    });
    const withinMs = this.#withinMs - (performance.now() - this.#start);
    if (fresh.length === 0 || withinMs <= 0) return 'late';
    this.#last = await options.askStatus({ bundle, questions: fresh, withinMs, left: this.#left.signal });
    return this.#last;
  }

  end(options: AdmissionOptions): void {
    this.#socket.off('close', this.#leave);
    options.onStatus(this.#last, performance.now() - this.#start);
  }
}

/**
 * Whether no bundle at all has a path for a leaf. Where another bundle than the policy's has one, nothing is missing: the client
 * is simply not wanted here, and must not be able to make everybody's next handshake a full one.
 */
function isUnknown(presented: readonly Uint8Array[], { trust, now }: AdmissionOptions): boolean {
  const anyBundle = { id: 'any bundle', bundles: trust.bundleNames };
  const verdict = judge({ presented, resumed: true }, anyBundle, trust.state, now());
  return !verdict.ok && verdict.incomplete === true;
}

function register(verdict: Accepted, host: HostConfig, options: AdmissionOptions): Admission {
  let connection: ConnectionHandle | undefined;
  const registration = options.trust.register.add(verdict, host.key, (reason) => {
    options.onEnded(reason);
    connection?.kill(reason);
  });
  if (!registration.ok) return refused(registration, options);
  const { handle } = registration;
  return {
    kind: 'serve',
    peer: { kind: 'accepted', identity: verdict.identity, handle },
    attach(made) {
      connection = made;
      if (handle.ended !== undefined) made.kill(handle.ended);
      void made.closed.then(() => handle.close());
    },
    abandon: () => handle.close(),
  };
}

function refused(verdict: Refused, options: AdmissionOptions): Admission {
  options.onRefused(verdict.code);
  const { code, detail, mend, identity } = verdict;
  return serve({ kind: 'refused', code, detail, mend, identity });
}

function serve(peer: Peer): Admission {
  return { kind: 'serve', peer, attach: () => undefined, abandon: () => undefined };
}
