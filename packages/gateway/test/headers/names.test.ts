import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONFUSABLE,
  DROP,
  FORWARD,
  requestFieldKind,
  responseFieldKind,
  trailerFieldKind,
} from '../../src/headers/names.ts';

/** T40, and what else services read an identity or an origin from. */
const IDENTITY = [
  'Client-Cert',
  'Client-Cert-Chain',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Client-Cert-Chain',
  'X-Forwarded-Tls-Client-Cert',
  'X-Forwarded-Tls-Client-Cert-Info',
  'X-SSL-Cert',
  'X-SSL-Client-Cert',
  'X-SSL-Client-S-DN',
  'X-SSL-Client-Verify',
  'SSL-Client-Cert',
  'X-Client-Cert',
  'X-Client-Certificate',
  'X-Client-Cert-Present',
  'X-Amzn-Mtls-Clientcert',
  'X-Amzn-Mtls-Clientcert-Leaf',
  'X-ARR-ClientCert',
  'Countersign-Client-Name',
  'Countersign-Correlation-Id',
  'Forwarded',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Prefix',
  'X-Real-IP',
  'X-Original-URL',
  'X-Rewrite-URL',
  'Proxy',
];

test('T40: no spelling of an identity field passes, in a request or its trailers', () => {
  for (const name of IDENTITY) {
    const spellings = [
      name,
      name.toLowerCase(),
      name.toUpperCase(),
      name.replaceAll('-', '_'),
      name.replaceAll('-', '.'),
      name.replace('-', '_').toLowerCase(),
      name.replaceAll('-', '~'),
    ];
    for (const spelling of spellings) {
      assert.equal(requestFieldKind(spelling), DROP, spelling);
      assert.equal(trailerFieldKind(spelling), DROP, spelling);
    }
  }
});

test('what says nothing of the kind passes', () => {
  for (const name of [
    'Cookie',
    'Authorization',
    'X-Client-Version',
    'Client',
    'X_Custom',
    '__proto__',
    'constructor',
    'X-Request-Id',
  ]) {
    assert.equal(requestFieldKind(name), FORWARD, name);
  }
  assert.equal(trailerFieldKind('Grpc-Status'), FORWARD);
});

test('T43: a spelling that some servers read as a framing field is refused, not passed', () => {
  for (const name of ['Transfer_Encoding', 'content_length', 'Content.Length', 'Transfer~Encoding', 'Keep_Alive']) {
    assert.equal(requestFieldKind(name), CONFUSABLE, name);
  }
});

test('framing, routing and credentials are not taken from trailers', () => {
  for (const name of [
    'Content-Length',
    'Transfer-Encoding',
    'Host',
    'Authorization',
    'Cookie',
    'Set-Cookie',
    'Content-Type',
    'Trailer',
  ]) {
    assert.equal(trailerFieldKind(name), DROP, name);
  }
});

test('a response does not speak for the gateway', () => {
  assert.equal(responseFieldKind('Countersign-Correlation-Id'), DROP);
  assert.equal(responseFieldKind('countersign_client_name'), DROP);
  assert.equal(responseFieldKind('Set-Cookie'), FORWARD);
});

test('a flood of names is forgotten, and decided the same again', () => {
  for (let index = 0; index < 10_000; index++) assert.equal(requestFieldKind(`x-${index}`), FORWARD);
  assert.equal(requestFieldKind('Client-Cert'), DROP);
});
