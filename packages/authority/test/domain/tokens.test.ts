import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { tokenPayloadSchema } from '@countersign/protocol';
import type { ProfileName, San } from '@countersign/protocol';
import { parseCertificate, pemDecode } from '@countersign/pki';
import { sha256Hex } from '../../src/domain/ca.ts';
import { revoke } from '../../src/domain/revocation.ts';
import { createToken, redeemToken } from '../../src/domain/tokens.ts';
import { readAdministratorOptions } from '../../src/running/administrator-options.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { newRequest } from '../support/keys.ts';
import { describeOnEachStore } from '../support/stores.ts';

const local = { kind: 'local' } as const;

describeOnEachStore('enrollment tokens', () => {
  let domain: TestDomain;
  beforeEach(async () => {
    domain = await testDomain();
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  async function token(name = 'node-1', ttlSeconds = 900): Promise<string> {
    const sans = [{ type: 'dns' as const, value: 'Node-1.Example' }];
    const made = await createToken(domain.context, { name, profile: 'device', sans, ttlSeconds }, local);
    assert.ok(made.ok);
    return made.token;
  }

  async function redeem(given: string): Promise<string> {
    const { csr } = await newRequest();
    const outcome = await redeemToken(domain.context, given, csr);
    return outcome.ok ? 'ok' : outcome.code;
  }

  it('say what they are for, and whose root their holder has to see', async () => {
    const payload: unknown = JSON.parse(Buffer.from((await token()).split('.')[1] ?? '', 'base64url').toString());
    const parsed = tokenPayloadSchema.parse(payload);
    assert.equal(parsed.root, sha256Hex(domain.cas.root.certificate.der));
    assert.equal(parsed.url, 'https://ca.example:8443');
    assert.deepEqual(parsed.sans, [{ type: 'dns', value: 'node-1.example' }]);
    assert.equal(parsed.exp * 1000, domain.clock.now() + 900_000);
  });

  it('give a certificate with exactly their names and profile', async () => {
    const { csr } = await newRequest();
    const outcome = await redeemToken(domain.context, await token(), csr);
    assert.ok(outcome.ok && outcome.issued !== undefined);
    const [leaf] = pemDecode(outcome.issued.certificate);
    assert.ok(leaf);
    const certificate = parseCertificate(leaf.der);
    assert.equal(certificate.profile, 'device');
    assert.deepEqual(certificate.subjectAltName, [{ type: 'dns', value: 'node-1.example' }]);
  });

  it('give exactly one certificate, however many redeem them at once', async () => {
    const given = await token();
    const { csr } = await newRequest();
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => redeemToken(domain.context, given, csr)));
    const codes = outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code));
    assert.equal(codes.filter((code) => code === 'ok').length, 1);
    assert.equal(codes.filter((code) => code === 'token_used').length, 199);
    assert.equal((await domain.store.certificatesByName('node-1', domain.clock.now())).length, 1);
  });

  it('are not used up by a request that is refused', async () => {
    const given = await token();
    const { csr } = await newRequest('p256', [{ type: 'dns', value: 'more.example' }]);
    const refused = await redeemToken(domain.context, given, csr);
    assert.equal(refused.ok ? 'ok' : refused.code, 'name_not_proven');
    assert.equal(await redeem(given), 'ok');
  });

  it('are made by administrators within their scope alone', async () => {
    const scopes = readAdministratorOptions({
      line: {
        profiles: ['device', 'server'],
        names: ['cn:sensor-*', 'dns:.sensors.example', 'ip:10.1.0.0/16', 'uri:urn:dev:*', 'email:ops@shop.example'],
      },
    });
    const scope = scopes.get('line');
    const make = async (name: string, profile: ProfileName, ...sans: readonly (readonly [San['type'], string])[]) => {
      const wish = { name, profile, sans: sans.map(([type, value]) => ({ type, value })), ttlSeconds: 60 };
      const made = await createToken(domain.context, wish, local, scope);
      return made.ok ? 'ok' : made.code;
    };
    const all = [
      ['dns', 'A.sensors.example'],
      ['ip', '10.1.2.3'],
      ['uri', 'urn:dev:7'],
    ] as const;
    assert.equal(await make('sensor-7', 'device', ...all), 'ok');
    // A server's common name is a host's.
    assert.equal(await make('a.sensors.example', 'server'), 'ok');
    for (const [name, profile, ...sans] of [
      ['sensor-7', 'client'],
      ['sensor-7', 'admin'],
      ['sensor-7', 'gateway'],
      ['pump-7', 'device'],
      ['xsensor-7', 'device'],
      ['sensors.example', 'server'],
      ['a.sensors.example.evil', 'server'],
      ['sensor-7', 'device', ['dns', 'sensor-7.example']],
      ['a.sensors.example', 'server', ['dns', '*.shop.example']],
      ['sensor-7', 'device', ['ip', '10.2.0.1']],
      ['sensor-7', 'device', ['uri', 'urn:other:7']],
      ['sensor-7', 'device', ['dns', 'a.sensors.example'], ['ip', '192.0.2.1']],
    ] as const) {
      assert.equal(await make(name, profile, ...sans), 'forbidden', `${name} ${profile} ${sans.join(' ')}`);
    }
    for (const wrong of [
      {},
      { profiles: ['device'] },
      { names: ['cn:a'] },
      { profiles: ['admin'], names: ['cn:a'] },
      { profiles: ['gateway'], names: ['cn:a'] },
      { profiles: ['toaster'], names: ['cn:a'] },
      { profiles: ['device'], names: ['cn:*'] },
      { profiles: ['device'], names: ['cn:a*b'] },
      { profiles: ['device'], names: ['sensor'] },
      { profiles: ['device'], names: ['dns:*'] },
    ]) {
      assert.throws(() => readAdministratorOptions({ line: wrong }), { code: 'invalid_option' }, JSON.stringify(wrong));
    }
  });

  it('end with their time, and with their name', async () => {
    const short = await token('node-1', 60);
    const long = await token('node-1', 3600);
    domain.clock.advance(61_000);
    assert.equal(await redeem(short), 'token_expired');
    assert.ok(
      (await revoke(domain.store, domain.clock.now(), { by: 'name', name: 'node-1' }, 'unspecified', local)).ok,
    );
    assert.equal(await redeem(long), 'token_revoked');
  });

  it('are nothing when somebody else has made them, or changed them', async () => {
    const other = await testDomain();
    const foreign = await createToken(other.context, { name: 'x', profile: 'client', sans: [], ttlSeconds: 60 }, local);
    await other[Symbol.asyncDispose]();
    assert.ok(foreign.ok);
    const [head = '', payload = '', signature = ''] = (await token()).split('.');
    const changed = Buffer.from(payload, 'base64url').toString().replace('device', 'admin');
    const none = Buffer.from('{"alg":"none","typ":"countersign-enroll+jwt"}').toString('base64url');
    for (const text of [
      foreign.token,
      `${head}.${Buffer.from(changed).toString('base64url')}.${signature}`,
      `${none}.${payload}.`,
      'a.b.c',
      '',
    ]) {
      assert.equal(await redeem(text), 'token_invalid', text);
    }
  });

  it('are kept as a hash only', async () => {
    const given = await token();
    const rows = domain.place.raw('select hash || name || profile || sans from tokens').join();
    assert.ok(rows.includes(sha256Hex(given)));
    assert.ok(!rows.includes(given.split('.')[2] ?? ''));
  });
});
