import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { berToDer } from '../../src/ber/ber-to-der.ts';

function rewritten(ber: string): string {
  return Buffer.from(berToDer(Buffer.from(ber, 'hex'))).toString('hex');
}

function refused(ber: string, code: string): void {
  assert.throws(() => berToDer(Buffer.from(ber, 'hex')), { name: 'PkiError', code });
}

describe('BER to DER', () => {
  test('DER stays the same memory', () => {
    const der = Buffer.from('3006020101040101', 'hex');
    assert.equal(berToDer(der), der);
  });

  test('indefinite lengths become definite, also within each other', () => {
    assert.equal(rewritten('3080020101308004010a00000000'), '3008020101300304010a');
  });

  test('long-winded lengths become short', () => {
    assert.equal(rewritten('30820003020101'), '3003020101');
    assert.equal(rewritten('308106048200020102'), '300404020102');
  });

  test('an OCTET STRING in pieces becomes whole, also where the pieces are in pieces', () => {
    assert.equal(rewritten('248004020102248004010300000000'), '0403010203');
    assert.equal(rewritten('240704020102040103'), '0403010203');
  });

  test('what is not BER is refused with the offset', () => {
    refused('', 'der_truncated');
    refused('30', 'der_truncated');
    refused('3080020101', 'der_truncated');
    refused('3080020101000000', 'der_trailing');
    refused('04800000', 'der_length');
    refused('30850000000000', 'der_length');
    refused('24800201010000', 'der_tag');
    refused('30801f01000000', 'der_tag');
    refused('3080'.repeat(33) + '0000'.repeat(33), 'der_depth');
  });

  test('many tiny elements hit a budget before they fill the memory', () => {
    const many = Buffer.concat([
      Buffer.from('3080', 'hex'),
      Buffer.alloc(600_000, '0500', 'hex'),
      Buffer.from('0000', 'hex'),
    ]);
    assert.throws(() => berToDer(many), { code: 'der_size' });
  });
});
