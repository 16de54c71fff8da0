import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostPolicy, Peer, Route, Upstream } from '../../src/connection.ts';
import { createRouter, judgeMalformed } from '../../src/routing/router.ts';
import { accepted, contextFor } from '../support/context.ts';

const upstream: Upstream = {
  name: 'http://upstream.test',
  open: () => {
    throw new Error('a router opens nothing');
  },
  close: () => undefined,
};

function route(path: string, more: Partial<Route> = {}): Route {
  return { id: path, path, upstream, ...more };
}

const strict: HostPolicy = {
  id: 'strict',
  names: ['a.test', '*.a.test', '::1'],
  clientCert: 'required',
  routes: [
    route('/'),
    route('/api'),
    route('/api/admin', { permits: (identity) => identity.name === 'root' }),
    route('/open', { clientCert: 'optional' }),
  ],
};
const lax: HostPolicy = {
  id: 'lax',
  names: ['b.test'],
  clientCert: 'optional',
  routes: [route('/only'), route('/closed', { clientCert: 'required' })],
};
const router = createRouter([strict, lax]);
const none: Peer = { kind: 'none' };
const revoked: Peer = { kind: 'refused', code: 'revoked', detail: 'on the list' };

function outcome(policy: HostPolicy, peer: Peer, authority: string, path: string, sni?: string): string {
  const decision = router.resolve(authority, path, contextFor(policy, peer, sni));
  return decision.ok ? `${decision.route.id} ${decision.host} ${decision.path}` : decision.code;
}

test('the longest prefix on a segment border wins, on the normalised path', () => {
  const resolve = (path: string) => outcome(strict, accepted(), 'A.test.:8443', path);
  assert.equal(resolve('/'), '/ a.test:8443 /');
  assert.equal(resolve('/api'), '/api a.test:8443 /api');
  assert.equal(resolve('/apis'), '/ a.test:8443 /apis');
  assert.equal(resolve('/%61pi/x'), '/api a.test:8443 /api/x');
  assert.equal(outcome(strict, accepted(), '[0::1]', '/api/'), '/api [::1] /api/');
  assert.equal(outcome(strict, accepted(), 'x.a.test', '/'), '/ x.a.test /');
});

test('a rule of a route refuses whom it does not name', () => {
  assert.equal(outcome(strict, accepted({ name: 'root' }), 'a.test', '/api/admin'), '/api/admin a.test /api/admin');
  assert.equal(outcome(strict, accepted({ name: 'demo' }), 'a.test', '/api/admin/x'), 'not_allowed');
});

test('T42: path parameters that an upstream may drop do not lead around a rule', () => {
  const demo = accepted({ name: 'demo' });
  for (const path of ['/api/admin;x', '/api;x/admin', '/api/admin%3bx/y', '/;/api/admin', '/api/admin/..;/']) {
    assert.ok(['bad_request', 'not_allowed'].includes(outcome(strict, demo, 'a.test', path)), path);
  }
  assert.equal(outcome(strict, demo, 'a.test', '/api/x;y=1'), '/api a.test /api/x;y=1');
});

test('T13, T18, T19: a host of another policy is misdirected, whatever that policy would say', () => {
  assert.equal(outcome(strict, accepted(), 'b.test', '/only', 'a.test'), 'misdirected');
  assert.equal(outcome(lax, accepted(), 'a.test', '/', 'b.test'), 'misdirected');
  assert.equal(outcome(lax, none, 'A.TEST.', '/', 'b.test'), 'misdirected');
  assert.equal(outcome(lax, accepted(), 'unknown.test', '/'), 'misdirected');
  assert.equal(outcome(strict, accepted(), 'y.x.a.test', '/'), 'misdirected');
  // Without a server name the connection has the default policy, and only its hosts.
  assert.equal(outcome(strict, accepted(), 'a.test', '/'), '/ a.test /');
  assert.equal(outcome(strict, accepted(), 'b.test', '/only'), 'misdirected');
});

test('reasons are told in the order of the contract', () => {
  // no_certificate before misdirected before bad_request
  assert.equal(outcome(strict, none, 'b.test', '//', 'a.test'), 'no_certificate');
  assert.equal(outcome(strict, none, 'a b', '/'), 'no_certificate');
  assert.equal(outcome(strict, none, 'a.test', '//'), 'no_certificate');
  assert.equal(outcome(lax, none, 'a.test', '//', 'b.test'), 'misdirected');
  assert.equal(outcome(lax, none, 'a b', '/'), 'bad_request');
  assert.equal(outcome(lax, none, 'b.test', '//'), 'bad_request');
  assert.equal(outcome(lax, none, 'b.test', '/nowhere'), 'no_route');
  // a refused certificate before all of them, in optional mode too
  for (const [policy, host, path] of [
    [strict, 'a.test', '/open'],
    [strict, 'b.test', '/'],
    [lax, 'b.test', '//'],
    [lax, 'a b', '/'],
  ] as const) {
    assert.equal(outcome(policy, revoked, host, path), 'revoked');
  }
});

test('news that are too old are told last, and admit nobody', () => {
  const stale: Peer = { kind: 'refused', code: 'revocation_stale', detail: 'two days' };
  assert.equal(outcome(strict, stale, 'b.test', '/'), 'misdirected');
  assert.equal(outcome(strict, stale, 'a b', '/'), 'bad_request');
  assert.equal(outcome(strict, stale, 'a.test', '//'), 'bad_request');
  for (const path of ['/', '/api', '/api/admin', '/open']) {
    assert.equal(outcome(strict, stale, 'a.test', path), 'revocation_stale', path);
  }
  assert.equal(outcome(lax, { ...stale, code: 'starting' }, 'b.test', '/nowhere'), 'starting');
  assert.equal(judgeMalformed(contextFor(strict, stale), 'x').code, 'bad_request');
});

test('a route may ask for less or more than its host', () => {
  assert.equal(outcome(strict, none, 'a.test', '/open/x'), '/open a.test /open/x');
  assert.equal(outcome(strict, none, 'a.test', '/api'), 'no_certificate');
  assert.equal(outcome(lax, none, 'b.test', '/only'), '/only b.test /only');
  assert.equal(outcome(lax, none, 'b.test', '/closed'), 'no_certificate');
});

test('a malformed request is told about the certificate first', () => {
  assert.equal(judgeMalformed(contextFor(strict, none), 'x').code, 'no_certificate');
  assert.equal(judgeMalformed(contextFor(lax, none), 'x').code, 'bad_request');
  assert.equal(judgeMalformed(contextFor(lax, revoked), 'x').code, 'revoked');
  assert.equal(judgeMalformed(contextFor(strict, accepted()), 'x').code, 'bad_request');
});

test('an ambiguous configuration makes no router', () => {
  assert.throws(() => createRouter([strict, strict]), RangeError);
  assert.throws(() => createRouter([{ ...lax, routes: [route('/x'), route('/x/')] }]), RangeError);
  assert.throws(() => createRouter([{ ...lax, routes: [route('/x/../y')] }]), RangeError);
});
