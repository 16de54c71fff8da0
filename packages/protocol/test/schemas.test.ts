import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import {
  auditSigningInput,
  certificateRequestSchema,
  normalizeSerial,
  problemKinds,
  revocationRequestSchema,
  routes,
  serialInputSchema,
  serialSchema,
} from '../src/index.ts';

describe('serial numbers', () => {
  it('have one form, however they were pasted', () => {
    for (const text of ['0a:Bc:01', '0ABC01', 'abc01', '00:00:0a:bc:01']) {
      assert.ok(serialInputSchema.safeParse(text).success, text);
      assert.equal(normalizeSerial(text), '0abc01');
    }
    assert.equal(normalizeSerial('0'), '00');
    assert.ok(serialSchema.safeParse(normalizeSerial('0')).success);
  });

  it('are refused when they are none', () => {
    for (const text of ['', ':', 'xy', '0a:', ':0a', '0a::0b', 'demo'])
      assert.equal(serialInputSchema.safeParse(text).success, false, text);
  });
});

describe('POST /v1/revocations', () => {
  it('names exactly one thing', () => {
    assert.equal(revocationRequestSchema.parse({ name: 'demo' }).reason, 'unspecified');
    assert.equal(revocationRequestSchema.safeParse({}).success, false);
    assert.equal(revocationRequestSchema.safeParse({ name: 'demo', serial: 'ab' }).success, false);
  });

  it('takes the reasons of RFC 5280 and no other', () => {
    assert.equal(revocationRequestSchema.safeParse({ name: 'demo', reason: 'keyCompromise' }).success, true);
    assert.equal(revocationRequestSchema.safeParse({ name: 'demo', reason: 'removeFromCRL' }).success, false);
    assert.equal(revocationRequestSchema.safeParse({ name: 'demo', reason: 'because' }).success, false);
  });
});

describe('POST /v1/certificates', () => {
  it('refuses unknown fields, so that a misspelt limit never passes unseen', () => {
    const request = { name: 'a', profile: 'client', csr: '-----BEGIN CERTIFICATE REQUEST-----' };
    assert.equal(certificateRequestSchema.safeParse(request).success, true);
    assert.equal(certificateRequestSchema.safeParse({ ...request, lifetime: 3 }).success, false);
    assert.equal(certificateRequestSchema.safeParse({ ...request, name: 'x'.repeat(65) }).success, false);
  });
});

describe('routes', () => {
  it('are each one method and path, and can be written as JSON Schema', () => {
    const seen = new Set(Object.values(routes).map((route) => `${route.method} ${route.path}`));
    assert.equal(seen.size, Object.keys(routes).length);
    for (const route of Object.values(routes)) {
      if ('response' in route) assert.ok(z.toJSONSchema(route.response));
      if ('body' in route) assert.ok(z.toJSONSchema(route.body, { io: 'input' }));
    }
  });
});

describe('problems', () => {
  it('have a status of an error and a title', () => {
    for (const [code, kind] of Object.entries(problemKinds)) {
      assert.match(code, /^[a-z_]+$/u);
      assert.ok(kind.status >= 400 && kind.status < 600, code);
      assert.ok(kind.title.length > 0, code);
    }
  });
});

describe('auditSigningInput', () => {
  it('covers every field', () => {
    const record = {
      seq: 1,
      at: '2026-01-01T00:00:00.000Z',
      action: 'token.created',
      actor: { kind: 'admin', name: 'a' },
      details: { name: 'x' },
      previousHash: '0'.repeat(64),
    } as const;
    const texts = new Set([
      auditSigningInput(record),
      auditSigningInput({ ...record, seq: 2 }),
      auditSigningInput({ ...record, at: '2026-01-01T00:00:00.001Z' }),
      auditSigningInput({ ...record, action: 'token.revoked' }),
      auditSigningInput({ ...record, actor: { kind: 'admin', serial: 'a' } }),
      auditSigningInput({ ...record, details: {} }),
      auditSigningInput({ ...record, previousHash: '1'.repeat(64) }),
    ]);
    assert.equal(texts.size, 7);
  });
});
