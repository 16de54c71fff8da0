import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedEventSchema } from '@countersign/protocol';
import { readFeedEvent, TrustError } from '@countersign/trust';
import * as fc from 'fast-check';

const cursor = `${'0'.repeat(16)}:7`;
const revocation = { issuer: 'ab'.repeat(32), serial: '0a', reason: 'keyCompromise', revokedAt: 1, notAfter: 2 };
const bundle = { generation: 1, anchors: ['-----BEGIN CERTIFICATE-----'], intermediates: [] };
const lines: readonly Readonly<Record<string, unknown>>[] = [
  { type: 'heartbeat', cursor, at: 1 },
  { type: 'heartbeat', cursor, at: 1, digest: `12-${'ab'.repeat(16)}` },
  { type: 'revoked', cursor, ...revocation },
  { type: 'revoked', cursor, ...revocation, hold: true },
  { type: 'released', cursor, ...revocation },
  { type: 'bundle', cursor, bundle },
  {
    type: 'snapshot',
    cursor,
    epoch: '0'.repeat(16),
    seq: 7,
    issuedAt: 1,
    revocations: [revocation, { ...revocation, hold: true }],
    bundle,
    signature: 'a.b.c',
  },
];

/** What a reader makes of a line: what it takes, or that it refuses. */
const bySchema = (line: unknown): unknown => {
  const checked = feedEventSchema.safeParse(line);
  return checked.success ? checked.data : 'refused';
};
const byReader = (line: unknown): unknown => {
  try {
    return readFeedEvent(line);
  } catch (error) {
    if (error instanceof TrustError && error.code === 'feed_malformed') return 'refused';
    throw error;
  }
};

test('the reader without a schema library takes every kind of line as it is', () => {
  for (const line of lines) {
    assert.deepEqual(byReader(line), line);
    assert.deepEqual(bySchema(line), line);
  }
});

test('it takes and refuses what the schema of the wire contract does, whatever is changed in a line', () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      true,
      -1,
      0.5,
      2 ** 53,
      '',
      'x',
      [],
      [1],
      {},
      '0A',
      `${'f'.repeat(16)}:1`,
    ),
    fc.string(),
    fc.integer(),
    fc.jsonValue(),
  );
  const paths = lines.flatMap((line, index) => pathsOf(line).map((path) => ({ index, path })));
  fc.assert(
    fc.property(fc.constantFrom(...paths), value, fc.boolean(), ({ index, path }, other, drops) => {
      // As it comes over the wire: JSON knows no undefined.
      const line: unknown = JSON.parse(
        JSON.stringify(changed(lines[index], path, drops ? null : other, drops)) ?? 'null',
      );
      assert.deepEqual(byReader(line), bySchema(line), JSON.stringify(line));
    }),
    { numRuns: 3000 },
  );
  for (const line of lines) {
    for (const name of ['other', '__proto__', 'constructor']) {
      const grown: unknown = JSON.parse(JSON.stringify(line).replace('{', `{"${name}":1,`));
      assert.equal(byReader(grown), 'refused', name);
      assert.equal(bySchema(grown), 'refused', name);
    }
  }
  for (const nothing of [null, undefined, 1, 'x', [], [lines[0]], {}]) assert.equal(byReader(nothing), 'refused');
});

function pathsOf(value: unknown, prefix: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  return [prefix, ...Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, [...prefix, name]))];
}

function changed(value: unknown, [name, ...rest]: readonly string[], other: unknown, drops: boolean): unknown {
  if (name === undefined) return other;
  const copy = structuredClone(value) as Record<string, unknown>;
  if (rest.length === 0 && drops && !Array.isArray(copy)) delete copy[name];
  else copy[name] = changed(copy[name], rest, other, drops);
  return copy;
}
