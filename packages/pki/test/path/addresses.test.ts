import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { formatIpAddress, parseIpAddress } from '../../src/index.ts';
import { parseIpRange } from '../../src/path/names/ip.ts';

describe('addresses', () => {
  test('are written as RFC 5952 has them and read back', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        (six, four) => {
          assert.deepEqual(parseIpAddress(formatIpAddress(six)), six);
          assert.deepEqual(parseIpAddress(formatIpAddress(four)), four);
        },
      ),
    );
    const written = (text: string): string => formatIpAddress(parseIpAddress(text) ?? new Uint8Array());
    assert.equal(written('2001:DB8:0:0:1:0:0:1'), '2001:db8::1:0:0:1');
    assert.equal(written('1:0:2:3:4:5:6:7'), '1:0:2:3:4:5:6:7');
    assert.equal(written('::'), '::');
  });

  test('in any other form are none', () => {
    for (const text of [
      '',
      '1.2.3',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4 ',
      '::1%eth0',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '::12345',
      '1.2.3.4::',
      '0x1.2.3.4',
    ]) {
      assert.equal(parseIpAddress(text), undefined, text);
    }
  });

  test('of ranges have contiguous masks', () => {
    assert.ok(parseIpRange(Uint8Array.of(10, 0, 0, 0, 255, 128, 0, 0)));
    for (const mask of [
      [255, 0, 255, 0],
      [0, 255, 0, 0],
      [255, 64, 0, 0],
      [1, 0, 0, 0],
    ]) {
      assert.equal(parseIpRange(Uint8Array.of(10, 0, 0, 0, ...mask)), undefined, mask.join('.'));
    }
  });
});
