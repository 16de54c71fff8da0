import assert from 'node:assert/strict';
import { test } from 'node:test';

import { firstRefusal, isRefusalCode, REFUSAL_CODES, refusal } from '../../src/index.ts';

test('the codes, their order and their status are the contract’s', () => {
  const told = REFUSAL_CODES.map((code) => `${refusal(code).status} ${code}`);
  assert.deepEqual(told, [
    '401 no_certificate',
    '403 malformed_certificate',
    '403 untrusted_issuer',
    '403 weak_key',
    '403 not_yet_valid',
    '403 expired',
    '403 wrong_usage',
    '403 name_not_permitted',
    '403 constraint_violated',
    '403 revoked',
    '403 revocation_unknown',
    '403 not_allowed',
    '421 misdirected',
    '400 bad_request',
    '502 upstream_unreachable',
    '502 upstream_invalid',
    '504 upstream_timeout',
    '503 revocation_stale',
    '503 starting',
  ]);
});

test('every code has a title and advice of its own', () => {
  assert.equal(new Set(REFUSAL_CODES.map((code) => refusal(code).title)).size, REFUSAL_CODES.length);
  for (const code of REFUSAL_CODES) assert.match(refusal(code).mend, /^[A-Z].*\.$/);
});

test('the first in the order is told when several hold', () => {
  assert.equal(firstRefusal(['revoked', 'expired', 'not_allowed']), 'expired');
  assert.equal(firstRefusal([]), undefined);
  assert.ok(isRefusalCode('expired'));
  assert.equal(isRefusalCode('constructor'), false);
});
