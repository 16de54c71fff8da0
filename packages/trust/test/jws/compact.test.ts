import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';

import { createRoot, TEST_TIME } from '@countersign/testkit';
import * as fc from 'fast-check';

import { KEY_KINDS } from '../../src/crypto/key-kinds.ts';
import { signJws, verifyJws } from '../../src/index.ts';

const root = await createRoot('Root', { now: TEST_TIME });
const signer = { key: root.key.privateKey, chain: [root.der] };
const text = signJws({ typ: 'test', payload: { n: 1 } }, signer);

describe('a signed statement', () => {
  for (const kind of KEY_KINDS) {
    test(`is verified under a key of the kind ${kind}`, async () => {
      const leaf = await root.issue('signer', { key: kind });
      const signed = signJws({ typ: 'test', payload: { n: 1 } }, { key: leaf.key.privateKey, chain: leaf.chain });
      const verified = verifyJws(signed, 'test');
      assert.deepEqual(verified?.payload, { n: 1 });
      assert.deepEqual(verified.chain[0].der, leaf.der);
    });
  }

  test('counts for nothing under another type, key or algorithm', async () => {
    assert.equal(verifyJws(text, 'other'), undefined);
    const other = await root.issue('other');
    const [head = '', body = '', signature = ''] = text.split('.');
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
    const withHeader = (changes: Record<string, unknown>): string =>
      `${Buffer.from(JSON.stringify({ ...header, ...changes })).toString('base64url')}.${body}.${signature}`;
    const lies = [
      withHeader({ x5c: [Buffer.from(other.der).toString('base64')] }),
      withHeader({ x5c: [] }),
      withHeader({ x5c: undefined }),
      withHeader({ x5c: 'x' }),
      withHeader({ x5c: [null] }),
      withHeader({ x5c: Array.from({ length: 9 }, () => Buffer.from(root.der).toString('base64')) }),
      withHeader({ alg: 'none' }),
      withHeader({ alg: 'HS256' }),
      withHeader({ alg: 'ES384' }),
      withHeader({ crit: ['exp'], exp: 1 }),
      `${head}.${body}.`,
      `${head}.${body}`,
      `${text}.x`,
      '',
      '..',
      'a'.repeat(2_000_000),
    ];
    for (const lie of lies) assert.equal(verifyJws(lie, 'test'), undefined, lie.slice(0, 200));
  });

  test('is broken by any change', () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('A', 'z', '.', ' ', '_'), (at, character) => {
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        const verified = verifyJws(changed, 'test');
        // The last character of base64url may carry bits that mean nothing.
        if (verified !== undefined)
          assert.deepEqual(
            Buffer.from(changed.split('.')[2] ?? '', 'base64url'),
            Buffer.from(text.split('.')[2] ?? '', 'base64url'),
          );
      }),
      { numRuns: 300 },
    );
  });

  test('is not made with a key that signs none', () => {
    const { privateKey } = generateKeyPairSync('x25519');
    assert.throws(() => signJws({ typ: 'test', payload: {} }, { key: privateKey, chain: [root.der] }), TypeError);
  });
});
