import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectIdentifier } from 'asn1js';
import * as fc from 'fast-check';
import { der, DerReader, fromHex, oidFromText, oidToText, PkiError, TAG, toHex } from '@countersign/pki';
import { BackWriter } from '../../src/der/back-writer.ts';

test('integers of any size are written so that two’s complement reads them, as strict DER', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
      const reader = new DerReader(der.integer(value));
      reader.integer();
      reader.finish();
      const octets = reader.content();
      assert.equal(BigInt.asIntN(octets.length * 8, BigInt(`0x${toHex(octets)}`)), value);
    }),
  );
});

test('unsigned magnitudes become the same INTEGER whatever zeros lead them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), fc.nat(4), (magnitude, zeros) => {
      const padded = new Uint8Array(zeros + magnitude.length);
      padded.set(magnitude, zeros);
      const value = BigInt(`0x0${toHex(magnitude)}`);
      assert.deepEqual(der.unsignedInteger(padded), der.integer(value));
    }),
  );
});

const arcs = fc.tuple(
  fc.oneof(
    fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
    fc.tuple(fc.constant(2n), fc.bigInt({ min: 0n, max: 2n ** 64n })),
  ),
  fc.array(fc.bigInt({ min: 0n, max: 2n ** 128n }), { maxLength: 5 }),
);

test('object identifiers of any arcs survive the way there and back', () => {
  fc.assert(
    fc.property(arcs, ([[first, second], rest]) => {
      const text = [first, second, ...rest].join('.');
      const octets = oidFromText(text);
      assert.equal(oidToText(octets, 0, octets.length), text);
      const reader = new DerReader(der.oid(text));
      assert.equal(reader.oidText(), text);
    }),
  );
});

test('object identifiers are written as asn1js writes them', () => {
  for (const value of ['1.2.840.113549.1.1.11', '2.5.29.17', '2.999.3', '0.9.2342.19200300.100.1.25', '1.3.101.112']) {
    assert.equal(toHex(der.oid(value)), Buffer.from(new ObjectIdentifier({ value }).toBER()).toString('hex'));
  }
});

test('what is not an object identifier is refused', () => {
  for (const text of [
    '',
    '1',
    '1.',
    '.1',
    '3.1',
    '1.40',
    '0.40',
    '1.02',
    '1.2.',
    '1.2.-3',
    '1.2.x',
    ' 1.2',
    '1.2\n',
    `1.2${'.1'.repeat(200)}`,
  ]) {
    assert.throws(
      () => der.oid(text),
      (error) => error instanceof PkiError && error.code === 'der_oid',
      text,
    );
  }
});

test('lengths of one to three octets are in their shortest form', () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const encoded = der.octetString(new Uint8Array(length));
    const reader = new DerReader(encoded);
    reader.octetString();
    reader.finish();
    assert.equal(reader.to - reader.from, length);
  }
});

test('named bits survive, without trailing zeros', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), (mask) => {
      assert.equal(new DerReader(der.namedBits(mask)).namedBits(), mask);
    }),
  );
});

test('a SET OF is put into order', () => {
  const parts = ['020105', '0500', '020101', '02020101'].map(fromHex);
  assert.equal(toHex(der.setOf(parts)), '310c020101020105020201010500');
});

test('an implicit tag keeps whether the element is constructed', () => {
  assert.equal(der.implicit(1, der.sequence())[0], 0xa1);
  assert.equal(der.implicit(1, der.octetString(new Uint8Array(0)))[0], 0x81);
});

test('text that its string type cannot hold is refused', () => {
  assert.throws(() => der.asciiString(TAG.IA5_STRING, 'é'), PkiError);
  assert.throws(() => der.utf8String('\ud800'), PkiError);
  assert.throws(() => der.integer(0.5), PkiError);
  assert.throws(() => fromHex('0g'), PkiError);
  assert.throws(() => fromHex('0'), PkiError);
});

test('what is written backwards is what is written forwards', () => {
  const writer = new BackWriter();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 60 }), (octets, text) => {
      const hex = toHex(octets);
      writer.reset();
      writer.putUtf8(text);
      writer.close(TAG.UTF8_STRING, 0);
      const end = writer.length;
      writer.putHex(hex.replace(/^0/, ''));
      const magnitude = writer.closeUnsigned(end);
      writer.close(TAG.SEQUENCE, end);
      writer.close(TAG.SEQUENCE, 0);
      const number = der.unsignedInteger(octets);
      assert.deepEqual(writer.result(), der.sequence(der.sequence(number), der.utf8String(text)));
      assert.equal(magnitude, hex.replace(/^(?:00)+/, '').length / 2);
    }),
  );
});

test('a writer grows, and refuses what does not fit', () => {
  const writer = new BackWriter();
  writer.reset();
  const octets = new Uint8Array(40_000).fill(7);
  writer.put(octets);
  writer.putAscii('ab');
  assert.deepEqual(writer.result(), Uint8Array.of(0x61, 0x62, ...octets));
  assert.throws(() => writer.putAscii('é'), PkiError);
  assert.throws(() => writer.putHex('0g'), PkiError);
  assert.throws(() => writer.putUtf8('\ud800'), PkiError);
  assert.equal(writer.length, 40_002);
});

test('what a writer gave away it does not write again, whatever came between', () => {
  const size = fc.record({
    octets: fc.integer({ min: 0, max: 3000 }),
    front: fc.integer({ min: 0, max: 8 }),
    back: fc.integer({ min: 0, max: 200 }),
    abandoned: fc.integer({ min: 0, max: 20_000 }),
  });
  fc.assert(
    fc.property(fc.array(size, { maxLength: 40 }), (sizes) => {
      const writer = new BackWriter();
      const given = sizes.map(({ octets, front, back, abandoned }, i) => {
        writer.reset(back);
        writer.put(new Uint8Array(octets).fill(i + 1));
        const start = writer.take(front);
        const view = writer.buffer.subarray(start - front, start + octets + back);
        assert.equal(view.length, front + octets + back);
        assert.ok(view.subarray(front, front + octets).every((octet) => octet === i + 1));
        view.fill(i + 1);
        // Given up halfway, as when a template is refused; and copied.
        writer.reset();
        writer.put(new Uint8Array(abandoned).fill(0xff));
        assert.equal(writer.result().length, abandoned);
        return view;
      });
      for (const [i, view] of given.entries()) assert.ok(view.every((octet) => octet === i + 1));
    }),
  );
});
