// What a session is worth at the listener: nothing that its ticket keys, or this very handshake, do not vouch for.
import assert from 'node:assert/strict';
import { constants, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { before, test } from 'node:test';
import tls from 'node:tls';
import { type ListenerPeers, listenerPeers } from '../support/tls-listener.ts';

let peers: ListenerPeers;

before(async () => {
  peers = await listenerPeers();
});

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

for (const maxVersion of versions) {
  test(`T6: ${maxVersion}: a session taken up again and again ends with the ticket keys, not later`, async () => {
    await using fixture = await peers.start();
    let { session } = await peers.talk(fixture.port, { maxVersion });
    for (let count = 0; count < 5; count++) {
      assert.ok(session !== undefined);
      const next = await peers.talk(fixture.port, { maxVersion, session });
      assert.equal(next.text, '1 true');
      session = next.session ?? session;
    }
    fixture.listener.setTicketKeys(randomBytes(48));
    assert.ok(session !== undefined);
    assert.equal((await peers.talk(fixture.port, { maxVersion, session })).text, '2 false');
  });

  test(`T8: ${maxVersion}: a ticket that another server has made is nobody's word for a client`, async () => {
    await using fixture = await peers.start();
    // The attacker's own server: it saw whatever certificate the attacker chose, and sealed that into a ticket of its own.
    const theirs = tls.createServer(
      { ...peers.server, requestCert: true, rejectUnauthorized: false, ticketKeys: randomBytes(48) },
      (socket) => void socket.on('error', () => undefined).end('sealed'),
    );
    theirs.listen(0, '127.0.0.1');
    await once(theirs, 'listening');
    const { session } = await peers.talk((theirs.address() as AddressInfo).port, { maxVersion });
    theirs.close();
    assert.ok(session !== undefined);
    const nobody = { cert: undefined, key: undefined };
    assert.equal((await peers.talk(fixture.port, { maxVersion, session, ...nobody })).text, '0 false');
    assert.equal((await peers.talk(fixture.port, { maxVersion, session })).text, '2 false');
  });

  test(`T7: ${maxVersion}: a session says nothing about the protocol; that is agreed anew`, async () => {
    await using fixture = await peers.start();
    const ask = (ALPNProtocols: string[], session?: Buffer) =>
      peers.talk(fixture.port, { maxVersion, ALPNProtocols, ...(session === undefined ? {} : { session }) });
    const { session } = await ask(['http/1.1']);
    assert.equal((await ask(['h2'], session)).text, '1 true');
    assert.deepEqual(
      fixture.handshakes.map(({ socket }) => socket.alpnProtocol),
      ['http/1.1', 'h2'],
    );
  });
}

test('T7: TLS 1.2 sessions are kept by no server: without a ticket there is none', async () => {
  await using fixture = await peers.start();
  const options = { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET } as const;
  const { session } = await peers.talk(fixture.port, options);
  const again = await peers.talk(fixture.port, { ...options, ...(session === undefined ? {} : { session }) });
  assert.equal(again.text, '2 false');
});

test('T8: a ticket with an octet changed is no ticket', async () => {
  await using fixture = await peers.start();
  const { session } = await peers.talk(fixture.port, { maxVersion: 'TLSv1.2' });
  assert.ok(session !== undefined);
  // Field 10 of OpenSSL's session: [10] EXPLICIT OCTET STRING, both with lengths of two octets.
  const ticket =
    8 +
    session.findIndex(
      (octet, at) =>
        octet === 0xaa && [1, 4, 5].every((step, index) => session[at + step] === [0x82, 0x04, 0x82][index]),
    );
  assert.ok(ticket >= 8, 'the session has a ticket');
  const length = session.readUInt16BE(ticket - 2);
  for (let at = 0; at < length; at += Math.ceil(length / 12)) {
    const changed = Buffer.from(session);
    changed.writeUInt8(changed.readUInt8(ticket + at) ^ 1, ticket + at);
    const answer = await peers.talk(fixture.port, { maxVersion: 'TLSv1.2', session: changed });
    assert.equal(answer.text, '2 false', `octet ${at}`);
  }
  assert.equal((await peers.talk(fixture.port, { maxVersion: 'TLSv1.2', session })).text, '1 true');
});
