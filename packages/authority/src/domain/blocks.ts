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

/** Questions about blocked names. */
export interface BlockReader {
  /** The blocks of any of these names. */
  blocksOf(names: readonly string[]): Promise<StoredBlock[]>;
  blocks(): Promise<StoredBlock[]>;
}

/** Changes of blocked names. */
export interface BlockWriter {
  /** Blocks a name; one that is blocked for this holder already stays so. */
  addBlock(block: StoredBlock): Promise<void>;
  /** Ends the blocks of a holder. */
  removeBlocks(holder: string): Promise<void>;
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

/** Why nobody gets a certificate of these names now, or undefined while they may. */
export async function blockedNames(
  tx: StoreReader,
  wanted: Pick<StoredCertificate, 'name' | 'sans'>,
): Promise<Refused | undefined> {
  const [block] = await tx.blocksOf(namesOf(wanted));
  if (block === undefined) return undefined;
  const { name, holder, reason } = block;
  const mend = `an administrator ends that with: countersign allow ${JSON.stringify(holder)}`;
  return refuse('identity_blocked', `${name} is blocked since a certificate of it was revoked (${reason}); ${mend}`);
}

/** Lets a holder's names get certificates again. Refuses with `not_blocked`. */
export function allow(
  store: Store,
  now: number,
  holder: string,
  actor: AuditActor,
): Promise<Outcome<{ names: readonly string[] }>> {
  return store.write(async (tx) => {
    const names = (await tx.blocks()).filter((block) => block.holder === holder).map(({ name }) => name);
    if (names.length === 0) return refuse('not_blocked', `${JSON.stringify(holder)} is not blocked`);
    await tx.removeBlocks(holder);
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
