import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileConfig } from '../../src/config/compile.ts';
import { GatewayConfigError } from '../../src/config/errors.ts';

const host = {
  names: ['localhost'],
  certificate: { files: { cert: 'server.crt', key: 'server.key' } },
  trust: ['partners'],
  upstream: 'http://127.0.0.1:3000',
};

function compile(bundle: object, extra: object = {}) {
  const listeners = [{ listen: '127.0.0.1:0', hosts: [host] }];
  return compileConfig({ listeners, bundles: { partners: { files: ['p.pem'], ...bundle } }, ...extra }, '/d');
}
const revocationOf = (revocation: object) => compile({ revocation }).bundles.get('partners')?.revocation;

function problemsOf(bundle: object): string {
  try {
    compile(bundle);
  } catch (error) {
    assert.ok(error instanceof GatewayConfigError);
    return error.message;
  }
  return '';
}

test('what is used is what is configured, and each has its default', () => {
  const crls = [{ file: 'a.crl' }, { url: 'http://crl.test/' }];
  const lists = revocationOf({ crls });
  assert.deepEqual(lists?.crls?.sources, [
    { file: '/d/a.crl' },
    { url: new URL('http://crl.test/'), everyMs: 3_600_000 },
  ]);
  assert.equal(lists?.ocsp, undefined);
  assert.deepEqual(lists?.staleness, { mode: 'hard', maxStale: 'nextUpdate' });
  assert.equal(lists?.waitMs, 2000);
  const asked = revocationOf({ ocsp: {} });
  assert.equal(asked?.crls, undefined);
  assert.deepEqual(asked?.ocsp, {
    urls: [],
    nonce: 'off',
    timeoutMs: 10_000,
    everyMs: 3_600_000,
    maxAgeMs: undefined,
    responderRevocation: 'required',
    maxAnswers: 20_000,
  });
  const both = revocationOf({ distributionPoints: true, ocsp: { urls: ['http://ocsp.test/'], nonce: 'required' } });
  assert.deepEqual([both?.order, both?.fallback, both?.crls?.distributionPoints], ['crl-first', true, true]);
  assert.equal(revocationOf({ use: 'ocsp', mode: 'soft', maxStale: '1h', wait: '300ms' })?.waitMs, 300);
});

test('the short forms mean the same as the whole one', () => {
  const crls = [{ file: 'a.crl' }];
  const short = compile({ crls, staleness: { mode: 'soft', maxStale: '1h' } }).bundles.get('partners');
  const whole = compile({ revocation: { crls, mode: 'soft', maxStale: '1h' } }).bundles.get('partners');
  assert.deepEqual(short, whole);
  assert.match(problemsOf({ crls, revocation: { ocsp: {} } }), /bundles\.partners\.crls: belongs into revocation/u);
  assert.match(problemsOf({ staleness: { mode: 'off' }, revocation: {} }), /bundles\.partners\.staleness/u);
});

test('what is configured and never asked is a problem, and so is what is asked and never there', () => {
  const crls = [{ file: 'a.crl' }];
  assert.match(problemsOf({ revocation: { use: 'ocsp', crls } }), /revocation\.use: is ocsp, but there are CRLs/u);
  assert.match(problemsOf({ revocation: { use: 'crl', crls, ocsp: {} } }), /revocation\.use: is crl/u);
  assert.match(problemsOf({ revocation: { use: 'crl' } }), /revocation\.crls: is needed/u);
  assert.match(problemsOf({ revocation: { use: 'both' } }), /revocation\.crls: is needed/u);
  assert.match(problemsOf({ revocation: { crls, order: 'crl-first' } }), /revocation\.order/u);
  assert.match(problemsOf({ revocation: { ocsp: {}, fallback: false } }), /revocation\.fallback/u);
  assert.match(problemsOf({ revocation: { mode: 'hard' } }), /revocation\.mode: is hard, but there is nothing/u);
  assert.match(problemsOf({ staleness: { mode: 'soft' } }), /revocation\.mode: is soft, but there is nothing/u);
  assert.match(problemsOf({ revocation: { ocsp: {}, allowAddresses: ['10.0.0.1/8'] } }), /allowAddresses/u);
  assert.match(problemsOf({ revocation: { ocsp: { urls: ['ldap://x/'] } } }), /ocsp/u);
});

test('a bundle without revocation warns, and so does one whose news are forgotten at a restart', () => {
  const warns = (words: RegExp, made: ReturnType<typeof compile>) => made.warnings.some((line) => words.test(line));
  assert.ok(warns(/bundle partners: no revocation/u, compile({})));
  assert.ok(!warns(/no revocation/u, compile({ revocation: { mode: 'off' } })));
  assert.ok(!warns(/no revocation/u, compile({ staleness: { mode: 'off' } })));
  assert.ok(warns(/no state folder/u, compile({ revocation: { ocsp: {} } })));
  assert.ok(!warns(/no state folder/u, compile({ revocation: { ocsp: {} } }, { state: 's' })));
  assert.equal(compile({}, { state: 's' }).stateDir, '/d/s');
});
