import { getHeapStatistics } from 'node:v8';
import { makeSeed, mutateDer } from './mutate-der.ts';
import type { Seed } from './mutate-der.ts';
import { mutateText } from './mutate-text.ts';
import { Random } from './random.ts';
import type { Finding, FuzzReport, FuzzTarget } from './target.ts';

export interface LoopOptions {
  readonly seed: number;
  /** The loop ends with the first of the two that is reached. */
  readonly iterations: number;
  readonly milliseconds: number;
  /** The loop ends with so many, too. */
  readonly maxFindings: number;
  /** Told before each input is tried, so that somebody else knows it when it does not come back. */
  readonly announce: (input: Uint8Array) => void;
}

const maxPool = 2000;
/** Of all seeds that were found on the way: a tree is far larger than its octets, and the pool must not fill the thread's memory. */
const maxPoolNodes = 100_000;
/** So many outcomes are told apart; after that the pool has what it needs. */
const maxBehaviours = 1_000_000;
/** Time and memory that an input may cost: something for each call, and something for each of its octets. */
const allowance = { ms: 300, msPerOctet: 0.02, bytes: 8 << 20, bytesPerOctet: 1024 } as const;

/**
 * Mutates seeds and feeds them to a target. An input whose outcome was not seen before becomes a seed itself. Findings of one kind and one
 * place are told once.
 */
export async function fuzzLoop(target: FuzzTarget, options: LoopOptions): Promise<FuzzReport> {
  const random = new Random(options.seed);
  const pool: Seed[] = target.seeds().map(makeSeed);
  const seeds = pool.length;
  if (seeds === 0) throw new Error(`no seeds for ${target.name}`);
  const state = new LoopState(target);
  const end = performance.now() + options.milliseconds;
  // The seeds themselves come first: what breaks on them would otherwise hide behind mutations.
  for (const { bytes } of pool) {
    options.announce(bytes);
    await state.attempt(bytes);
  }
  for (let i = 0; i < options.iterations && state.findings.size < options.maxFindings; i++) {
    if ((i & 31) === 0 && performance.now() > end) break;
    const seed = random.pick(pool);
    const input = target.form === 'der' ? mutateDer(seed, pool, random) : mutateText(seed.bytes, random);
    options.announce(input);
    const isNew = await state.attempt(input);
    if (isNew) keepSeed(pool, seeds, makeSeed(input), random);
  }
  const { iterations, accepted, compared, behaviours, findings } = state;
  return {
    target: target.name,
    seed: options.seed,
    seeds,
    iterations,
    accepted,
    compared,
    behaviours: behaviours.size,
    findings: [...findings.values()],
  };
}

/** Takes a seed in; some that were found before go at random where there are too many or too large ones. */
function keepSeed(pool: Seed[], given: number, seed: Seed, random: Random): void {
  let nodes = seed.nodes.length;
  for (let i = given; i < pool.length; i++) nodes += pool[i]?.nodes.length ?? 0;
  while (pool.length > given && (pool.length >= maxPool || nodes > maxPoolNodes)) {
    const index = given + random.below(pool.length - given);
    nodes -= pool[index]?.nodes.length ?? 0;
    const last = pool.pop();
    if (last !== undefined && index < pool.length) pool[index] = last;
  }
  pool.push(seed);
}

class LoopState {
  iterations = 0;
  accepted = 0;
  compared = 0;
  /** By hash: the texts of a long run would fill the thread's memory. */
  readonly behaviours = new Set<number>();
  readonly findings = new Map<string, Finding>();
  private readonly target: FuzzTarget;

  constructor(target: FuzzTarget) {
    this.target = target;
  }

  /** Tries one input; whether its outcome is a new one. */
  async attempt(input: Uint8Array): Promise<boolean> {
    this.iterations++;
    const before = allocatedBytes();
    const start = spentMs();
    let behaviour: string;
    let parsed: { value: unknown } | undefined;
    try {
      const result = this.target.run(input);
      parsed = { value: result instanceof Promise ? await result : result };
      behaviour = `accepted ${shapeOf(input)}`;
    } catch (error) {
      behaviour = describeError(error);
      if (!this.target.expected(error)) this.report('throw', stackOf(error), input);
    }
    const ms = spentMs() - start;
    const bytes = allocatedBytes() - before;
    if (ms > allowance.ms + input.length * allowance.msPerOctet) await this.confirmSlow(input);
    if (bytes > allowance.bytes + input.length * allowance.bytesPerOctet) {
      this.report('memory', `${bytes} octets for an input of ${input.length}`, input);
    }
    if (parsed !== undefined) await this.compare(input, parsed.value);
    const hash = hashOf(behaviour);
    if (this.behaviours.has(hash) || this.behaviours.size >= maxBehaviours) return false;
    this.behaviours.add(hash);
    return true;
  }

  /** Compiling and collecting garbage make anything slow once; nothing is slow three times by chance. */
  private async confirmSlow(input: Uint8Array): Promise<void> {
    let fastest = Infinity;
    for (let i = 0; i < 3; i++) {
      const start = spentMs();
      try {
        await this.target.run(input);
      } catch {
        // What it throws was judged the first time.
      }
      fastest = Math.min(fastest, spentMs() - start);
    }
    if (fastest > allowance.ms + input.length * allowance.msPerOctet) {
      this.report('slow', `${Math.round(fastest)} ms for an input of ${input.length} octets`, input);
    }
  }

  private async compare(input: Uint8Array, parsed: unknown): Promise<void> {
    const { compare, compareEvery = 1 } = this.target;
    if (this.accepted++ % compareEvery !== 0 || compare === undefined) return;
    this.compared++;
    const difference = await compare(input, parsed);
    if (difference !== undefined) this.report('different', difference, input);
  }

  private report(kind: Finding['kind'], detail: string, input: Uint8Array): void {
    const key = `${kind} ${detail.replaceAll(/[0-9]+/g, 'N')}`;
    if (!this.findings.has(key)) this.findings.set(key, { kind, detail, input: Uint8Array.from(input) });
  }
}

/** FNV-1a over 32 bits, twice with other beginnings: 53 bits are kept. */
function hashOf(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b);
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

/** The processor time of this thread in milliseconds: what it waits for a processor says nothing about an input. */
function spentMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function allocatedBytes(): number {
  const { total_allocated_bytes, external_memory } = getHeapStatistics();
  return (total_allocated_bytes ?? 0) + external_memory;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return `${error.name} ${code} ${error.message.replaceAll(/[0-9]+/g, 'N').slice(0, 120)}`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join('\n') : String(error);
}

/** The first tags of an input: two that are accepted and differ in them went different ways. */
function shapeOf(input: Uint8Array): string {
  let shape = '';
  for (let at = 0; at < input.length && shape.length < 80;) {
    const tag = input[at] ?? 0;
    const length = input[at + 1] ?? 0;
    shape += tag.toString(16).padStart(2, '0');
    at += length >= 0x80 ? 2 + (length & 0x7f) : 2;
    if ((tag & 0x20) === 0) at += length < 0x80 ? length : 0;
  }
  return shape;
}
