import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { buildCrl, buildName, crlNumber, fromHex, issuingDistributionPoint, parseCrl, toHex } from '@countersign/pki';
import type { CrlEntryTemplate, Name, Signer } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';

const NOW = Date.UTC(2026, 0, 1);
const signer: Signer = nodeSigner((await generateKeyPair('p256')).privateKey);
const issuers: readonly Name[] = ['Own', 'Second', 'Third'].map((value) => buildName([{ type: 'CN', value }]));
const [own] = issuers as [Name];

/** Content octets of the INTEGER of a number. */
function content(serial: number): Uint8Array {
  const hex = serial.toString(16);
  const octets = fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
  return (octets[0] as number) >= 0x80 ? Uint8Array.of(0, ...octets) : octets;
}

test('a look-up in an indirect list finds what a plain map finds', async () => {
  const entry = fc.record({ serial: fc.nat(300), issuer: fc.option(fc.nat(2), { nil: undefined, freq: 4 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 60 }), async (list) => {
      const expected = new Map<string, number>();
      let current = 0;
      const entries: CrlEntryTemplate[] = list.map(({ serial, issuer }, i) => {
        current = issuer ?? current;
        expected.set(`${current}:${serial}`, NOW + i * 1000);
        return {
          serialNumber: content(serial),
          revocationDate: NOW + i * 1000,
          certificateIssuer: issuer === undefined ? undefined : [{ type: 'directory', value: issuers[issuer] as Name }],
        };
      });
      const crl = parseCrl(
        await buildCrl(
          {
            issuer: own,
            thisUpdate: NOW,
            nextUpdate: NOW,
            entries,
            extensions: [crlNumber(1), issuingDistributionPoint({ indirectCrl: true })],
          },
          signer,
        ),
      );
      for (let serial = 0; serial <= 300; serial++) {
        for (const [i, issuer] of issuers.entries()) {
          assert.equal(crl.lookup(content(serial), issuer)?.revocationDate, expected.get(`${i}:${serial}`));
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('a list of 100,000 entries is read, walked and looked up, with little memory beside the octets', async () => {
  const count = 100_000;
  const entries = Array.from({ length: count }, (_, i) => ({
    serialNumber: content(i + 1),
    revocationDate: NOW + i * 1000,
    reason: 'superseded' as const,
  }));
  const encoded = await buildCrl(
    { issuer: own, thisUpdate: NOW, nextUpdate: NOW, entries, extensions: [crlNumber(1)] },
    signer,
  );
  entries.length = 0;
  const before = process.memoryUsage().arrayBuffers;
  const crl = parseCrl(encoded);
  assert.equal(crl.entryCount, count);
  for (const serial of [1, 127, 128, 255, 256, 65_535, count]) {
    assert.equal(crl.lookup(content(serial))?.revocationDate, NOW + (serial - 1) * 1000);
  }
  assert.equal(crl.lookup(content(count + 1)), undefined);
  // The index: about 12 octets an entry.
  assert.ok(process.memoryUsage().arrayBuffers - before < 2_000_000);
  let next = 1;
  crl.forEachEntry((entry) => {
    if (toHex(entry.serialNumber) !== toHex(content(next))) assert.fail(`entry ${next}`);
    next++;
    return next <= 50_000;
  });
  assert.equal(next, 50_001);
});

test('a list of entries with one and the same serial number is indexed as fast as any other', async () => {
  const entries = Array.from({ length: 50_000 }, (_, i) => ({ serialNumber: '05', revocationDate: NOW + i * 1000 }));
  const crl = parseCrl(
    await buildCrl({ issuer: own, thisUpdate: NOW, nextUpdate: NOW, entries, extensions: [crlNumber(1)] }, signer),
  );
  // Open addressing would take a thousand million steps here.
  assert.equal(crl.lookup(Uint8Array.of(5))?.revocationDate, NOW + 49_999_000);
  assert.equal(crl.lookup(Uint8Array.of(6)), undefined);
});
