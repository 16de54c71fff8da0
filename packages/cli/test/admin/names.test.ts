import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hostPort,
  parseCount,
  parseDuration,
  parseHostName,
  parseHostPort,
  parseName,
  parseSan,
  parseTime,
} from '../../src/admin/names.ts';
import { CliFailure } from '../../src/failure.ts';

const usageError = (error: unknown): boolean => error instanceof CliFailure && error.exit === 2;

test('names carry their type', () => {
  assert.deepEqual(parseSan('dns:a.example'), { type: 'dns', value: 'a.example' });
  assert.deepEqual(parseSan('ip:2001:db8::1'), { type: 'ip', value: '2001:db8::1' });
  assert.deepEqual(parseSan('uri:spiffe://td/x'), { type: 'uri', value: 'spiffe://td/x' });
  assert.deepEqual(parseSan('EMAIL:a@b.example'), { type: 'email', value: 'a@b.example' });
});

test('a name without a type, of an unknown type or not of its type is wrong usage', () => {
  for (const text of [
    'a.example',
    'dns:',
    'ip:a.example',
    'ip:10.0.0.0/8',
    'uri:relative',
    'email:nobody',
    'x400:a',
    ':a',
  ]) {
    assert.throws(() => parseSan(text), usageError, text);
  }
});

test('a host name is told from an address', () => {
  assert.deepEqual(parseHostName('A.Example'), { type: 'dns', value: 'a.example' });
  assert.deepEqual(parseHostName('::1'), { type: 'ip', value: '::1' });
});

test('lengths of time have a unit, or are seconds', () => {
  assert.equal(parseDuration('90'), 90);
  assert.equal(parseDuration('15m'), 900);
  assert.equal(parseDuration('2d'), 172_800);
  for (const text of ['', '0', '-1m', '1.5h', '5w', 'm']) assert.throws(() => parseDuration(text), usageError, text);
});

test('counts are whole and above zero', () => {
  assert.equal(parseCount('7'), 7);
  for (const text of ['0', '-1', '1.5', '1e3', '', '9007199254740993'])
    assert.throws(() => parseCount(text), usageError, text);
});

test('times are RFC 3339 with an offset', () => {
  assert.equal(parseTime('2027-01-31T12:00:00Z'), Date.UTC(2027, 0, 31, 12));
  assert.equal(parseTime('2027-01-31T12:00:00+02:00'), Date.UTC(2027, 0, 31, 10));
  for (const text of ['2027-01-31', '2027-01-31T12:00:00', 'tomorrow', '2027-13-01T00:00:00Z']) {
    assert.throws(() => parseTime(text), usageError, text);
  }
});

test('a name that could not be a file name is refused', () => {
  assert.equal(parseName('demo'), 'demo');
  assert.equal(parseName('*.example.com'), '*.example.com');
  assert.equal(parseName('Ann Example'), 'Ann Example');
  for (const text of ['', '..', '../x', 'a/b', String.raw`a\b`, '-x', 'a\u0000b', 'a\nb', 'x'.repeat(65)]) {
    assert.throws(() => parseName(text), usageError, JSON.stringify(text));
  }
});

test('an address is HOST:PORT, with brackets for IPv6', () => {
  assert.deepEqual(parseHostPort('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
  assert.deepEqual(parseHostPort('[::1]:9443'), { host: '::1', port: 9443 });
  assert.equal(hostPort({ host: '::1', port: 9443 }), '[::1]:9443');
  for (const text of ['9443', ':9443', '::1:9443', 'h:', 'h:65536', 'h:x']) {
    assert.throws(() => parseHostPort(text), usageError, text);
  }
});
