import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import * as fc from 'fast-check';

import { LiveRegister, RevocationIndex } from '../../src/index.ts';
import type { Accepted, LiveHandle, LiveRules, Refused, Verdict, VerdictCode } from '../../src/index.ts';

const CA = 'ca'.repeat(32);
const ROOT = '00'.repeat(32);

function accepted(serialHex: string, expiresAt: number, generation = 1): Accepted {
  const kind = { isCa: false, version: 3, issuerName: 'issuer', points: [], ocspUris: [], crlUris: [] } as const;
  const entry = { notBefore: 0, notAfter: expiresAt, ...kind };
  return {
    ok: true,
    identity: {
      subject: `CN=${serialHex}`,
      name: serialHex,
      sans: [],
      issuer: 'CN=CA',
      issuerKeyHash: CA,
      fingerprintSha256: serialHex.repeat(32),
      spkiSha256: serialHex.repeat(32),
      serialHex,
      profile: 'client',
      notBefore: 0,
      notAfter: expiresAt,
      leafDer: new Uint8Array(),
      chainDer: [],
    },
    path: [
      { issuerKeyHash: CA, serialHex, ...entry },
      { issuerKeyHash: ROOT, serialHex: '01', ...entry },
    ],
    anchorKeyHash: ROOT,
    bundle: 'own',
    expiresAt,
    generation,
  };
}

function refused(code: VerdictCode): Refused {
  return { ok: false, code, detail: code, mend: '' };
}

class Rules implements LiveRules {
  generation = 1;
  readonly index = new RevocationIndex();
  barred = new Set<string>();
  judged = 0;

  standing(verdict: Accepted): Refused | undefined {
    const hit = verdict.path.some((entry) => this.index.has(entry.issuerKeyHash, entry.serialHex));
    return hit ? refused('revoked') : undefined;
  }

  judge(verdict: Accepted): Verdict {
    this.judged += 1;
    return this.barred.has(verdict.identity.serialHex)
      ? refused('untrusted_issuer')
      : { ...verdict, generation: this.generation };
  }

  revoke(serialHex: string, issuerKeyHash = CA): void {
    this.index.set({ issuerKeyHash, serialHex, reason: 'unspecified', revokedAt: 0 });
  }
}

function setUp(): { rules: Rules; register: LiveRegister; clock: { now: number }; ends: string[] } {
  const rules = new Rules();
  const clock = { now: 1000 };
  return { rules, clock, ends: [], register: new LiveRegister({ rules, now: () => clock.now }) };
}

function open(register: LiveRegister, verdict: Accepted, ends: string[] = []): LiveHandle {
  const registration = register.add(verdict, 'p', (reason) => ends.push(`${verdict.identity.serialHex} ${reason}`));
  assert.ok(registration.ok);
  return registration.handle;
}

describe('LiveRegister', () => {
  test('ends every connection of a revoked certificate and no other', () => {
    const { register, rules, ends } = setUp();
    const first = open(register, accepted('0a', 9000), ends);
    open(register, accepted('0a', 9000), ends);
    open(register, accepted('0b', 9000), ends);
    rules.revoke('0a');
    assert.equal(register.revoked(CA, '0a'), 2);
    assert.deepEqual(ends, ['0a revoked', '0a revoked']);
    assert.equal(first.ended, 'revoked');
    assert.equal(register.size, 1);
    assert.equal(register.revoked(CA, '0a'), 0);
  });

  test('ends the connections below a revoked intermediate', () => {
    const { register, ends } = setUp();
    open(register, accepted('0a', 9000), ends);
    open(register, accepted('0b', 9000), ends);
    assert.equal(register.revoked(ROOT, '01'), 2);
    assert.equal(register.size, 0);
  });

  test('refuses to register what was revoked after the verdict', () => {
    const { register, rules, ends } = setUp();
    const verdict = accepted('0a', 9000);
    rules.revoke('0a');
    const registration = register.add(verdict, 'p', () => ends.push('ended'));
    assert.equal(registration.ok, false);
    assert.equal(!registration.ok && registration.code, 'revoked');
    assert.deepEqual(ends, []);
    assert.equal(register.size, 0);
  });

  test('judges anew at registration when the generation has moved since the verdict', () => {
    const { register, rules } = setUp();
    rules.generation = 2;
    rules.barred.add('0a');
    const barred = register.add(accepted('0a', 9000, 1), 'p', () => assert.fail('never registered'));
    assert.equal(!barred.ok && barred.code, 'untrusted_issuer');
    const other = register.add(accepted('0b', 9000, 1), 'p', () => undefined);
    assert.equal(other.ok && other.handle.verdict.generation, 2);
  });

  test('ends connections by the wall clock, also when it is stepped', () => {
    const { register, clock, ends } = setUp();
    open(register, accepted('0b', 90 * 86_400_000), ends);
    open(register, accepted('0a', 60_000), ends);
    assert.equal(register.sweep(), 0);
    clock.now = 60_000;
    assert.equal(register.sweep(), 0, 'notAfter itself is still within the validity');
    clock.now = 60_001;
    assert.equal(register.sweep(), 1);
    clock.now = 91 * 86_400_000;
    assert.equal(register.sweep(), 1);
    assert.deepEqual(ends, ['0a expired', '0b expired']);
  });

  test('judges the open connections anew and ends those that no longer stand', async () => {
    const { register, rules, ends } = setUp();
    for (let n = 0x10; n < 0xf0; n += 1) open(register, accepted(n.toString(16), 9000), ends);
    rules.generation = 2;
    rules.barred.add('20').add('e0');
    assert.equal(await register.rejudge(), 2);
    assert.deepEqual(ends, ['20 untrusted_issuer', 'e0 untrusted_issuer']);
    assert.equal(rules.judged, 0xe0);
    assert.equal(await register.rejudge(), 0);
    assert.equal(rules.judged, 0xe0, 'nothing is judged twice under one generation');
    assert.equal(register.revoked(CA, '21'), 1, 'still found under its serial');
  });

  test('takes in a change of the rules that comes while it judges', async () => {
    const rules = new Rules();
    const ends: string[] = [];
    let turns = 0;
    const yieldTurn = (): Promise<void> => {
      turns += 1;
      if (turns === 1) {
        rules.generation = 3;
        rules.barred.add('11');
      }
      return Promise.resolve();
    };
    const register = new LiveRegister({ rules, now: () => 0, yieldTurn });
    for (let n = 0x10; n < 0xf0; n += 1) open(register, accepted(n.toString(16), 9000), ends);
    rules.generation = 2;
    assert.equal(await register.rejudge(), 1);
    assert.deepEqual(ends, ['11 untrusted_issuer']);
    assert.equal(register.size, 0xdf);
  });

  test('ends the others when ending one throws', () => {
    const failures: unknown[] = [];
    const rules = new Rules();
    const register = new LiveRegister({ rules, now: () => 0, onEndFailed: (error) => failures.push(error) });
    const ends: string[] = [];
    register.add(accepted('0a', 9000), 'p', () => {
      throw new Error('socket');
    });
    open(register, accepted('0a', 9000), ends);
    assert.equal(register.revoked(CA, '0a'), 2);
    assert.deepEqual(ends, ['0a revoked']);
    assert.equal(failures.length, 1);
  });

  test('forgets a closed connection, and may be told twice', () => {
    const { register, ends } = setUp();
    const handle = open(register, accepted('0a', 9000), ends);
    handle.close();
    handle.close();
    assert.equal(register.size, 0);
    assert.equal(register.revoked(CA, '0a'), 0);
    assert.equal(handle.ended, undefined);
    assert.deepEqual(ends, []);
  });

  test('a connection that closes another while it is ended disturbs nothing', () => {
    const { register } = setUp();
    const second: { handle?: LiveHandle } = {};
    register.add(accepted('0a', 9000), 'p', () => second.handle?.close());
    second.handle = open(register, accepted('0a', 9000));
    assert.equal(register.revoked(CA, '0a'), 2);
    assert.equal(second.handle.ended, undefined);
    assert.equal(register.size, 0);
  });

  test('any sequence of openings, closings, revocations and time leaves only what stands', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('open' as const), serial: fc.integer({ min: 16, max: 40 }), life: fc.nat(500) }),
      fc.record({ kind: fc.constant('close' as const), serial: fc.integer({ min: 16, max: 40 }), life: fc.nat() }),
      fc.record({ kind: fc.constant('revoke' as const), serial: fc.integer({ min: 16, max: 40 }), life: fc.nat() }),
      fc.record({ kind: fc.constant('wait' as const), serial: fc.constant(16), life: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { register, rules, clock } = setUp();
        const open = new Map<LiveHandle, { serialHex: string; expiresAt: number }>();
        const revoked = new Set<string>();
        for (const { kind, serial, life } of steps) {
          const serialHex = serial.toString(16);
          if (kind === 'open') {
            const expiresAt = clock.now + life;
            const registration = register.add(accepted(serialHex, expiresAt), 'p', () => undefined);
            assert.equal(registration.ok, !revoked.has(serialHex));
            if (registration.ok) open.set(registration.handle, { serialHex, expiresAt });
          } else if (kind === 'close') {
            const [handle] = [...open].find(([, entry]) => entry.serialHex === serialHex) ?? [];
            handle?.close();
            if (handle !== undefined) open.delete(handle);
          } else if (kind === 'revoke') {
            rules.revoke(serialHex);
            revoked.add(serialHex);
            register.revoked(CA, serialHex);
          } else {
            clock.now += life;
            register.sweep();
          }
        }
        register.sweep();
        for (const [handle, { serialHex, expiresAt }] of open) {
          const stands = !revoked.has(serialHex) && expiresAt >= clock.now;
          assert.equal(handle.ended === undefined, stands);
        }
        assert.equal(register.size, [...open.keys()].filter((handle) => handle.ended === undefined).length);
      }),
      { numRuns: 80 },
    );
  });
});
