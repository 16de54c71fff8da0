// A process of its own for what is measured: `node server.ts authority DATA OPTIONS` or `node server.ts echo DATA`.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startAuthority } from '@countersign/authority';
import type { AuthorityOptions } from '@countersign/authority';
import { fastify } from 'fastify';

const [kind = '', data = '', options = '{}'] = process.argv.slice(2);
const ports = kind === 'authority' ? await startIssuing() : { port: await startEcho() };
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
process.on('disconnect', () => process.exit(0));
process.send?.(ports);

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

async function startIssuing(): Promise<{ port: number; enroll?: number }> {
  const { listen } = await startAuthority({
    dataDir: data,
    passphrase: 'bench',
    listen: '127.0.0.1:0',
    http: '127.0.0.1:0',
    ...(JSON.parse(options) as Partial<AuthorityOptions>),
  });
  return { port: portOf(listen.authority), ...(listen.enroll !== undefined && { enroll: portOf(listen.enroll) }) };
}

/** Nobody can answer over the same listener for less: mutual TLS, JSON read, JSON of the same size back, and nothing done. */
async function startEcho(): Promise<number> {
  const [key, cert, ca, body] = ['echo.key', 'echo.crt', 'ca/root.crt', 'answer.json'].map((file) =>
    readFileSync(join(data, file), 'utf8'),
  );
  const answer: unknown = JSON.parse(body ?? '');
  const app = fastify({ https: { key, cert, ca, requestCert: true, rejectUnauthorized: false } });
  // ACME's type of body, too: as many octets for as many.
  app.addContentTypeParser('application/jose+json', { parseAs: 'string' }, async (_: unknown, text: unknown) =>
    JSON.parse(String(text)),
  );
  app.post('/v1/certificates', () => answer);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}
