// A process of its own for what is measured: `node server.ts authority DATA` or `node server.ts echo DATA`.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startAuthority } from '@countersign/authority';
import { fastify } from 'fastify';

const [kind = '', data = ''] = process.argv.slice(2);
const port = kind === 'authority' ? await startIssuing() : await startEcho();
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
process.on('disconnect', () => process.exit(0));
process.send?.({ port });

async function startIssuing(): Promise<number> {
  const authority = await startAuthority({
    dataDir: data,
    passphrase: 'bench',
    listen: '127.0.0.1:0',
    http: '127.0.0.1:0',
  });
  return Number(authority.listen.authority.split(':').at(-1));
}

/** Nobody can answer over the same listener for less: mutual TLS, JSON read, JSON of the same size back, and nothing done. */
async function startEcho(): Promise<number> {
  const [key, cert, ca, body] = ['echo.key', 'echo.crt', 'ca/root.crt', 'answer.json'].map((file) =>
    readFileSync(join(data, file), 'utf8'),
  );
  const answer: unknown = JSON.parse(body ?? '');
  const app = fastify({ https: { key, cert, ca, requestCert: true, rejectUnauthorized: false } });
  app.post('/v1/certificates', () => answer);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}
