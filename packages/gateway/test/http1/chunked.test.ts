import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DEFAULT_HTTP_OPTIONS } from '../../src/connection.ts';
import { ChunkedDecoder } from '../../src/http1/chunked.ts';
import { FAULT } from '../../src/http1/section.ts';

const LIMITS = { ...DEFAULT_HTTP_OPTIONS.limits, chunkExtensions: 32 };

function decode(text: string, cuts: readonly number[] = []): string {
  const decoder = new ChunkedDecoder(LIMITS);
  const borders = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].toSorted(
    (a, b) => a - b,
  );
  let data = '';
  for (let index = 0; index + 1 < borders.length; index++) {
    const [from, to] = [borders[index] as number, borders[index + 1] as number];
    const next = decoder.read(Buffer.from(text.slice(from, to), 'latin1'), 0, (piece) => {
      data += piece.toString('latin1');
    });
    if (next === FAULT) return 'fault';
    if (decoder.complete) return JSON.stringify([data, text.slice(from + next), decoder.trailers.text]);
  }
  return `more ${data}`;
}

test('RFC 9112 section 7.1: chunks, extensions and trailers', () => {
  assert.equal(decode('5\r\nhello\r\n0\r\n\r\nGET'), '["hello","GET","\\r\\n"]');
  assert.equal(
    decode('005;a=b\r\nhello\r\nA \t;x="y;z"\r\n0123456789\r\n00\r\nX: y\r\n\r\n'),
    '["hello0123456789","","X: y\\r\\n\\r\\n"]',
  );
  assert.equal(decode('f\r\n0123'), 'more 0123');
});

test('what is not to the letter is a fault', () => {
  const faults = [
    '\r\n',
    ';x\r\n',
    ' 5\r\nhello\r\n',
    '+5\r\nhello\r\n',
    '-5\r\nhello\r\n',
    '0x5\r\nhello\r\n',
    '5g\r\nhello\r\n',
    '5 \r\nhello\r\n',
    '5\nhello\r\n',
    '5\rhello\r\n',
    '5\r\nhello\n',
    '5\r\nhello!\r\n',
    '5\r\nhell\r\n0\r\n\r\n',
    '5\r\nhello\r0\r\n\r\n',
    '5;a\nb\r\nhello\r\n',
    '5;a\0\r\nhello\r\n',
    `5;${'a'.repeat(40)}\r\nhello\r\n`,
    `${'0'.repeat(40)}5\r\nhello\r\n`,
    'ffffffffffffffff\r\n',
    '10000000000000000\r\n',
    '0\r\n folded\r\n\r\n',
    '0\r\nX : y\r\n\r\n',
    '0\r\nX: y\n\r\n',
  ];
  for (const text of faults) assert.equal(decode(text), 'fault', JSON.stringify(text));
});

test('extensions of all chunks together are bounded', () => {
  assert.equal(decode('1;aaaa\r\nx\r\n'.repeat(10)), 'fault');
});

test('any fragmentation of any bytes gives the same', () => {
  const piece = fc.constantFrom(
    '5\r\nhello\r\n',
    '1;x\r\n!\r\n',
    '0\r\n',
    '\r\n',
    'A: b\r\n',
    '3',
    'x',
    '\r',
    '\n',
    ';',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(100), { maxLength: 10 }), (pieces, cuts) => {
      const text = pieces.join('');
      assert.equal(decode(text, cuts), decode(text));
    }),
    { numRuns: 500 },
  );
});
