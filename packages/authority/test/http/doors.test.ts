import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { routes } from '@countersign/protocol';
import type { Principal, Route } from '@countersign/protocol';
import { call } from '../support/client.ts';
import type { Target } from '../support/client.ts';
import { newRequest } from '../support/keys.ts';
import { sharedTest } from '../support/running.ts';
import type { RunningTest } from '../support/running.ts';

/** What the table of routes promises to each kind of credential. */
const holds: Record<string, readonly Principal[]> = {
  socket: ['admin', 'anyone', 'token'],
  none: ['anyone', 'token'],
  admin: ['admin', 'holder', 'anyone', 'token'],
  gateway: ['gateway', 'holder', 'anyone', 'token'],
  client: ['holder', 'anyone', 'token'],
  peer: ['peer', 'holder', 'anyone', 'token'],
  device: ['holder', 'anyone', 'token'],
  person: ['holder', 'anyone', 'token'],
  server: ['server', 'holder', 'anyone', 'token'],
};

/** Codes that say "not with these credentials". */
const closed = new Set(['no_credentials', 'forbidden']);

describe('every kind of credential at every route', () => {
  let running: RunningTest;
  const targets = new Map<string, Target>();
  before(async () => {
    running = await sharedTest();
    targets.set('socket', running.local).set('none', running.remote());
    for (const profile of ['admin', 'gateway', 'client', 'peer', 'device', 'person', 'server']) {
      const extra = profile === 'server' ? { sans: [{ type: 'dns', value: 'web.example' }] } : {};
      targets.set(profile, running.remote(await running.issued(`of-${profile}`, profile, extra)));
    }
  });

  for (const [name, route] of Object.entries<Route>(routes)) {
    it(`opens ${name} for ${route.principals.join(', ')} and nobody else`, async () => {
      for (const [credential, target] of targets) {
        const path = route.path.replace(':serial', 'abcd');
        // A listener's stream would not end; anything that is no stream answers.
        if (route.stream === true && ['socket', 'admin', 'gateway', 'server', 'peer'].includes(credential)) continue;
        const answer = await call(target, route.method, path, route.method === 'POST' ? {} : undefined);
        const open = holds[credential]?.some((principal) => route.principals.includes(principal)) ?? false;
        const token = route.principals.includes('token');
        // A token's route is open to everybody who brings a token, and an empty body gets no further than the schema.
        const refused = closed.has(answer.body?.code ?? '');
        if (open || token) assert.ok(!refused || token, `${credential}: ${answer.text}`);
        else assert.ok(refused, `${credential}: ${answer.status} ${answer.text}`);
      }
    });
  }

  it('takes a token at its own door only, whoever brings it', async () => {
    const { token } = (await running.ask('POST', '/v1/tokens', { name: 'n', profile: 'admin' })).body;
    const bearer = { authorization: `Bearer ${token}` };
    const { csr } = await newRequest();
    for (const path of ['/v1/certificates', '/v1/renew', '/v1/tokens', '/v1/revocations', '/v1/feed/acks']) {
      const answer = await call(running.remote(), 'POST', path, { csr }, bearer);
      assert.equal(answer.body.code, 'no_credentials', path);
    }
    const without = await call(running.remote(), 'POST', '/v1/enroll', { csr });
    assert.equal(without.body.code, 'no_credentials');
  });
});

describe('requests that are none', () => {
  let running: RunningTest;
  before(async () => {
    running = await sharedTest();
  });

  const cases: readonly (readonly [string, string, string, unknown, Record<string, string>, number, string])[] = [
    ['a body that is no JSON', 'POST', '/v1/tokens', '{', {}, 400, 'bad_request'],
    ['no body', 'POST', '/v1/tokens', undefined, {}, 400, 'bad_request'],
    ['a field too many', 'POST', '/v1/tokens', { name: 'a', extra: 1 }, {}, 400, 'bad_request'],
    [
      'another media type',
      'POST',
      '/v1/tokens',
      'name=a',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['a body that is too large', 'POST', '/v1/tokens', { name: 'a'.repeat(600_000) }, {}, 413, 'too_large'],
    ['an unknown path', 'GET', '/v2/status', undefined, {}, 404, 'not_found'],
    ['another method', 'DELETE', '/v1/certificates', undefined, {}, 405, 'method_not_allowed'],
    ['an unknown serial', 'GET', '/v1/certificates/abcd', undefined, {}, 404, 'unknown_certificate'],
    ['a cursor that is none', 'GET', '/v1/certificates?cursor=x', undefined, {}, 400, 'bad_request'],
    ['a prototype', 'POST', '/v1/tokens', '{"__proto__":{"profile":"admin"},"name":"a"}', {}, 400, 'bad_request'],
    ['a name with control characters', 'POST', '/v1/tokens', { name: 'a\nb' }, {}, 400, 'name_invalid'],
  ];
  for (const [words, method, path, body, headers, status, code] of cases) {
    it(`answers ${words} with ${code}`, async () => {
      const answer = await call(running.local, method, path, body, headers);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.body.code, code);
      assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/u);
      assert.match(answer.body.correlationId, /^[0-9a-f-]{36}$/u);
    });
  }

  it('describes itself as OpenAPI', async () => {
    const { body } = await running.ask('GET', '/v1/openapi.json');
    assert.equal(body.openapi, '3.1.0');
    for (const route of Object.values<Route>(routes)) {
      const path = route.path.replaceAll(/:(\w+)/gu, '{$1}');
      assert.ok(body.paths[path][route.method.toLowerCase()].operationId, path);
    }
  });
});
