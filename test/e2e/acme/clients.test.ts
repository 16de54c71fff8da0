// The ACME clients people have, unmodified: each enrolls, renews and revokes.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { serveHttp, without } from '@countersign/testkit';
import { type AcmeWorld, acmeWorld, statuses, succeed, verified } from './world.ts';

let world: AcmeWorld;
before(async () => {
  world = await acmeWorld(['certbot.test', 'lego.test', 'uacme.test', 'dehydrated.test', 'also.dehydrated.test']);
});
after(() => world[Symbol.asyncDispose]());

/** A script that a client calls. */
function script(name: string, lines: readonly string[]): string {
  const path = join(world.folder, name);
  writeFileSync(path, ['#!/bin/sh', 'set -e', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
  return path;
}

/** A folder of the client's own. */
function home(name: string): string {
  const path = join(world.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** A web server on the port of http-01 that serves a folder's files. */
function webroot(folder: string) {
  return serveHttp(
    (request, response) => {
      try {
        response.end(readFileSync(join(folder, (request.url ?? '').split('/').at(-1) ?? '')));
      } catch {
        response.writeHead(404).end();
      }
    },
    '127.0.0.1',
    world.httpPort,
  );
}

test('certbot by http-01', { skip: without('certbot', 'openssl') }, async () => {
  const dir = home('certbot');
  const common = ['--non-interactive', '--config-dir', dir, '--work-dir', dir, '--logs-dir', dir];
  const server = ['--server', world.directory, '--standalone', '--http-01-port', String(world.httpPort)];
  const env = { REQUESTS_CA_BUNDLE: world.rootFile };
  const account = ['--agree-tos', '--email', 'ops@example.com', '--no-eff-email'];
  await succeed('certbot', ['certonly', ...common, ...server, ...account, '-d', 'certbot.test'], { env });
  const chain = join(dir, 'live/certbot.test/fullchain.pem');
  await verified(world, chain, 'certbot.test');
  await succeed('certbot', ['renew', ...common, '--force-renewal', '--no-random-sleep-on-renew'], { env });
  await verified(world, chain, 'certbot.test');
  const revoke = ['revoke', ...common, '--server', world.directory, '--cert-path', chain, '--reason', 'superseded'];
  await succeed('certbot', [...revoke, '--no-delete-after-revoke'], { env });
  assert.deepEqual(await statuses(world, 'certbot.test'), ['valid', 'revoked superseded']);
});

test('lego by tls-alpn-01', { skip: without('lego', 'openssl') }, async () => {
  const dir = home('lego');
  const env = { LEGO_CA_CERTIFICATES: world.rootFile };
  const account = ['--server', world.directory, '--path', dir, '--email', 'ops@example.com', '--accept-tos'];
  const common = [...account, '--domains', 'lego.test', '--tls', '--tls.port', `:${world.httpsPort}`];
  await succeed('lego', [...common, 'run'], { env });
  const chain = join(dir, 'certificates/lego.test.crt');
  await verified(world, chain, 'lego.test');
  await succeed('lego', [...common, 'renew', '--days', '365', '--no-random-sleep'], { env });
  await verified(world, chain, 'lego.test');
  await succeed('lego', [...account, '--domains', 'lego.test', 'revoke', '--reason', '4'], { env });
  assert.deepEqual(await statuses(world, 'lego.test'), ['valid', 'revoked superseded']);
});

test(
  'lego with an external account key by dns-01, a wildcard',
  { skip: without('lego', 'curl', 'openssl') },
  async () => {
    const [key] = await world.product.json('eab', 'create', 'lego', '--allow', 'dns:*.lego.test');
    const dir = home('lego-dns');
    const hook = script('lego-hook', [`[ "$1" != present ] || curl -sf "${world.control.url}$2/$3"`]);
    const env = { LEGO_CA_CERTIFICATES: world.rootFile, EXEC_PATH: hook, EXEC_PROPAGATION_TIMEOUT: '5' };
    const account = ['--server', world.directory, '--path', dir, '--email', 'ops@example.com', '--accept-tos', '--eab'];
    const keys = ['--kid', String(key?.['id']), '--hmac', String(key?.['hmacKey'])];
    const dns = ['--dns', 'exec', '--dns.disable-cp', '--dns.resolvers', world.dns.address];
    const common = [...account, ...keys, ...dns, '--domains', '*.lego.test'];
    await succeed('lego', [...common, 'run'], { env });
    await verified(world, join(dir, 'certificates/_.lego.test.crt'), 'any.lego.test');
    await succeed('lego', [...common, 'renew', '--days', '365', '--no-random-sleep'], { env });
    assert.deepEqual(await statuses(world, '*.lego.test'), ['valid', 'valid']);
  },
);

test('uacme by http-01 and by dns-01', { skip: without('uacme', 'unshare', 'curl', 'openssl') }, async () => {
  const dir = home('uacme');
  const answers = home('uacme-answers');
  // begin TYPE IDENT TOKEN AUTH
  const hook = script('uacme-hook', [
    'case "$1 $2" in',
    `"begin http-01") [ "$3" = uacme.test ] && printf %s "$5" > ${answers}/$4 ;;`,
    `"begin dns-01") curl -sf "${world.control.url}_acme-challenge.$3/$5" ;;`,
    'begin*) exit 1 ;;',
    'esac',
  ]);
  // It trusts the system's roots, as whoever installs ours there: here in a view of the files that is its own.
  const trusting = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec uacme "$@"';
  const uacme = (...args: readonly string[]) =>
    succeed('unshare', [
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      trusting,
      world.rootFile,
      '-a',
      world.directory,
      '-c',
      dir,
      ...args,
    ]);
  await uacme('-y', 'new', 'ops@example.com');
  await using web = await webroot(answers);
  await uacme('-h', hook, 'issue', 'uacme.test');
  const chain = join(dir, 'uacme.test/cert.pem');
  await verified(world, chain, 'uacme.test');
  await uacme('-f', '-h', hook, 'issue', 'uacme.test');
  assert.equal(web.seen.length, 2);
  await uacme('revoke', chain);
  assert.deepEqual(await statuses(world, 'uacme.test'), ['valid', 'revoked unspecified']);
  await uacme('-h', hook, 'issue', '*.wild.uacme.test');
  assert.deepEqual(await statuses(world, '*.wild.uacme.test'), ['valid']);
});

test(
  'dehydrated by http-01, and with a new account key',
  { skip: without('dehydrated', 'curl', 'openssl') },
  async () => {
    const dir = home('dehydrated');
    const answers = home('dehydrated-answers');
    const config = join(dir, 'config');
    const lines = [
      `CA="${world.directory}"`,
      `BASEDIR="${dir}"`,
      `WELLKNOWN="${answers}"`,
      `CURL_OPTS="--cacert ${world.rootFile}"`,
      'CONTACT_EMAIL=ops@example.com',
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    await using web = await webroot(answers);
    await succeed('dehydrated', ['--config', config, '--register', '--accept-terms']);
    const names = ['--domain', 'dehydrated.test also.dehydrated.test'];
    await succeed('dehydrated', ['--config', config, '--cron', ...names]);
    const chain = join(dir, 'certs/dehydrated.test/fullchain.pem');
    await verified(world, chain, 'also.dehydrated.test');
    await succeed('dehydrated', ['--config', config, '--cron', '--force', ...names]);
    assert.equal(web.seen.length, 4);
    await succeed('dehydrated', ['--config', config, '--revoke', join(dir, 'certs/dehydrated.test/cert.pem')]);
    assert.deepEqual(await statuses(world, 'dehydrated.test'), ['valid', 'revoked unspecified']);
    await succeed('dehydrated', ['--config', config, '--account']);
  },
);
