import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { issuersOf } from '../../../src/domain/ca.ts';
import { octetsOfReply, anotherNode, testResponder } from '../../support/ocsp.ts';
import { currentStore, describeOnEachStore } from '../../support/stores.ts';
import { parseOcspResponse } from '@countersign/pki';

describeOnEachStore('OCSP responders of several nodes', () => {
  it('do not say good after another node has revoked, nor revoked after another has released', async () => {
    await using first = await testResponder();
    await using second = await anotherNode(first);
    const alice = await first.issued('alice');
    const both = [first, second];
    for (const node of both) assert.equal((await node.ask(alice)).status, 'good');
    // PostgreSQL tells every node by itself; on one file a node looks every second.
    const next = (): Promise<void>[] =>
      currentStore().name === 'PostgreSQL' ? both.map((node) => node.told(alice)) : [];
    let told = next();
    await first.revoke(alice, 'certificateHold');
    await Promise.all(told);
    if (told.length === 0) for (const node of both) await node.pump();
    for (const node of both) {
      assert.equal((await node.ask(alice)).status, 'revoked');
      assert.equal((await node.ask(alice, { nonce: randomBytes(32) })).status, 'revoked');
    }
    told = next();
    await second.release(alice);
    await Promise.all(told);
    if (told.length === 0) for (const node of both) await node.pump();
    for (const node of both) assert.equal((await node.ask(alice)).status, 'good');
  });

  it('have each a key of their own, which the other answers for as for every certificate', async () => {
    await using first = await testResponder();
    await using second = await anotherNode(first);
    const alice = await first.issued('alice');
    const signers = [];
    for (const node of [first, second]) {
      const result = await node.ask(alice);
      assert.ok(result.status === 'good');
      signers.push(result.responder.certificate.serialHex);
    }
    assert.notEqual(signers[0], signers[1]);
    const [, of = ''] = signers;
    const [stored] = await first.domain.store.certificatesBySerial(of);
    assert.ok(stored);
    assert.equal((await first.ask(stored)).status, 'good');
  });
});

it('a node that has not been given the key of a CA yet asks to be tried later', async () => {
  await using test = await testResponder();
  const alice = await test.issued('alice');
  test.cas = { ...test.cas, issuing: [], elsewhere: issuersOf(test.cas) };
  await test.responder.responders.keep();
  const reply = await test.responder.respond(test.request([alice]));
  assert.equal(parseOcspResponse(octetsOfReply(reply)).status, 'tryLater');
});
