// trust and protocol do not know each other: what both of them say of the wire is held together here.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as protocol from '@countersign/protocol';
import * as trust from '@countersign/trust';
import type { FeedEvent } from '@countersign/trust';

const issuer = 'ab'.repeat(32);
const epoch = '00ff'.repeat(4);
const state = {
  epoch,
  seq: 7,
  issuedAt: 1_800_000_000_000,
  revocations: [
    { issuer, serial: '0a', reason: 'keyCompromise' as const, revokedAt: 1, notAfter: 2 },
    { issuer, serial: '0b', reason: 'certificateHold' as const, revokedAt: 3, notAfter: 4, hold: true as const },
  ],
  bundle: {
    anchors: ['-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'],
    intermediates: [],
    generation: 3,
  },
};

test('the refusal codes are the same, in the same order', () => {
  assert.deepEqual([...trust.REFUSAL_CODES], [...protocol.refusalCodes]);
});

test('what a snapshot’s signature covers is the same', () => {
  assert.equal(trust.SNAPSHOT_TYP, protocol.snapshotJwsType);
  assert.equal([...trust.snapshotLines(state)].join(''), [...protocol.snapshotSigningInput(state)].join(''));
});

test('cursors are read and written alike', () => {
  const text = protocol.formatCursor(epoch, 12);
  assert.deepEqual(trust.readCursor(text), protocol.parseCursor(text));
  assert.equal(trust.writeCursor({ epoch, seq: 12 }), text);
  for (const bad of ['', 'x:1', `${epoch}:-1`, `${epoch}:1:2`, `${epoch}:${'9'.repeat(17)}`]) {
    assert.equal(trust.readCursor(bad), undefined);
    assert.equal(protocol.parseCursor(bad), undefined);
  }
});

test('every line of the feed is one that trust takes', () => {
  const revoked = { ...state.revocations[0], type: 'revoked', cursor: `${epoch}:8` };
  const lines: unknown[] = [
    { ...state, type: 'snapshot', cursor: `${epoch}:7`, signature: 'a.b.c' },
    revoked,
    { ...revoked, type: 'released' },
    { type: 'bundle', cursor: `${epoch}:9`, bundle: state.bundle },
    { type: 'heartbeat', cursor: `${epoch}:9`, at: 5 },
  ];
  for (const line of lines) {
    // The assignment is the test of the types; the parse is the one of the values.
    const event: FeedEvent = protocol.feedEventSchema.parse(line);
    assert.deepEqual(event, line);
  }
});

test('every reason of a revocation has the same number on both sides', () => {
  for (const [reason, number] of Object.entries(protocol.revocationReasonNumbers)) {
    assert.equal(trust.REVOCATION_REASONS[reason as trust.RevocationReason], number);
  }
});
