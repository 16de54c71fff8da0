import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decryptRc2Cbc } from '../../src/pkcs5/rc2.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** One block as in RFC 2268, section 5: the IV is chosen so that the plaintext gets eight octets of padding. */
function decryptBlock(key: string, bits: number, ciphertext: string, plaintext: string): Uint8Array | undefined {
  const iv = hex(plaintext).map((octet) => octet ^ 8);
  return decryptRc2Cbc(hex(key), bits, iv, hex(ciphertext));
}

describe('RC2', () => {
  const vectors: [string, number, string, string][] = [
    ['0000000000000000', 63, '0000000000000000', 'ebb773f993278eff'],
    ['ffffffffffffffff', 64, 'ffffffffffffffff', '278b27e42e2f0d49'],
    ['3000000000000000', 64, '1000000000000001', '30649edf9be7d2c2'],
    ['88', 64, '0000000000000000', '61a8a244adacccf0'],
    ['88bca90e90875a', 64, '0000000000000000', '6ccf4308974c267f'],
    ['88bca90e90875a7f0f79c384627bafb2', 64, '0000000000000000', '1a807d272bbe5db1'],
    ['88bca90e90875a7f0f79c384627bafb2', 128, '0000000000000000', '2269552ab0f85ca6'],
    ['88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e', 129, '0000000000000000', '5b78d3a43dfff1f1'],
  ];
  for (const [key, bits, plaintext, ciphertext] of vectors) {
    test(`RFC 2268 vector: ${key}, ${bits} effective bits`, () => {
      assert.deepEqual(decryptBlock(key, bits, ciphertext, plaintext), new Uint8Array());
    });
  }

  test('a wrong length or padding is undefined', () => {
    const key = hex('88bca90e90875a');
    assert.equal(decryptRc2Cbc(key, 64, new Uint8Array(8), new Uint8Array()), undefined);
    assert.equal(decryptRc2Cbc(key, 64, new Uint8Array(8), new Uint8Array(7)), undefined);
    assert.equal(decryptBlock('88bca90e90875a', 64, '6ccf4308974c267f', '0000000000000001'), undefined);
  });
});
