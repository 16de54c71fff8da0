import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCsr, buildName, der, fromHex, parseCsr, PkiError, readKeyDelivery } from '@countersign/pki';
import type { KeyDelivery, PkiErrorCode } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';

const { privateKey } = await generateKeyPair('p256');

async function deliveryOf(attributes: Readonly<Record<string, readonly Uint8Array[]>>): Promise<KeyDelivery> {
  const list = Object.entries(attributes).map(([type, values]) => ({ type, values }));
  const request = await buildCsr(
    { subject: buildName([{ type: 'CN', value: 'a' }]), attributes: list },
    nodeSigner(privateKey),
  );
  return readKeyDelivery(parseCsr(request));
}

const shared = '1.2.840.113549.1.9.16.2.37';
const asymmetric = '1.2.840.113549.1.9.16.2.54';
const capabilities = '1.2.840.113549.1.9.15';
const aes = der.sequence(der.oid('2.16.840.1.101.3.4.1.42'));

test('a request says which key may open what is made for it, and by which algorithms', async () => {
  const none = { sharedKeyId: undefined, clientKeyId: undefined, capabilities: undefined };
  assert.deepEqual(await deliveryOf({}), none);
  const id = fromHex('0102');
  const rc2 = der.sequence(der.oid('1.2.840.113549.3.2'), der.integer(128));
  assert.deepEqual(
    await deliveryOf({ [asymmetric]: [der.octetString(id)], [capabilities]: [der.sequence(aes, rc2)] }),
    { ...none, clientKeyId: id, capabilities: ['2.16.840.1.101.3.4.1.42', '1.2.840.113549.3.2'] },
  );
  assert.deepEqual(await deliveryOf({ [shared]: [der.octetString(id)] }), { ...none, sharedKeyId: id });
  assert.deepEqual((await deliveryOf({ [capabilities]: [der.sequence()] })).capabilities, []);
});

const cases: readonly [what: string, type: string, values: readonly Uint8Array[], PkiErrorCode][] = [
  ['two identifiers', asymmetric, [der.octetString(fromHex('01')), der.octetString(fromHex('02'))], 'csr_malformed'],
  ['an identifier of another type', asymmetric, [der.utf8String('key')], 'der_tag'],
  ['an identifier with something inside', shared, [der.sequence(der.octetString(fromHex('01')))], 'der_tag'],
  ['an empty identifier', shared, [der.octetString(new Uint8Array())], 'csr_malformed'],
  ['capabilities without their list', capabilities, [der.oid('1.2.3')], 'der_tag'],
  ['a capability that is no pair', capabilities, [der.sequence(der.oid('1.2.3'))], 'der_tag'],
  [
    'a capability of three',
    capabilities,
    [der.sequence(der.sequence(der.oid('1.2.3'), der.integer(1), der.integer(2)))],
    'der_trailing',
  ],
  ['65 capabilities', capabilities, [der.sequence(...Array.from({ length: 65 }, () => aes))], 'csr_malformed'],
];
for (const [what, type, values, code] of cases) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(deliveryOf({ [type]: values }), (error) => error instanceof PkiError && error.code === code);
  });
}
