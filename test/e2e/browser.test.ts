// The keys of people are made in their browser: the built pki/web in a real one, read by openssl.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize, sep } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  endGroupWithProcess,
  node,
  peer,
  repository,
  runCommand,
  temporaryFolder,
  without,
} from '@countersign/testkit';

/** What the page hands back for each kind of key. */
interface Made {
  readonly kind: string;
  readonly csr: string;
  readonly p12: string;
}

const kinds = ['p256', 'p384', 'p521', 'ed25519', 'rsa2048'];
const password = 'pässwörd';

const page = `<!doctype html><meta charset="utf-8"><title>pki/web</title><script type="module">
import { buildCertificate, buildName, pemEncode, subjectAltName } from '/dist/index.js';
import { createWebPkcs12, createWebRequest, webSigner } from '/dist/web/index.js';
const subject = buildName([{ type: 'O', value: 'Prüfung' }, { type: 'CN', value: 'demo' }]);
const make = async (kind) => {
  const extensions = [subjectAltName([{ type: 'email', value: 'demo@b.example' }])];
  const { csr, keyPair } = await createWebRequest(kind, { subject, extensions }, crypto);
  const signer = await webSigner(keyPair, crypto);
  const certificate = await buildCertificate(
    { serialNumber: '0102', issuer: subject, subject, notBefore: 0, notAfter: 4e12, spki: signer.spki, extensions }, signer);
  const file = await createWebPkcs12(
    { privateKey: keyPair.privateKey, certificates: [certificate], friendlyName: 'demo' }, ${JSON.stringify(password)}, crypto);
  return { kind, csr: pemEncode('CERTIFICATE REQUEST', csr), p12: file.toBase64() };
};
const report = (value) => fetch('/made', { method: 'POST', body: JSON.stringify(value) });
try {
  await report(await Promise.all(${JSON.stringify(kinds)}.map(make)));
} catch (error) {
  await report(String(error?.stack ?? error));
}
</script>`;

/** Serves the page and what was built; tells what the page sends back. */
function serve(dist: string): { readonly server: Server; readonly made: Promise<unknown> } {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const server = createServer((request, response) => {
    const path = normalize(request.url ?? '/');
    if (request.method === 'POST') {
      void bodyOf(request).then((body) => {
        resolve(JSON.parse(body));
        response.end();
      });
    } else if (path === '/') response.setHeader('content-type', 'text/html').end(page);
    else if (path.startsWith(`${sep}dist${sep}`)) {
      response.setHeader('content-type', 'text/javascript').end(readFileSync(join(dist, path.slice(6))));
    } else response.writeHead(404).end();
  });
  return { server, made: promise };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
  return body;
}

describe('pki/web in Chromium', { skip: without('chromium', 'openssl') }, () => {
  const folder = temporaryFolder('countersign-browser-');
  let made: readonly Made[] = [];

  before(async () => {
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    const out = ['--outDir', folder.in('dist'), '--tsBuildInfoFile', folder.in('dist/.tsbuildinfo')];
    execFileSync(node, [tsc, '-p', join(repository, 'packages/pki'), ...out], { stdio: 'inherit' });
    const { server, made: answer } = serve(folder.in('dist'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    // The sandbox of Chromium does not start for root, in a container least of all.
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
    const args = [...flags, `--user-data-dir=${folder.in('profile')}`, `http://127.0.0.1:${port}/`];
    const browser = spawn(peer('chromium') ?? 'chromium', args, { stdio: 'ignore', detached: true });
    const endGroup = endGroupWithProcess(browser);
    const ended = once(browser, 'exit').then(() => 'the browser ended');
    try {
      const said = await Promise.race([answer, ended]);
      assert.ok(Array.isArray(said), String(said));
      made = said as Made[];
    } finally {
      endGroup();
      await ended;
      server.closeAllConnections();
      server.close();
    }
  });
  after(() => folder[Symbol.dispose]());

  for (const kind of kinds) {
    test(`openssl reads the request and the PKCS#12 file of a ${kind} key`, async () => {
      const { csr = '', p12 = '' } = made.find((one) => one.kind === kind) ?? {};
      const request = folder.in(`${kind}.csr`);
      writeFileSync(request, csr);
      const read = await runCommand('openssl', [
        'req',
        '-in',
        request,
        '-verify',
        '-noout',
        '-text',
        '-nameopt',
        'utf8',
      ]);
      assert.equal(read.code, 0, read.stderr);
      assert.match(`${read.stdout}${read.stderr}`, /verify OK/iu);
      assert.match(read.stdout, /Prüfung[^]*email:demo@b\.example/u);

      const file = folder.in(`${kind}.p12`);
      writeFileSync(file, Buffer.from(p12, 'base64'));
      const env = { ...process.env, PASS: password };
      const opened = await runCommand('openssl', ['pkcs12', '-in', file, '-nodes', '-passin', 'env:PASS'], { env });
      assert.equal(opened.code, 0, opened.stderr);
      assert.match(opened.stdout, /friendlyName: demo[^]*BEGIN CERTIFICATE/u);
      const pem = folder.in(`${kind}.pem`);
      writeFileSync(pem, opened.stdout);
      const ofKey = await runCommand('openssl', ['pkey', '-in', pem, '-pubout']);
      const ofRequest = await runCommand('openssl', ['req', '-in', request, '-noout', '-pubkey']);
      assert.match(ofKey.stdout, /BEGIN PUBLIC KEY/u);
      assert.equal(ofKey.stdout, ofRequest.stdout);
    });
  }
});
