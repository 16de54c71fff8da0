import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileConfig } from '../../src/config/compile.ts';
import { GatewayConfigError } from '../../src/config/errors.ts';

const files = { files: { cert: 'server.crt', key: 'server.key' } };
const upstream = 'http://127.0.0.1:3000';
const bundles = { partners: { files: ['partners.pem'] } };

function host(extra: object = {}): object {
  return { names: ['localhost'], certificate: files, trust: ['partners'], upstream, ...extra };
}
function config(hosts: readonly object[], extra: object = {}): object {
  return { listeners: [{ listen: '127.0.0.1:0', hosts }], bundles, ...extra };
}
function problemsOf(input: unknown): readonly string[] {
  try {
    compileConfig(input, '/etc/countersign');
  } catch (error) {
    assert.ok(error instanceof GatewayConfigError);
    return error.message.split('\n');
  }
  return [];
}

test('paths start at the folder of the configuration, names are normalised, defaults are filled in', () => {
  const made = compileConfig(
    config([host({ names: ['API.Example.com.', '[::0:1]', '*.bücher.example'] })]),
    '/etc/countersign',
  );
  const [first] = made.listeners[0]?.hosts ?? [];
  assert.deepEqual(first?.names, ['api.example.com', '::1', '*.xn--bcher-kva.example']);
  assert.equal(first?.certificate.from === 'files' && first.certificate.cert, '/etc/countersign/server.crt');
  assert.equal(first?.clientCert, 'required');
  assert.equal(first?.routes[0]?.path, '/');
  assert.equal(made.handshakeTimeoutMs, 10_000);
  assert.deepEqual(made.bundles.get('partners')?.files, ['/etc/countersign/partners.pem']);
});

test('an absent allow list warns, a given one does not', () => {
  const loose = compileConfig(config([host()]), '/');
  assert.ok(loose.warnings.some((line) => line.includes('listeners[0].hosts[0]') && line.includes('no allow list')));
  const strict = compileConfig(config([host({ allow: [{ name: 'a' }] })]), '/');
  assert.ok(!strict.warnings.some((line) => line.includes('no allow list')));
});

test('every problem is told at once, with its path', () => {
  const lines = problemsOf(
    config([
      host({ names: ['a..b'], trust: ['nobody'] }),
      host({ names: ['ok', 'x.test'], routes: [{ path: '/a/../b', upstream: 'ftp://x' }], upstream: undefined }),
      host({ names: ['OK.'], certificate: { authority: {} }, allow: [{ spkiSha256: 'zz' }] }),
    ]),
  );
  for (const path of [
    'listeners[0].hosts[0].names[0]',
    'listeners[0].hosts[0].trust[0]',
    'listeners[0].hosts[1].routes[0].path',
    'listeners[0].hosts[1].routes[0].upstream',
    'listeners[0].hosts[2].names',
    'listeners[0].hosts[2].certificate.authority',
    'listeners[0].hosts[2].allow[0]',
  ]) {
    assert.ok(
      lines.some((line) => line.startsWith(`${path}:`)),
      `${path} in\n${lines.join('\n')}`,
    );
  }
});

test('unknown fields, wrong types and an unusable address are refused with their path', () => {
  assert.ok(problemsOf({ ...config([host()]), listenres: [] }).some((line) => line.includes('listenres')));
  assert.ok(
    problemsOf({ listeners: [{ listen: '127.0.0.1', hosts: [host()] }], bundles }).some((line) =>
      line.startsWith('listeners[0].listen:'),
    ),
  );
  assert.ok(problemsOf(config([host({ upstream: undefined })])).some((line) => line.includes('upstream or routes')));
  assert.ok(problemsOf(null).length > 0);
});

test('`own` belongs to the authority', () => {
  assert.ok(
    problemsOf(config([host()], { bundles: { own: { files: ['x'] }, ...bundles } })).some((l) =>
      l.startsWith('bundles.own'),
    ),
  );
  assert.ok(
    problemsOf(config([host({ trust: undefined })])).some((line) => line.startsWith('listeners[0].hosts[0].trust')),
  );
  const made = compileConfig(
    config([host({ trust: undefined })], {
      authority: { url: 'https://127.0.0.1:8443', identity: 'gateway' },
    }),
    '/d',
  );
  assert.deepEqual(made.listeners[0]?.hosts[0].trust, ['own']);
  assert.equal(made.stateDir, '/d/gateway/state');
  assert.deepEqual(made.authority?.staleness, { mode: 'hard', maxStale: 86_400_000 });
});

test('a route with a rule of its own decides by it, and the connection admits whom any route admits', () => {
  const made = compileConfig(
    config([
      host({
        upstream: undefined,
        allow: [{ name: 'alice' }],
        routes: [
          { path: '/', upstream },
          { path: '/ops', upstream, allow: [{ name: 'bob' }], clientCert: 'optional' },
        ],
      }),
    ]),
    '/',
  );
  const policy = made.listeners[0]?.hosts[0];
  assert.ok(policy);
  const identity = (name: string) => ({ name, sans: [], spkiSha256: '' });
  assert.ok(policy.permits(identity('alice')) && policy.permits(identity('bob')));
  assert.equal(policy.permits(identity('carol')), false);
  assert.equal(policy.routes[0]?.permits?.(identity('bob')), false);
  assert.equal(policy.routes[1]?.permits?.(identity('bob')), true);
  assert.equal(policy.routes[1]?.clientCert, 'optional');
  assert.equal(policy.routes[0]?.clientCert, 'required');
});

test('the id of a policy is the same for the same entry and another for a changed one', () => {
  const id = (extra: object) => compileConfig(config([host(extra)]), '/').listeners[0]?.hosts[0].id;
  assert.equal(id({}), id({}));
  assert.notEqual(id({}), id({ allow: [{ name: 'a' }] }));
});
