import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lintCrl, parseCrl, verifySignature } from '@countersign/pki';
import type { Crl } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { CrlPublisher } from '../../src/domain/crl/publisher.ts';
import type { PublisherContext } from '../../src/domain/crl/publisher.ts';
import { partitionOf } from '../../src/domain/crl/scopes.ts';
import type { CrlScope, StoredCrl, StoreReader } from '../../src/domain/ports.ts';
import type { TestDomain } from './context.ts';

/** The octets of a CRL in force. */
export async function octetsOfCrl(store: StoreReader, issuer: string, scope: CrlScope): Promise<Uint8Array> {
  const crl = await store.crl(issuer, scope);
  assert.ok(crl, `there is a CRL of ${scope}`);
  const pieces: Uint8Array[] = [];
  for (let length = 0; length < crl.bytes;) {
    const piece = await store.crlPiece(issuer, scope, crl.number, pieces.length);
    assert.ok(piece, `piece ${pieces.length} of CRL ${crl.number} is there`);
    pieces.push(piece);
    length += piece.length;
  }
  return Buffer.concat(pieces);
}

/** Timers that run when the test says so. */
export interface TestTimers {
  readonly after: PublisherContext['after'];
  /** The delays of those that wait. */
  delays(): number[];
  /** Runs all that wait. */
  run(): void;
}

export function testTimers(): TestTimers {
  const waiting = new Map<object, { ms: number; callback: () => void }>();
  return {
    after: (ms, callback) => {
      const timer = {};
      waiting.set(timer, { ms, callback });
      return () => waiting.delete(timer);
    },
    delays: () => [...waiting.values()].map(({ ms }) => ms),
    run: () => {
      const due = [...waiting.values()];
      waiting.clear();
      for (const { callback } of due) callback();
    },
  };
}

/** A publisher for the issuing CA of a domain; what fails fails the test. */
export function testPublisher(domain: TestDomain, timers = testTimers()): CrlPublisher {
  return new CrlPublisher({
    store: domain.store,
    clock: domain.clock.now,
    after: timers.after,
    shortEntries: 40,
    cas: () => domain.cas.issuing,
    onFailure: (error) => {
      throw error;
    },
  });
}

/** The CRL in force, parsed; it has to be signed by the issuing CA and to have no fault at all. */
export async function currentCrl(domain: TestDomain, scope: CrlScope): Promise<Crl> {
  const [ca] = domain.cas.issuing;
  assert.ok(ca);
  const crl = parseCrl(await octetsOfCrl(domain.store, ca.keyHash, scope));
  assert.ok(verifySignature(crl, ca.certificate.spki, nodeCrypto).ok);
  const faults = lintCrl(crl, { issuer: ca.certificate, maxLifetimeSeconds: 72 * 3600 });
  assert.deepEqual(faults, [], `${scope}`);
  return crl;
}

/** The head of the CRL in force. */
export async function currentHead(domain: TestDomain, scope: CrlScope): Promise<StoredCrl> {
  const crl = await domain.store.crl(domain.cas.issuing[0]?.keyHash ?? '', scope);
  assert.ok(crl);
  return crl;
}

/** Serial numbers of the entries, in their order, with their reasons. */
export function entriesOf(crl: Crl): [string, string][] {
  const found: [string, string][] = [];
  crl.forEachEntry((entry) => {
    found.push([entry.serialHex, entry.reason]);
  });
  return found;
}

export function serialsOf(crl: Crl): string[] {
  return entriesOf(crl).map(([serial]) => serial);
}

/** Revokes certificates that were never issued one by one: only what a CRL reads of them is true. */
export async function addRevoked(domain: TestDomain, count: number, prefix = 'revoked'): Promise<void> {
  const [ca] = domain.cas.issuing;
  assert.ok(ca);
  const now = domain.clock.now();
  const revocation = { reason: 'superseded', revokedAt: now } as const;
  await domain.store.write(async (tx) => {
    for (let i = 0; i < count; i++) {
      const name = `${prefix}-${i}`;
      const serialNumber = createHash('sha256').update(name).digest().subarray(0, 16);
      serialNumber[0] = 1;
      const serial = serialNumber.toString('hex');
      const partition = partitionOf(serialNumber, ca.partitions);
      const certificate = {
        issuer: ca.keyHash,
        serial,
        name,
        profile: 'client' as const,
        sans: [],
        partition,
        notBefore: now,
        notAfter: now + 90 * 86_400_000,
        lifetimeSeconds: 7_776_000,
        issuedAt: now,
        spkiSha256: serial,
        fingerprintSha256: serial,
        der: serialNumber,
      };
      await tx.addCertificate(certificate);
      const stored = await tx.certificate(ca.keyHash, serial);
      assert.ok(stored);
      await tx.revokeCertificate(stored.id, revocation);
      await tx.addChange(
        { type: 'revoked', issuer: ca.keyHash, serial, notAfter: stored.notAfter, ...revocation },
        now,
      );
      await tx.countCrlChange(ca.keyHash, partition);
      await tx.countCrlChange(ca.keyHash, 'full');
    }
  });
}
