import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { feedEventSchema, formatCursor, parseCursor, snapshotSigningInput } from '../src/index.ts';
import type { SnapshotEvent } from '../src/index.ts';

const epoch = 'a1'.repeat(8);
const issuer = 'c'.repeat(64);

describe('feed cursors', () => {
  it('read back as they were written', () => {
    assert.deepEqual(parseCursor(formatCursor(epoch, 42)), { epoch, seq: 42 });
  });

  it('are refused when they are anything else', () => {
    for (const text of ['', ':', `${epoch}:`, `${epoch}:-1`, `${epoch}:1e3`, 'XYZ:1', `${epoch}:1:2`, `${epoch}:1\n`]) {
      assert.equal(parseCursor(text), undefined, JSON.stringify(text));
    }
  });
});

describe('feed lines', () => {
  it('are told apart by their type and refused with a field too many', () => {
    const line = {
      type: 'revoked',
      cursor: `${epoch}:1`,
      issuer,
      serial: 'ab',
      reason: 'superseded',
      revokedAt: 1,
      notAfter: 2,
    };
    assert.equal(feedEventSchema.parse(line).type, 'revoked');
    assert.equal(feedEventSchema.safeParse({ ...line, extra: 1 }).success, false);
    assert.equal(feedEventSchema.safeParse({ ...line, type: 'other' }).success, false);
  });
});

describe('snapshotSigningInput', () => {
  const snapshot: Pick<SnapshotEvent, 'epoch' | 'seq' | 'issuedAt' | 'revocations' | 'bundle'> = {
    epoch,
    seq: 3,
    issuedAt: 1000,
    revocations: [{ issuer, serial: 'ab', reason: 'certificateHold', revokedAt: 1, notAfter: 2, hold: true }],
    bundle: { anchors: ['-----BEGIN A'], intermediates: [], generation: 1 },
  };
  const text = (value: typeof snapshot): string => [...snapshotSigningInput(value)].join('');

  it('changes with every field that a reader relies on', () => {
    const [entry] = snapshot.revocations;
    assert.ok(entry);
    const changed: (typeof snapshot)[] = [
      { ...snapshot, epoch: 'b2'.repeat(8) },
      { ...snapshot, seq: 4 },
      { ...snapshot, issuedAt: 1001 },
      { ...snapshot, revocations: [] },
      { ...snapshot, revocations: [{ ...entry, serial: 'ac' }] },
      { ...snapshot, revocations: [{ ...entry, reason: 'unspecified' }] },
      { ...snapshot, revocations: [{ ...entry, notAfter: 3 }] },
      { ...snapshot, revocations: [{ ...entry, hold: undefined }] },
      { ...snapshot, bundle: { ...snapshot.bundle, generation: 2 } },
      { ...snapshot, bundle: { ...snapshot.bundle, intermediates: ['-----BEGIN B'] } },
    ];
    const texts = new Set([text(snapshot), ...changed.map(text)]);
    assert.equal(texts.size, changed.length + 1);
  });

  it('does not depend on the order of keys', () => {
    const reordered = { bundle: snapshot.bundle, revocations: snapshot.revocations, issuedAt: 1000, seq: 3, epoch };
    assert.equal(text(reordered), text(snapshot));
  });
});
