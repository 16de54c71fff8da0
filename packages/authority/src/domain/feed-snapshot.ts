import { createHash } from 'node:crypto';
import { formatCursor, snapshotSigning } from '@countersign/protocol';
import type { RevocationEntry } from '@countersign/protocol';
import { readBundle } from './bundle.ts';
import { revokedCas } from './crl/root.ts';
import type { Clock, Store, StoredRevocation, StoreReader } from './ports.ts';

/** Signs the claims of a snapshot as a compact JWS. */
export type SnapshotSigner = (claims: {
  epoch: string;
  seq: number;
  issuedAt: number;
  sha256: string;
}) => Promise<string>;

/** How many revocations are read, written and hashed in one go. */
const pageSize = 1000;

/** How old a snapshot may be that somebody gets who comes later; what has changed since follows it. */
export const snapshotAgeMs = 10_000;

const day = 86_400_000;

/**
 * From which end on a revoked certificate is told of: until the day after its end is over. Both sides forget by whole days, so that they
 * can hold their digests against each other.
 */
export function revocationsFrom(now: number): number {
  return (Math.floor(now / day) - 1) * day;
}

/** Every revocation that counts at `now`, by issuer, then serial, a page at a time: those of certificates, and those of issuing CAs. */
export async function* revocationPages(tx: StoreReader, now: number): AsyncGenerator<readonly StoredRevocation[]> {
  const from = revocationsFrom(now);
  let cas = (await revokedCas(tx)).filter(({ notAfter }) => notAfter >= from).toSorted(inOrder);
  let last: StoredRevocation | undefined;
  for (;;) {
    const page = await tx.revocationsAfter(last, from, pageSize);
    const end = page.length < pageSize ? undefined : page.at(-1);
    const between = end === undefined ? cas : cas.filter((ca) => inOrder(ca, end) < 0);
    cas = cas.slice(between.length);
    if (page.length + between.length > 0) yield between.length === 0 ? page : [...page, ...between].toSorted(inOrder);
    if (end === undefined) return;
    last = end;
  }
}

function inOrder(a: StoredRevocation, b: StoredRevocation): number {
  if (a.issuer !== b.issuer) return a.issuer < b.issuer ? -1 : 1;
  return a.serial < b.serial ? -1 : 1;
}

export function revocationEntry(revocation: StoredRevocation): RevocationEntry {
  const { issuer, serial, reason, revokedAt, notAfter } = revocation;
  const entry = { issuer, serial, reason, revokedAt, notAfter };
  return reason === 'certificateHold' ? { ...entry, hold: true } : entry;
}

/** A signed snapshot, written. */
export interface WrittenSnapshot {
  readonly epoch: string;
  readonly seq: number;
  readonly revocations: number;
  /** One line of JSON in UTF-8, its end included, in pieces. */
  readonly pieces: readonly Uint8Array[];
}

export interface SnapshotOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly sign: SnapshotSigner;
  /** Resolves when everybody else has had a turn. */
  readonly turn: () => Promise<unknown>;
}

interface Kept {
  readonly at: number;
  /** It is of this place in the feed or a later one. */
  readonly least: number;
  readonly written: Promise<WrittenSnapshot>;
}

/**
 * The one snapshot that everybody has who comes at about the same time: a thousand gateways that start at once cost one reading of the
 * store and one copy in memory.
 */
export class Snapshots {
  readonly #options: SnapshotOptions;
  #kept: Kept | undefined;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** A snapshot that is not older than `least`. `now` is a place that the store is known to have reached. */
  async get(least: number, now: number): Promise<WrittenSnapshot> {
    const at = this.#options.clock();
    const kept = this.#kept;
    if (kept !== undefined && Math.abs(at - kept.at) < snapshotAgeMs) {
      if (kept.least >= least) return kept.written;
      const written = await kept.written;
      if (written.seq >= least) return written;
    }
    const next: Kept = { at, least: now, written: writeSnapshot(this.#options, at) };
    this.#kept = next;
    try {
      return await next.written;
    } catch (error) {
      if (this.#kept === next) this.#kept = undefined;
      throw error;
    }
  }

  /** Lets go of one that nobody new will get. */
  tidy(): void {
    if (this.#kept !== undefined && Math.abs(this.#options.clock() - this.#kept.at) >= snapshotAgeMs) this.forget();
  }

  forget(): void {
    this.#kept = undefined;
  }
}

/** The whole signed state at one moment. It is written and hashed while it is read: at no time are there two forms of all of it. */
function writeSnapshot({ store, sign, turn }: SnapshotOptions, now: number): Promise<WrittenSnapshot> {
  return store.view(async (tx) => {
    const { epoch, seq } = await tx.state();
    const bundle = await readBundle(tx, now);
    const cursor = formatCursor(epoch, seq);
    const hash = createHash('sha256').update(snapshotSigning.head({ epoch, seq, issuedAt: now }));
    const head = JSON.stringify({ type: 'snapshot', cursor, epoch, seq, issuedAt: now });
    const pieces = [Buffer.from(`${head.slice(0, -1)},"revocations":[`)];
    let revocations = 0;
    for await (const page of revocationPages(tx, now)) {
      let text = '';
      let signed = '';
      for (const entry of page.map(revocationEntry)) {
        text += `${revocations === 0 ? '' : ','}${JSON.stringify(entry)}`;
        signed += snapshotSigning.entry(entry);
        revocations += 1;
      }
      hash.update(signed);
      pieces.push(Buffer.from(text));
      await turn();
    }
    hash.update(snapshotSigning.tail(revocations, bundle));
    const signature = await sign({ epoch, seq, issuedAt: now, sha256: hash.digest('hex') });
    pieces.push(Buffer.from(`],"bundle":${JSON.stringify(bundle)},"signature":${JSON.stringify(signature)}}\n`));
    return { epoch, seq, revocations, pieces };
  });
}
