import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { deltaCrlIndicator, freshestCrl, pemEncode } from '@countersign/pki';
import { BAD_ANSWERS, createRoot, serveHttp, temporaryFolder } from '@countersign/testkit';
import { progressBar, progressText } from '../../src/terminal/progress.ts';
import { inProcess } from '../in-process.ts';

const told = (stdout: string): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

async function listFolder() {
  const folder = temporaryFolder();
  const root = await createRoot('Root');
  const other = await createRoot('Root');
  const [good, bad] = [await root.issue('good'), await root.issue('bad')];
  for (const [name, one] of Object.entries({ root, other, good, bad }))
    one.write(folder.path, name, { leafOnly: true });
  const der = await root.crl({ revoked: [bad], reason: 'keyCompromise', number: 7 });
  writeFileSync(folder.in('root.crl'), der);
  writeFileSync(folder.in('root.pem'), pemEncode('X509 CRL', der));
  const run = (...args: string[]) => inProcess(['crl', ...args], { cwd: folder.path, now: () => root.now });
  return { folder, root, bad, der, run };
}

test('a CRL of a file is shown and checked against its issuer, in either format', async () => {
  const { folder, bad, run } = await listFolder();
  using _ = folder;
  for (const file of ['root.crl', 'root.pem']) {
    const shown = await run(file, '--issuer', 'root.crt', '--entries', '--json');
    assert.equal(shown.exit, 0, shown.stderr);
    const { number, entries, signature, list } = told(shown.stdout);
    assert.deepEqual([number, entries, signature], ['7', 1, 'verified']);
    assert.deepEqual(
      (list as { serial: string; reason: string }[]).map(({ serial, reason }) => [serial, reason]),
      [[bad.certificate.serialHex, 'keyCompromise']],
    );
    const unchecked = await run(file);
    assert.equal(unchecked.exit, 0);
    assert.match(unchecked.stdout, /signature +not checked/u);
  }
});

test('a CRL of another CA of the same name is none of the issuer’s', async () => {
  const { folder, run } = await listFolder();
  using _ = folder;
  const refused = await run('root.crl', '--issuer', 'other.crt', '--json');
  assert.equal(refused.exit, 1);
  assert.equal(told(refused.stdout)['signature'], 'does not verify');
  assert.match(refused.stderr, /not signed by the issuer/u);
});

test('--cert tells whether a certificate is revoked, and wants the issuer for it', async () => {
  const { folder, run } = await listFolder();
  using _ = folder;
  const good = await run('root.crl', '--issuer', 'root.crt', '--cert', 'good.crt', '--json');
  assert.deepEqual([good.exit, told(good.stdout)['status']], [0, 'good']);
  const bad = await run('root.crl', '--issuer', 'root.crt', '--cert', 'bad.crt', '--json');
  assert.deepEqual([bad.exit, told(bad.stdout)['status']], [1, 'revoked']);
  assert.equal((await run('root.crl', '--cert', 'bad.crt')).exit, 2);
});

test('a CRL that has ended or has not begun is not in force', async () => {
  const { folder, root, run } = await listFolder();
  using _ = folder;
  const hour = 3_600_000;
  const cases = {
    past: { thisUpdate: root.now - 2 * hour, nextUpdate: root.now - hour },
    future: { thisUpdate: root.now + hour },
  };
  for (const [name, options] of Object.entries(cases)) {
    writeFileSync(folder.in(`${name}.crl`), await root.crl(options));
    const refused = await run(`${name}.crl`, '--issuer', 'root.crt');
    assert.equal(refused.exit, 1, name);
    assert.match(refused.stderr, /^countersign: the CRL (?:ended|begins) at \d{4}-.+\n$/u);
  }
});

test('what is no CRL, or not there, is exit code 2 in one line', async () => {
  const { folder, run } = await listFolder();
  using _ = folder;
  writeFileSync(folder.in('page.html'), '<!doctype html>');
  writeFileSync(folder.in('cut.crl'), readFileSync(folder.in('root.crl')).subarray(0, 60));
  for (const file of ['page.html', 'cut.crl', 'nowhere.crl', 'root.key']) {
    const refused = await run(file);
    assert.equal(refused.exit, 2, file);
    assert.equal(refused.stderr.trimEnd().split('\n').length, 1, refused.stderr);
  }
});

test('a CRL is fetched from a URL, from where a certificate says, and kept with --out', async () => {
  const { folder, root, der, run } = await listFolder();
  using _ = folder;
  await using server = await serveHttp((_request, response) => response.end(der));
  const fetched = await run(`${server.url}root.crl`, '--issuer', 'root.crt', '--out', 'kept.crl', '--json');
  assert.equal(fetched.exit, 0, fetched.stderr);
  assert.deepEqual(new Uint8Array(readFileSync(folder.in('kept.crl'))), der);
  (await root.issue('named', { crlUris: [`${server.url}root.crl`] })).write(folder.path, 'named');
  // Whoever wrote the certificate must not lead us to this machine.
  const before = server.connections;
  const refused = await run('named.crt');
  assert.equal(refused.exit, 1);
  assert.match(refused.stderr, /loopback address, which is not allowed here; allow it with --allow/u);
  assert.equal(server.connections, before);
  const allowed = await run('named.crt', '--allow', '127.0.0.1', '--json');
  assert.deepEqual([allowed.exit, told(allowed.stdout)['number']], [0, '7'], allowed.stderr);
});

test('--delta fetches the delta that a verified CRL names, and checks by both; one that does not fit is said to', async () => {
  const { folder, root, bad, run } = await listFolder();
  using _ = folder;
  await using server = await serveHttp((_request, response) => response.end());
  const list = (url: string, options: object = {}) =>
    root.crl({ number: 5, extensions: [freshestCrl([url])], ...options });
  writeFileSync(folder.in('full.crl'), await list(server.url));
  const news = (base: number, options: object = {}) =>
    root.crl({ number: 9, revoked: [bad], extensions: [deltaCrlIndicator(base)], ...options });
  const check = (...more: string[]) =>
    run('full.crl', '--issuer', 'root.crt', '--cert', 'bad.crt', '--json', '--allow', '127.0.0.1', ...more);
  const serve = (der: Uint8Array) => server.behave((_request, response) => response.end(der));

  assert.deepEqual([(await check()).exit, server.connections], [0, 0], 'the list alone knows nothing of it');
  serve(await news(5));
  const both = await check('--delta');
  assert.deepEqual([both.exit, told(both.stdout)['status']], [1, 'revoked'], both.stderr);
  assert.match(String(told(both.stdout)['delta']), /^number 9 to 5, 1 entries, until /u);
  serve(await news(6));
  assert.match((await check('--delta')).stderr, /the delta is to list 6 or later, and this is 5/u);
  serve(await news(5, { forgedBy: bad.key.privateKey }));
  assert.match((await check('--delta')).stderr, /the delta is not signed by the issuer/u);
  serve(await list(server.url));
  assert.match((await check('--delta')).stderr, /is no delta CRL/u);
  serve(await news(5, { thisUpdate: root.now - 7_200_000, nextUpdate: root.now - 3_600_000 }));
  assert.match((await check('--delta')).stderr, /the delta ended at/u);

  // Nobody is led anywhere by a list that is not verified, to an address that is not allowed, or without --issuer.
  const { connections } = server;
  writeFileSync(folder.in('full.crl'), await list(server.url, { forgedBy: bad.key.privateKey }));
  assert.match((await check('--delta')).stderr, /not signed by the issuer/u);
  writeFileSync(folder.in('full.crl'), await list(server.url));
  assert.match((await run('full.crl', '--issuer', 'root.crt', '--delta')).stderr, /allow it with --allow/u);
  assert.equal((await run('full.crl', '--delta')).exit, 2);
  assert.match((await run('root.crl', '--issuer', 'root.crt', '--delta')).stderr, /names no delta/u);
  assert.equal(server.connections, connections);
});

for (const [name, behave] of Object.entries(BAD_ANSWERS)) {
  test(`T34: a server that is ${name} ends the command within its bounds, in one line`, async () => {
    const { folder, run } = await listFolder();
    using _ = folder;
    await using server = await serveHttp(behave);
    const refused = await run(server.url, '--timeout', '1s', '--max-megabytes', '1');
    assert.ok(refused.exit > 0);
    assert.equal(refused.stdout, '');
    assert.match(refused.stderr, /^countersign: .+\n$/u);
  });
}

test('a long download shows how far it is, on a terminal only, and takes the line away', () => {
  const shown = (interactive: boolean): string => {
    let text = '';
    let now = 0;
    const stderr = { write: (more: string) => void (text += more) };
    const bar = progressBar({ interactive, now: () => now, process: { stdout: stderr, stderr } }, 'fetching');
    for (const received of [0, 1e6, 2e6, 3e6, 4e6]) {
      bar.update(received, 4e6);
      now += 300;
    }
    bar.end();
    return text;
  };
  assert.equal(shown(false), '');
  const text = shown(true);
  assert.match(text, /fetching \[#{12} {12}\] {2}50 % of 4\.0 MB/u);
  assert.doesNotMatch(text, / 25 %/u, 'what is there at once needs no bar');
  assert.ok(text.endsWith('\r\u001B[K'));
  assert.equal(progressText(1_500_000, undefined), '1.5 MB');
});
