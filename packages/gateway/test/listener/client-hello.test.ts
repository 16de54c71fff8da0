// The server name is read whatever the pieces in which a ClientHello comes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { before, test } from 'node:test';
import { type ListenerPeers, listenerPeers, type Talk } from '../support/tls-listener.ts';

let peers: ListenerPeers;

before(async () => {
  peers = await listenerPeers();
});

const HEADER = 5;

/** The first TLS record cut into records of `size` octets each; what follows it stays. */
function cutRecord(bytes: Buffer, size: number): Buffer {
  const length = bytes.readUInt16BE(3);
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; at += size) {
    const piece = bytes.subarray(HEADER + at, HEADER + Math.min(at + size, length));
    const header = Buffer.from(bytes.subarray(0, HEADER));
    header.writeUInt16BE(piece.length, 3);
    pieces.push(header, piece);
  }
  return Buffer.concat([...pieces, bytes.subarray(HEADER + length)]);
}

/** Talks to the listener with a ClientHello that is cut on its way. */
async function talkCut(port: number, size: number, options: Parameters<ListenerPeers['talk']>[1]): Promise<Talk> {
  const relay = net.createServer((inbound) => {
    const outbound = net.connect({ port, host: '127.0.0.1', noDelay: true });
    let held = Buffer.alloc(0);
    let sent = false;
    inbound.on('data', (chunk: Buffer) => {
      if (sent) {
        outbound.write(chunk);
        return;
      }
      held = Buffer.concat([held, chunk]);
      if (held.length < HEADER || held.length < HEADER + held.readUInt16BE(3)) return;
      sent = true;
      outbound.write(cutRecord(held, size));
    });
    outbound.pipe(inbound);
    inbound.on('end', () => outbound.end());
    inbound.on('error', () => outbound.destroy());
    outbound.on('error', () => inbound.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  try {
    return await peers.talk((relay.address() as net.AddressInfo).port, options);
  } finally {
    relay.close();
  }
}

for (const [kind, options] of [
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
  ['TLS 1.3, in one packet', { ecdhCurve: 'prime256v1' }],
  ['TLS 1.3, in more than one packet for its post-quantum key', { ecdhCurve: 'X25519MLKEM768' }],
] as const) {
  test(`T12: a ClientHello cut into many TLS records still has its server name: ${kind}`, async () => {
    await using fixture = await peers.start();
    // OpenSSL bounds how many records it puts together; beyond that it refuses, and never guesses.
    for (const size of [60, 100, 517]) {
      assert.equal((await talkCut(fixture.port, size, options)).text, '2 false', `records of ${size}`);
      assert.equal(fixture.names.pop(), 'localhost', `records of ${size}`);
    }
  });
}

test('T12: a ClientHello in records of one octet is read, or refused before anything is served', async () => {
  await using fixture = await peers.start();
  const answer = await talkCut(fixture.port, 1, {}).catch(() => undefined);
  if (answer === undefined) assert.equal(fixture.failures.length, 1);
  else assert.deepEqual([answer.text, fixture.names], ['2 false', ['localhost']]);
});
