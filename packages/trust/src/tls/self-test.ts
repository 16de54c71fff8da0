import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { basicConstraints, buildCertificate, buildName, keyUsage, pemEncode } from '@countersign/pki';
import { nodeSigner, spkiOf } from '../crypto/node-keys.ts';
import { presentedChain } from './presented-chain.ts';
import { contextOptions, serverOptions } from './server-options.ts';

/** Long enough for two handshakes on a machine that is busy with other things. */
const TIMEOUT_MS = 10_000;
const HOUR_MS = 3_600_000;

/**
 * Checks that this Node shows what a client presents, also an intermediate that no bundle has: some versions show only the
 * leaf, and clients with intermediates would then be refused for no fault of theirs.
 *
 * @param now - milliseconds since the epoch
 * @throws Error that says what this Node does
 */
export async function testPresentedChain(now: number): Promise<void> {
  const root = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const middle = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const intermediate = await certify('self-test intermediate', middle, 'self-test root', root, true, now);
  const end = await certify('self-test', leaf, 'self-test intermediate', middle, false, now);
  const pair = { cert: end + intermediate, key: leaf.export({ type: 'pkcs8', format: 'pem' }) };
  const server = createServer({ ...contextOptions(pair, []), ...serverOptions(TIMEOUT_MS) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // The peer is this process itself, and nothing is said to it.
  const client = connect({ host: '127.0.0.1', port, ...pair, rejectUnauthorized: false });
  client.on('error', () => undefined);
  try {
    const [socket] = (await once(server, 'secureConnection', { signal: AbortSignal.timeout(TIMEOUT_MS) })) as [
      Parameters<typeof presentedChain>[0],
    ];
    const shown = presentedChain(socket).length;
    if (shown !== 2) {
      throw new Error(
        `Node ${process.versions.node} shows ${shown} of 2 presented certificates; 26.10 or newer is needed`,
      );
    }
  } finally {
    client.destroy();
    server.close();
  }
}

async function certify(
  subject: string,
  key: KeyObject,
  issuer: string,
  issuerKey: KeyObject,
  ca: boolean,
  now: number,
): Promise<string> {
  const der = await buildCertificate(
    {
      serialNumber: Buffer.concat([Buffer.of(1), randomBytes(8)]),
      issuer: buildName([{ type: 'CN', value: issuer }]),
      subject: buildName([{ type: 'CN', value: subject }]),
      notBefore: now - HOUR_MS,
      notAfter: now + HOUR_MS,
      spki: spkiOf(key),
      extensions: [basicConstraints({ ca }), keyUsage(ca ? ['keyCertSign'] : ['digitalSignature'])],
    },
    nodeSigner(issuerKey),
  );
  return pemEncode('CERTIFICATE', der);
}
