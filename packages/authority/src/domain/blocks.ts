import { blockingReasons } from '@countersign/protocol';
import type { AuditActor, BlockedIdentity, RevocationReason } from '@countersign/protocol';
import { recordAudit } from './audit.ts';
import { refuse } from './outcome.ts';
import type { Outcome, Refused } from './outcome.ts';
import type { Store, StoredCertificate, StoreReader, StoreWriter } from './ports.ts';

/** A name that nobody gets a certificate for, because of what became of its holder's. */
export interface StoredBlock {
  /** `cn:NAME`, `dns:HOST`, … */
  readonly name: string;
  /** What the holder of the revoked certificate was called. */
  readonly holder: string;
  readonly reason: RevocationReason;
  readonly serial: string;
  readonly blockedAt: number;
}

/** A revocation that stands, of whichever certificate of a name. */
export interface LastRevocation {
  readonly reason: RevocationReason;
  readonly revokedAt: number;
}

/** Questions about blocked names. */
export interface BlockReader {
  /** The blocks of any of these names. */
  blocksOf(names: readonly string[]): Promise<StoredBlock[]>;
  blocks(): Promise<StoredBlock[]>;
  blocksBy(holder: string): Promise<StoredBlock[]>;
  /** The last revocation of a holder's certificates that still stands, holds included and those as superseded left out. */
  lastRevocation(holder: string): Promise<LastRevocation | undefined>;
  /** Up to when the revocations of a holder's certificates close no door any more. */
  forgivenUntil(holder: string): Promise<number | undefined>;
}

/** Changes of blocked names. */
export interface BlockWriter {
  /** Blocks a name; one that is blocked for this holder already stays so. */
  addBlock(block: StoredBlock): Promise<void>;
  /** Ends the blocks of a holder. */
  removeBlocks(holder: string): Promise<void>;
  /** Lets the revocations before `until` close no door any more. */
  forgive(holder: string, until: number): Promise<void>;
}

const blocking: ReadonlySet<RevocationReason> = new Set(blockingReasons);

/** Every name of a certificate, in the form that blocks have. */
function namesOf({ name, sans }: Pick<StoredCertificate, 'name' | 'sans'>): string[] {
  return [...new Set([`cn:${name}`, ...sans.map(({ type, value }) => `${type}:${value}`)])];
}

/** In the transaction that revokes a certificate: blocks its names where the reason asks for that. */
export async function blockNames(
  tx: StoreWriter,
  certificate: StoredCertificate,
  reason: RevocationReason,
  now: number,
): Promise<void> {
  if (!blocking.has(reason)) return;
  const { name: holder, serial } = certificate;
  for (const name of namesOf(certificate)) await tx.addBlock({ name, holder, reason, serial, blockedAt: now });
}

/**
 * Why whoever asks gets no certificate of these names now, or undefined while he does: the one rule of all doors, asked where what comes of
 * it is stored. What the authority issues to itself is nobody's identity. A factory's certificate outlives every revocation, so to
 * its bearer any but `superseded` closes the door, and a hold does; whatever certificates the name gets elsewhere meanwhile open nothing.
 */
export async function blockedNames(
  tx: StoreReader,
  wanted: Pick<StoredCertificate, 'name' | 'sans'>,
  by: AuditActor['kind'],
): Promise<Refused | undefined> {
  if (by === 'authority') return undefined;
  const [block] = await tx.blocksOf(namesOf(wanted));
  if (block !== undefined) return isBlocked(block.name, block.holder, block.reason);
  const last = by === 'factory' ? await unforgiven(tx, wanted.name) : undefined;
  return last && isBlocked(`cn:${wanted.name}`, wanted.name, last.reason, ' for the certificates of factories');
}

function isBlocked(name: string, holder: string, reason: RevocationReason, where = ''): Refused {
  const mend = `an administrator ends that with: countersign allow ${JSON.stringify(holder)}`;
  const why = `since a certificate of it was revoked (${reason})`;
  return refuse('identity_blocked', `${name} is blocked${where} ${why}; ${mend}`);
}

/** The last revocation of a holder that closes the doors of factories. */
async function unforgiven(tx: StoreReader, holder: string): Promise<LastRevocation | undefined> {
  const last = await tx.lastRevocation(holder);
  return last === undefined || last.revokedAt < ((await tx.forgivenUntil(holder)) ?? 0) ? undefined : last;
}

/** Lets a holder's names get certificates again, by the certificates of factories too. Refuses with `not_blocked`. */
export function allow(
  store: Store,
  now: number,
  holder: string,
  actor: AuditActor,
): Promise<Outcome<{ names: readonly string[] }>> {
  return store.write(async (tx) => {
    const blocked = (await tx.blocksBy(holder)).map(({ name }) => name);
    const last = await unforgiven(tx, holder);
    const names = blocked.length === 0 && last !== undefined ? [`cn:${holder}`] : blocked;
    if (names.length === 0) return refuse('not_blocked', `${JSON.stringify(holder)} is not blocked`);
    await tx.removeBlocks(holder);
    // What is revoked at this moment was so before.
    if (last !== undefined) await tx.forgive(holder, Math.max(now, last.revokedAt + 1));
    await recordAudit(tx, now, 'identity.allowed', actor, { name: holder, names });
    return { ok: true as const, names };
  });
}

/** Who is blocked: one entry for each holder, by name. */
export function blockedIdentities(blocks: readonly StoredBlock[]): BlockedIdentity[] {
  return [...Map.groupBy(blocks, ({ holder }) => holder)].map(([name, own]) => {
    const [first] = own;
    return {
      name,
      names: own.map((block) => block.name),
      reason: first?.reason ?? 'unspecified',
      serial: first?.serial ?? '',
      blockedAt: new Date(first?.blockedAt ?? 0).toISOString(),
    };
  });
}
