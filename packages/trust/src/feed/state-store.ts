import { createHash } from 'node:crypto';
import type { Hash, KeyObject } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { buildAndValidate } from '@countersign/pki';
import type { Certificate, Crypto, TrustAnchor } from '@countersign/pki';

import { TrustError } from '../errors.ts';
import { readOptional, replaceFile } from '../files/durable.ts';
import { makeFolder } from '../files/make-folder.ts';
import { signJws, verifyJws } from '../jws/compact.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { FeedChange, FeedSnapshot } from './feed-event.ts';
import type { FeedAlarm, FeedState } from './feed-state.ts';

/** The `typ` of the seal's JWS. */
const SEAL_TYP = 'countersign-state';
const SNAPSHOT_FILE = 'snapshot.json';
const SEAL_FILE = 'seal';

/** With what a gateway seals its state: its own key and certificate chain (DER, leaf first). Asked anew for each seal. */
export interface Sealer {
  readonly key: KeyObject;
  readonly chain: readonly Uint8Array[];
}

export interface StateStoreOptions {
  /** Folder of its own; made where it is missing (0700). */
  readonly folder: string;
  readonly anchors: readonly TrustAnchor[];
  readonly crypto: Crypto;
  readonly sealer: () => Sealer;
  /** Whether the holder of this certificate, of a path to the anchors, may have sealed the state: a gateway by default. */
  readonly isSealer?: ((signer: Certificate) => boolean) | undefined;
}

/** What a stored state came to. */
export interface LoadedState {
  /** False: there was none (or none that can be believed); the feed must bring it. */
  readonly loaded: boolean;
  /** Why something of it was not believed. */
  readonly problems: readonly TrustError[];
  readonly alarms: readonly FeedAlarm[];
}

interface Save {
  readonly snapshot: FeedSnapshot | undefined;
  readonly lines: readonly Line[];
  readonly cursor: string;
  readonly at: number;
}

type Line = FeedChange | { readonly type: 'carried'; readonly revocations: readonly Revocation[] };

/**
 * The last verified state of the feed on disk: the authority's signed snapshot as it came, the changes since as they came,
 * and a seal, signed with the gateway's own key, over those changes, the cursor and the time at which it was fresh.
 *
 * One writer per folder. Calls are carried out one after the other; when one has resolved, what it saved survives a crash.
 */
export class StateStore {
  readonly #options: StateStoreOptions;
  #snapshotId = '';
  #hash: Hash = createHash('sha256');
  #length = 0;
  #owed: { readonly snapshot: FeedSnapshot | undefined; readonly lines: Line[] } = { snapshot: undefined, lines: [] };
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: StateStoreOptions) {
    this.#options = options;
  }

  /** Octets of changes since the snapshot: when they have grown large, a new snapshot is cheaper to start from. */
  get changesLength(): number {
    return this.#length;
  }

  /**
   * Replays the stored state into an empty `state`. A changed, cut or foreign file is not believed, and a problem says so;
   * revocations in changes that were not sealed yet are taken all the same: they can only refuse.
   *
   * @param now wall clock, milliseconds since the epoch.
   */
  load(state: FeedState, now: number): Promise<LoadedState> {
    return this.#queue(() => this.#load(state, now));
  }

  /**
   * Saves a snapshot that `state` has applied, and forgets the changes before it.
   *
   * @param at when the state was known to be fresh: milliseconds since the epoch.
   * @throws TrustError `state_unwritable`
   */
  saveSnapshot(snapshot: FeedSnapshot, state: FeedState, at: number): Promise<void> {
    const carried = [...state.carried()];
    const lines: Line[] = carried.length === 0 ? [] : [{ type: 'carried', revocations: carried }];
    return this.#save({ snapshot, lines, cursor: state.cursor ?? '', at });
  }

  /**
   * Saves changes that `state` has applied, in their order; none at all only renews the time.
   *
   * @throws TrustError `state_unwritable`
   */
  saveChanges(changes: readonly FeedChange[], state: FeedState, at: number): Promise<void> {
    const lines = changes.filter((change) => change.type !== 'heartbeat');
    return this.#save({ snapshot: undefined, lines, cursor: state.cursor ?? '', at });
  }

  /** What could not be written is owed: it is written with what comes next, so that a full disk leaves no gap. */
  #save({ snapshot, lines, cursor, at }: Save): Promise<void> {
    return this.#queue(async () => {
      if (snapshot !== undefined) this.#owed = { snapshot, lines: [] };
      this.#owed.lines.push(...lines);
      try {
        makeFolder(this.#options.folder);
        if (this.#owed.snapshot !== undefined) await this.#replaceSnapshot(this.#owed.snapshot);
        if (this.#snapshotId === '') throw new Error('there is no snapshot to which changes could belong');
        await this.#append(this.#owed.lines);
        this.#owed = { snapshot: undefined, lines: [] };
        await this.#seal(cursor, at);
      } catch (error) {
        const detail = `the trust state cannot be stored: ${error instanceof Error ? error.message : String(error)}`;
        throw new TrustError('state_unwritable', detail, { source: this.#options.folder, cause: error });
      }
    });
  }

  async #replaceSnapshot(snapshot: FeedSnapshot): Promise<void> {
    await replaceFile(join(this.#options.folder, SNAPSHOT_FILE), JSON.stringify(snapshot));
    const before = this.#changesPath();
    this.#snapshotId = snapshotIdOf(snapshot);
    this.#hash = createHash('sha256');
    this.#length = 0;
    this.#owed = { snapshot: undefined, lines: this.#owed.lines };
    if (before !== this.#changesPath()) await rm(before, { force: true });
  }

  async #load(state: FeedState, now: number): Promise<LoadedState> {
    const problems: TrustError[] = [];
    const alarms: FeedAlarm[] = [];
    const snapshot = await this.#readSnapshot(problems);
    if (snapshot === undefined) return { loaded: false, problems, alarms };
    const applied = state.apply(snapshot, now, snapshot.issuedAt);
    if (!applied.ok) return { loaded: false, problems: [...problems, applied.error], alarms };
    this.#snapshotId = snapshotIdOf(snapshot);

    const changes = await readOptional(this.#changesPath());
    const seal = await this.#readSeal(changes);
    const sealed = seal === undefined ? 0 : seal.length;
    if (seal === undefined)
      problems.push(new TrustError('state_malformed', 'the seal of the stored state is not valid'));
    for (const line of readLines(changes.subarray(0, sealed))) this.#replay(line, state, now, snapshot.issuedAt);
    if (seal !== undefined) state.confirm(seal.at);
    const rest = readLines(changes.subarray(sealed))
      .flatMap(revocationsOf)
      .filter((entry) => isCarried(state, entry));
    await this.#adopt(changes.subarray(0, sealed), rest);
    return { loaded: true, problems, alarms };
  }

  #replay(line: Line, state: FeedState, now: number, at: number): void {
    if (line.type === 'carried') state.carry(line.revocations);
    else state.apply(line, now, at);
  }

  /**
   * Goes on writing behind the part that is believed, and keeps the revocations that were not sealed yet; without their places in the
   * feed, so that what the authority says of those places again counts.
   */
  async #adopt(sealed: Uint8Array, rest: readonly Revocation[]): Promise<void> {
    this.#hash = createHash('sha256').update(sealed);
    this.#length = sealed.length;
    const lines: Line[] = rest.length === 0 ? [] : [{ type: 'carried', revocations: rest }];
    try {
      await this.#append(lines);
    } catch {
      this.#owed.lines.push(...lines);
    }
  }

  async #readSnapshot(problems: TrustError[]): Promise<FeedSnapshot | undefined> {
    const path = join(this.#options.folder, SNAPSHOT_FILE);
    try {
      const { buffer, byteOffset, byteLength } = await readOptional(path);
      // Not copied: there may be many megabytes.
      const value: unknown = JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString('utf8') || 'null');
      if (value === null) return undefined;
      if (isSnapshot(value)) return value;
      problems.push(new TrustError('state_malformed', 'is no snapshot', { source: path }));
    } catch (error) {
      problems.push(new TrustError('state_malformed', 'cannot be read', { source: path, cause: error }));
    }
    return undefined;
  }

  async #readSeal(changes: Uint8Array): Promise<{ length: number; at: number } | undefined> {
    const text = Buffer.from(await readOptional(join(this.#options.folder, SEAL_FILE))).toString('utf8');
    const jws = verifyJws(text.trim(), SEAL_TYP);
    if (jws === undefined) return undefined;
    const { snapshot, sha256, length, at } = jws.payload;
    if (snapshot !== this.#snapshotId || typeof length !== 'number' || typeof at !== 'number') return undefined;
    if (!(length >= 0 && length <= changes.length)) return undefined;
    if (createHash('sha256').update(changes.subarray(0, length)).digest('hex') !== sha256) return undefined;
    const [signer, ...intermediates] = jws.chain;
    const { anchors, crypto } = this.#options;
    // The gateway's certificate may have ended since it sealed: it counts when it was good then.
    const result = buildAndValidate(signer, { anchors, intermediates, time: at, purpose: 'any', crypto });
    const { isSealer = isGateway } = this.#options;
    return result.ok && isSealer(signer) ? { length, at } : undefined;
  }

  async #append(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return;
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const file = await open(this.#changesPath(), 'a', 0o600);
    try {
      // What an attempt that failed has left of a line.
      await file.truncate(this.#length);
      await file.appendFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#hash.update(bytes);
    this.#length += bytes.length;
  }

  async #seal(cursor: string, at: number): Promise<void> {
    const sha256 = this.#hash.copy().digest('hex');
    const payload = { snapshot: this.#snapshotId, cursor, at, length: this.#length, sha256 };
    const seal = signJws({ typ: SEAL_TYP, payload }, this.#options.sealer());
    await replaceFile(join(this.#options.folder, SEAL_FILE), `${seal}\n`);
  }

  /** Each snapshot has a file of changes of its own, so that replacing both takes no more than one rename. */
  #changesPath(): string {
    return join(this.#options.folder, `changes-${this.#snapshotId}.ndjson`);
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function isGateway({ profile }: Certificate): boolean {
  return profile === 'gateway';
}

/** Nobody vouches for these lines: one that makes no sense is passed over. */
function isCarried(state: FeedState, revocation: Revocation): boolean {
  try {
    state.carry([revocation]);
    return true;
  } catch {
    return false;
  }
}

function revocationsOf(line: Line): readonly Revocation[] {
  if (line.type === 'carried') return line.revocations;
  if (line.type !== 'revoked') return [];
  const { issuer: issuerKeyHash, serial: serialHex, reason, revokedAt, notAfter } = line;
  return [{ issuerKeyHash, serialHex, reason, revokedAt, notAfter }];
}

function snapshotIdOf(snapshot: FeedSnapshot): string {
  return createHash('sha256').update(snapshot.signature).digest('hex').slice(0, 32);
}

function isSnapshot(value: unknown): value is FeedSnapshot {
  if (typeof value !== 'object' || value === null) return false;
  const { type, revocations, bundle, signature } = value as Partial<FeedSnapshot>;
  return (
    type === 'snapshot' && Array.isArray(revocations) && typeof bundle === 'object' && typeof signature === 'string'
  );
}

/** Whole lines only: the last may have been cut by a crash. */
function readLines(bytes: Uint8Array): Line[] {
  const lines: Line[] = [];
  for (const text of Buffer.from(bytes).toString('utf8').split('\n')) {
    try {
      if (text !== '') lines.push(JSON.parse(text) as Line);
    } catch {
      // What follows a cut line was never sealed either.
      break;
    }
  }
  return lines;
}
