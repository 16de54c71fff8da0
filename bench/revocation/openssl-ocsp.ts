import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { buildOcspRequest, parseOcspResponse } from '@countersign/pki';
import { createRoot, peer } from '@countersign/testkit';
import type { TemporaryFolder } from '@countersign/testkit';
import { nodeCrypto } from '@countersign/trust';
import { freePort } from '../harness/front.ts';
import { sessionCost } from '../harness/session-cost.ts';
import type { OcspServer } from './ocsp-servers.ts';

/** `openssl ocsp` as a responder for certificates of a CA of its own, with the same kind of key; undefined where there is no openssl. */
export async function startOpensslOcsp(
  folder: TemporaryFolder,
  key: 'p256' | 'rsa2048',
): Promise<OcspServer | undefined> {
  const openssl = peer('openssl');
  if (openssl === undefined) return undefined;
  const ca = await createRoot('Bench OCSP', { key });
  const names = ['ca.pem', 'ca.key', 'index.txt', 'bodies'].map((name) => folder.in(`openssl-${key}-${name}`));
  const [pem = '', keyFile = '', index = '', bodies = ''] = names;
  writeFileSync(pem, ca.pem);
  writeFileSync(keyFile, ca.keyPem, { mode: 0o600 });
  const serials = Array.from({ length: 1000 }, (_, n) => `01${n.toString(16).padStart(30, '0')}`.toUpperCase());
  writeFileSync(index, serials.map((serial) => `V\t301231235959Z\t\t${serial}\tunknown\t/CN=${serial}\n`).join(''));
  const requests = serials.map((serial) => {
    const certificate = { serialNumber: Buffer.from(serial, 'hex'), issuer: ca.certificate.subject };
    return Buffer.from(buildOcspRequest([certificate], ca.certificate, nodeCrypto)).toString('base64');
  });
  writeFileSync(bodies, requests.join('\n'));
  const port = await freePort();
  const args = ['ocsp', '-port', String(port), '-index', index, '-CA', pem, '-rsigner', pem, '-rkey', keyFile];
  const child = spawn(openssl, args, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = once(child, 'exit');
  // Not by connecting: at a connection without a request it begins to turn in circles.
  await Promise.race([
    once(child.stdout, 'data'),
    gone.then(() => Promise.reject(new Error('openssl ocsp has ended'))),
  ]);
  return {
    name: `openssl ocsp, ${key === 'p256' ? 'P-256' : 'RSA-2048'}`,
    order: { port, path: '/', contentType: 'application/ocsp-request', bodies, connections: 1, keptAlive: false },
    cost: () => sessionCost(child.pid ?? 0),
    check: (body) => parseOcspResponse(body).status === 'successful',
    stop: async () => {
      child.kill();
      await gone;
    },
  };
}
