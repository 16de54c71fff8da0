import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  bitString,
  constructed,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
} from '../../src/der/writer.ts';
import { parsePrivateKey } from '../../src/pkcs8/private-key-info.ts';

const p256 = '1.2.840.10045.3.1.7';
const ed25519 = '1.3.101.112';
const seed = octetString(new Uint8Array(32).fill(7));

function malformed(der: Uint8Array, code = 'private_key_malformed'): void {
  assert.throws(() => parsePrivateKey(der), { name: 'PkiError', code });
}

describe('PKCS#8 private keys', () => {
  test('attributes are passed over and a public key is told from version 2', () => {
    const attributes = implicit(0, setOf([sequence(oid('1.2.3'), setOf([integer(1)]))]));
    const der = sequence(
      integer(1),
      sequence(oid(ed25519)),
      octetString(seed),
      attributes,
      implicit(1, bitString(new Uint8Array(32))),
    );
    const key = parsePrivateKey(der);
    assert.equal(key.version, 2);
    assert.equal(key.publicKey?.length, 32);
    assert.deepEqual(key.kind, { type: 'ed25519' });
  });

  test('a key of an algorithm that we do not know is unknown, not an error', () => {
    const der = sequence(integer(0), sequence(oid('1.2.3.4')), octetString(Uint8Array.of(1)));
    assert.deepEqual(parsePrivateKey(der).kind, { type: 'unknown' });
  });

  test('what is not one key is refused', () => {
    const head = [integer(0), sequence(oid(ed25519))] as const;
    malformed(sequence(integer(2), sequence(oid(ed25519)), octetString(seed)));
    malformed(sequence(...head, octetString(seed), implicit(1, bitString(new Uint8Array(32)))));
    malformed(sequence(...head, octetString(octetString(new Uint8Array(31)))));
    malformed(sequence(integer(0), sequence(oid(ed25519), integer(1)), octetString(seed)));
    malformed(sequence(...head, octetString(seed), constructed(0xa5, [])), 'der_trailing');
    malformed(Uint8Array.of(...sequence(...head, octetString(seed)), 0), 'der_trailing');
    malformed(sequence(...head, octetString(Uint8Array.of(...seed, 0))), 'der_trailing');
    malformed(new Uint8Array(), 'der_truncated');
  });

  test('an EC key must have one named curve and the length of its field', () => {
    const ecKey = (curve: Uint8Array | undefined, octets: number, inner?: string): Uint8Array =>
      sequence(
        integer(0),
        sequence(oid('1.2.840.10045.2.1'), curve),
        octetString(
          sequence(
            integer(1),
            octetString(new Uint8Array(octets).fill(1)),
            inner === undefined ? undefined : explicit(0, oid(inner)),
          ),
        ),
      );
    assert.deepEqual(parsePrivateKey(ecKey(oid(p256), 32, p256)).kind, { type: 'ec', curve: 'P-256' });
    assert.deepEqual(parsePrivateKey(ecKey(oid('1.3.132.0.10'), 32)).kind, { type: 'unknown' });
    malformed(ecKey(oid(p256), 48));
    malformed(ecKey(oid(p256), 32, '1.3.132.0.34'));
    malformed(ecKey(undefined, 32));
    malformed(ecKey(sequence(integer(1)), 32));
  });

  test('every truncation and every flipped bit ends in a key or in a typed error', () => {
    const der = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'der' });
    let refused = 0;
    const attempt = (bytes: Uint8Array): void => {
      try {
        parsePrivateKey(bytes);
      } catch (error) {
        assert.ok(error instanceof Error && error.name === 'PkiError');
        refused++;
      }
    };
    for (let length = 0; length < der.length; length++) attempt(der.subarray(0, length));
    assert.equal(refused, der.length);
    for (let bit = 0; bit < 8 * der.length; bit += 3) {
      const flipped = Buffer.from(der);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      attempt(flipped);
    }
  });
});
