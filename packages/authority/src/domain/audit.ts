import { hash } from 'node:crypto';
import { auditSigningInput } from '@countersign/protocol';
import type { AuditAction, AuditActor } from '@countersign/protocol';
import type { AuditDetails, StoredAudit, StoreReader, StoreWriter } from './ports.ts';

/** What the first record of a chain follows. */
const beginning = '0'.repeat(64);

/** Appends a record to the audit chain, in the transaction of what it tells about. */
export async function recordAudit(
  tx: StoreWriter,
  at: number,
  action: AuditAction,
  actor: AuditActor,
  details: AuditDetails,
): Promise<void> {
  const tail = await tx.auditTail();
  const record = { seq: (tail?.seq ?? 0) + 1, at, action, actor, details, previousHash: tail?.hash ?? beginning };
  await tx.addAudit({ ...record, hash: auditHash(record) });
}

function auditHash(record: Omit<StoredAudit, 'hash'>): string {
  const { at, details, ...rest } = record;
  // It is hashed as JSON, in which what is undefined is not there.
  const plain = { ...rest, at: new Date(at).toISOString(), details: details as AuditJson };
  return hash('sha256', auditSigningInput(plain));
}
type AuditJson = Parameters<typeof auditSigningInput>[0]['details'];

/** Where the audit chain is broken: the first record that does not follow from the one before it, or undefined when all do. */
export async function findAuditBreak(store: StoreReader): Promise<number | undefined> {
  let previous = { seq: 0, hash: beginning };
  for (;;) {
    const records = await store.auditAfter(previous.seq, 1000);
    if (records.length === 0) return undefined;
    for (const record of records) {
      const follows = record.seq === previous.seq + 1 && record.previousHash === previous.hash;
      if (!follows || record.hash !== auditHash(record)) return record.seq;
      previous = record;
    }
  }
}
