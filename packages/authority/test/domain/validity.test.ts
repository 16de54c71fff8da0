import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideValidity } from '../../src/domain/validity.ts';

const now = Date.UTC(2026, 5, 1, 12);
const day = 86_400_000;
const far = now + 1000 * day;

describe('decideValidity', () => {
  it('begins five minutes ago and lasts the lifetime of the profile from now', () => {
    const validity = decideValidity(now + 999, 30 * 86_400, {}, far);
    assert.ok(validity.ok);
    assert.equal(validity.notBefore, now - 300_000);
    assert.equal(validity.notAfter, now + 30 * day);
    assert.equal(validity.shortened, undefined);
  });

  it('never outlives the issuer, and says so', () => {
    const validity = decideValidity(now, 30 * 86_400, {}, now + 10 * day);
    assert.ok(validity.ok);
    assert.equal(validity.notAfter, now + 10 * day);
    assert.equal(validity.shortened?.because, 'issuer');
    assert.equal(validity.shortened?.requestedNotAfter, new Date(now + 30 * day).toISOString());
    assert.equal(validity.lifetimeSeconds, 30 * 86_400);
  });

  it('makes expired certificates where they are asked for', () => {
    const both = decideValidity(now, 86_400, { notBefore: now - 2 * day, notAfter: now - day }, far);
    assert.ok(both.ok);
    assert.deepEqual([both.notBefore, both.notAfter, both.lifetimeSeconds], [now - 2 * day, now - day, 86_400]);
    const end = decideValidity(now, 86_400, { notAfter: now - day }, far);
    assert.ok(end.ok);
    assert.ok(end.notBefore < end.notAfter);
  });

  it('refuses what is no validity', () => {
    for (const request of [
      { notBefore: now, notAfter: now },
      { notBefore: now, notAfter: now - 1 },
      { notAfter: now + day, lifetimeSeconds: 60 },
      { notBefore: Date.UTC(1900, 0, 1), notAfter: now + day },
      { notAfter: Date.UTC(12_000, 0, 1) },
      { notBefore: far + day, lifetimeSeconds: 60 },
    ]) {
      const validity = decideValidity(now, 86_400, request, far);
      assert.equal(validity.ok ? 'ok' : validity.code, 'validity_invalid', JSON.stringify(request));
    }
  });
});
