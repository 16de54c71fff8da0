import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessEntry } from '../../src/connection.ts';
import { accessLine, connectionFields, quote } from '../../src/log/access-line.ts';
import { createLineLog } from '../../src/log/line-log.ts';
import { LogQuota } from '../../src/log/log-quota.ts';

const socket = { getProtocol: () => 'TLSv1.3', isSessionReused: () => true };

test('whatever a stranger sends, a line is one line of printable JSON', () => {
  const nasty = 'a"b\\c\r\nGET / \0\u001b[31m\u009b\u2028\u202e\u007f';
  const entry: AccessEntry = {
    time: 0,
    correlationId: 'c-1',
    protocol: 'HTTP/1.1',
    method: nasty,
    host: nasty,
    path: `/${'x'.repeat(10_000)}`,
    status: 400,
    code: 'bad_request',
    detail: nasty,
    route: undefined,
    upstream: undefined,
    bytesIn: 1,
    bytesOut: 2,
    durationMs: 1.23456,
    complete: false,
  };
  const common = connectionFields('127.0.0.1:1', socket, nasty, {
    kind: 'refused',
    code: 'untrusted_issuer',
    detail: nasty,
    identity: {
      subject: nasty,
      sans: [
        { type: 'dns', value: nasty },
        { type: 'ip', value: new Uint8Array(4) },
      ],
    },
  });
  const line = accessLine(entry, common);
  assert.match(line, /^[\u0020-\u007e…]+$/u);
  assert.ok(line.length < 5000);
  const parsed = JSON.parse(line) as Record<string, unknown>;
  assert.equal(parsed['method'], nasty);
  assert.equal(parsed['complete'], false);
  assert.equal(parsed['resumed'], true);
  assert.deepEqual((parsed['client'] as { sans: string[] }).sans, [`dns:${nasty}`]);
  assert.equal((parsed['client'] as { verdict: string }).verdict, 'untrusted_issuer');
  assert.equal((parsed['path'] as string).length, 513);
});

test('lines are written together, and at once when asked or when there are many', () => {
  const written: string[] = [];
  const log = createLineLog((text) => void written.push(text));
  log.write(quote('a'));
  log.write(quote('b'));
  assert.deepEqual(written, []);
  log.flush();
  assert.deepEqual(written, ['"a"\n"b"\n']);
  log.write('x'.repeat(40_000));
  assert.equal(written.length, 2);
});

test('a quota lets so many through in a second and tells how many it did not', () => {
  const quota = new LogQuota(2);
  assert.deepEqual(
    [1, 2, 3, 4].map((at) => quota.take(1000 + at)),
    [0, 0, undefined, undefined],
  );
  assert.deepEqual(
    [2000, 2001].map((at) => quota.take(at)),
    [2, 0],
  );
});
