import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DEFAULT_HTTP_OPTIONS } from '../../src/connection.ts';
import { FAULT, MORE, SectionScanner } from '../../src/http1/section.ts';

const LIMITS = DEFAULT_HTTP_OPTIONS.limits;
const bytes = (text: string) => Buffer.from(text, 'latin1');

/** What came of a section, told so that it can be compared. */
function scanWhole(text: string, limits = LIMITS): string {
  const scanner = new SectionScanner(limits, true);
  return tell(scanner, scanner.scan(bytes(text), 0), 0);
}

function tell(scanner: SectionScanner, result: number, before: number): string {
  if (result === MORE) return 'more';
  if (result === FAULT) return 'fault';
  const fields = Array.from({ length: scanner.count }, (_, index) => [
    scanner.name(index),
    scanner.value(index),
    scanner.text.slice(scanner.lineStart(index), scanner.lineEnd(index)),
  ]);
  return JSON.stringify([before + result, scanner.text.slice(0, scanner.startLineEnd), fields]);
}

/** The same in pieces. */
function scanPieces(text: string, cuts: readonly number[]): string {
  const scanner = new SectionScanner(LIMITS, true);
  const borders = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].toSorted(
    (a, b) => a - b,
  );
  for (let index = 0; index + 1 < borders.length; index++) {
    const [from, to] = [borders[index] as number, borders[index + 1] as number];
    // In a larger buffer, as sockets give them.
    const result = scanner.scan(bytes(`${'#'.repeat(3)}${text.slice(from, to)}`), 3);
    if (result !== MORE) return tell(scanner, result, from - 3);
  }
  return 'more';
}

test('a section is read as it stands', () => {
  assert.equal(
    scanWhole('GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t b \tc \r\n\r\nrest'),
    JSON.stringify([
      43,
      'GET / HTTP/1.1',
      [
        ['Host', 'a', 'Host: a\r\n'],
        ['X', '', 'X:\r\n'],
        ['Y', 'b \tc', 'Y: \t b \tc \r\n'],
      ],
    ]),
  );
});

test('RFC 9112 sections 2.2, 5: what is not to the letter is a fault', () => {
  const line = 'GET / HTTP/1.1\r\n';
  const faults = [
    '\r\n',
    '\nGET / HTTP/1.1\r\n',
    'GET / HTTP/1.1\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\rHost: a\r\n\r\n',
    'GET /\0 HTTP/1.1\r\n',
    'GET /\u007f HTTP/1.1\r\n',
    `${line}Host: a\n\r\n`,
    `${line}Host: a\r\r\n`,
    `${line}Host: a\rX: b\r\n\r\n`,
    `${line}Host : a\r\n\r\n`,
    `${line}Host\t: a\r\n\r\n`,
    `${line} Host: a\r\n\r\n`,
    `${line}\tHost: a\r\n\r\n`,
    `${line}Host: a\r\n b\r\n\r\n`,
    `${line}Host: a\r\n\tb\r\n\r\n`,
    `${line}Host\r\n\r\n`,
    `${line}: a\r\n\r\n`,
    `${line}Ho(st: a\r\n\r\n`,
    `${line}Höst: a\r\n\r\n`,
    `${line}Host: a\0b\r\n\r\n`,
    `${line}Host: a\u000bb\r\n\r\n`,
    `${line}Host: a\u001bb\r\n\r\n`,
    `${line}Host: a\u007f\r\n\r\n`,
    `${line}\rX: a\r\n\r\n`,
    `${line}\n`,
  ];
  for (const text of faults) assert.equal(scanWhole(text), 'fault', JSON.stringify(text));
});

test('limits hold to the octet, complete or not', () => {
  const limits = { ...LIMITS, requestLine: 20, fieldLine: 12, fieldSection: 37, fieldCount: 3 };
  const scan = (text: string) => scanWhole(text, limits);
  const line = 'GET / HTTP/1.1\r\n';
  assert.equal(scan('x'.repeat(20)), 'more');
  assert.equal(scan('x'.repeat(21)), 'fault');
  assert.equal(scan(`${line}A: ${'b'.repeat(9)}`), 'more');
  assert.equal(scan(`${line}A: ${'b'.repeat(10)}`), 'fault');
  assert.equal(scan(`${line}${'a'.repeat(13)}`), 'fault');
  assert.equal(scan(`${line}a:\r\nb:\r\nc:\r\n`), 'more');
  assert.equal(scan(`${line}a:\r\nb:\r\nc:\r\nd`), 'fault');
  assert.equal(scan(`${line}a:12345678\r\nb:12345678\r\nc:12345678\r\n`), 'fault');
});

test('a limit holds over many small pieces', () => {
  const scanner = new SectionScanner({ ...LIMITS, fieldSection: 1000 }, true);
  assert.equal(scanner.scan(bytes('GET / HTTP/1.1\r\n'), 0), MORE);
  let pieces = 0;
  while (scanner.scan(bytes('a: b\r\n'), 0) === MORE && pieces < 1000) pieces++;
  assert.ok(pieces > 100 && pieces <= 167, String(pieces));
});

test('any fragmentation of any bytes gives the same', () => {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('GET / HTTP/1.1', 'Host: a', 'X-Y: z', '\r\n', '\r\n\r\n', 'a: ', ':') },
    { weight: 1, arbitrary: fc.constantFrom('\r', '\n', ' ', '\t', '\0', '\u00e9', '(') },
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), fc.array(fc.nat(200), { maxLength: 8 }), (pieces, cuts) => {
      const text = pieces.join('');
      assert.equal(scanPieces(text, cuts), scanWhole(text));
    }),
    { numRuns: 500 },
  );
});

test('octet by octet gives the same', () => {
  const text = 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n';
  assert.equal(
    scanPieces(
      text,
      Array.from({ length: text.length }, (_, index) => index),
    ),
    scanWhole(text),
  );
});

test('one scanner reads one section after the other', () => {
  const scanner = new SectionScanner(LIMITS, true);
  const text = 'A / HTTP/1.1\r\na: 1\r\nb: 2\r\n\r\n';
  const buffer = bytes(text + text);
  assert.equal(scanner.scan(buffer, 0), text.length);
  assert.equal(scanner.scan(buffer, text.length), text.length * 2);
  assert.deepEqual([scanner.count, scanner.begun, scanner.name(1)], [2, false, 'b']);
});
