import { randomBytes } from 'node:crypto';
import { RevocationIndex } from '@countersign/trust';
import { measure } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { rowsOf } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';

/** What a look into the gateway's index costs where so many are revoked, beside one into an empty index, and what it holds. */
export async function benchIndex(count: number, options: MeasureOptions): Promise<Result> {
  const issuer = 'a1'.repeat(32);
  const serials = Array.from({ length: 1000 }, () => `01${randomBytes(15).toString('hex')}`);
  const empty = new RevocationIndex();
  const before = heldBytes();
  const full = new RevocationIndex();
  const now = Date.now();
  for (let i = 0; i < count; i++) {
    const serialHex = `01${randomBytes(15).toString('hex')}`;
    full.set({
      issuerKeyHash: issuer,
      serialHex,
      reason: 'superseded',
      revokedAt: now,
      notAfter: now + 90 * 86_400_000,
    });
  }
  const megabytes = (heldBytes() - before) / 1e6;
  let at = 0;
  const look = (index: RevocationIndex) => () => index.has(issuer, serials[at++ % serials.length] ?? '');
  const none = 'none revoked';
  const measured = await measure(
    {
      name: 'index',
      against: none,
      contenders: [
        { name: none, run: look(empty) },
        { name: `${count.toLocaleString('en-US')} revoked`, run: look(full) },
      ],
    },
    options,
  );
  return {
    name: 'a look into the revocation index, for a certificate that is good',
    rows: rowsOf(measured, none),
    claims: [{ words: `the index holds at most 40 MB: ${megabytes.toFixed(1)} MB`, held: megabytes <= 40 }],
  };
}

function heldBytes(): number {
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}
