// Authorities as processes that are killed and started again.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processEventSchema } from '@countersign/protocol';
import { decryptPrivateKey } from '@countersign/trust';
import { authorityProcess } from '../../src/index.ts';
import type { AuthorityOptions } from '../../src/index.ts';
import { passphrase } from './folder.ts';

/** One node. `await using` kills it for good. */
export class KilledNode implements AsyncDisposable {
  readonly #options: AuthorityOptions;
  #child: ChildProcess | undefined;
  #back: Promise<void> = Promise.resolve();
  /** `HOST:PORT` of the enrollment listener: another after each start, for while a node is down anybody may take its port. */
  enroll = '';
  admin = '';
  kills = 0;
  #up = false;

  constructor(options: Omit<AuthorityOptions, 'passphrase'>) {
    const free = { listen: '127.0.0.1:0', http: '127.0.0.1:0', publicHttp: 'http://ca.test', logLevel: 'silent' };
    this.#options = { passphrase, ...free, ...options };
  }

  async start(): Promise<this> {
    const child = fork(authorityProcess, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    child.send({ command: 'start', options: { ...this.#options, enroll: '127.0.0.1:0' } });
    const [message] = (await once(child, 'message')) as [unknown];
    const event = processEventSchema.parse(message);
    if (event.event !== 'listening') throw new Error(JSON.stringify(event));
    this.enroll = String(event.listen['enroll']);
    this.admin = String(event.listen['admin']);
    this.#up = true;
    return this;
  }

  /** Whether it was started and not killed since. */
  get up(): boolean {
    return this.#up;
  }

  /** SIGKILL, and another start. */
  killAndStart(): void {
    this.kills += 1;
    this.#up = false;
    this.#back = this.#kill().then(async () => void (await this.start()));
    // Whoever waits for it is told; nobody needs to wait.
    this.#back.catch(() => undefined);
  }

  /** Resolves when it is there again. */
  back(): Promise<void> {
    return this.#back;
  }

  async #kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#back.catch(() => undefined);
    await this.#kill();
  }
}

/** Encrypts the keys of a data folder anew, with a derivation that takes no time: nothing guards them here, and each start opens them. */
export async function openQuickly(dataDir: string): Promise<void> {
  for (const file of globSync('**/*.key', { cwd: dataDir })) {
    const path = join(dataDir, file);
    const opened = await decryptPrivateKey(readFileSync(path, 'latin1'), passphrase).catch(() => undefined);
    // The root's has another passphrase.
    if (opened?.ok !== true) continue;
    writeFileSync(path, opened.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }));
  }
}

/** Numbers that look random, the same for the same seed (mulberry32). */
export function seededInt(seed: number): (from: number, to: number) => number {
  let state = seed;
  return (from, to) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return from + (((mixed ^ (mixed >>> 14)) >>> 0) % (to - from));
  };
}
