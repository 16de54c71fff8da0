// npm's acme-client, as applications use it.
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import { serveHttp } from '@countersign/testkit';
import acme from 'acme-client';
import { type AcmeWorld, acmeWorld, statuses } from './world.ts';

let world: AcmeWorld;
before(async () => {
  world = await acmeWorld(['npm.test']);
  acme.axios.defaults.httpsAgent = new Agent({ ca: world.root });
});
after(() => world[Symbol.asyncDispose]());

test('acme-client enrolls, renews, revokes and changes its key', async () => {
  const answers = new Map<string, string>();
  await using _web = await serveHttp(
    (request, response) => void response.end(answers.get((request.url ?? '').split('/').at(-1) ?? '')),
    '127.0.0.1',
    world.httpPort,
  );
  const client = new acme.Client({ directoryUrl: world.directory, accountKey: await acme.crypto.createPrivateKey() });
  const enroll = async (): Promise<string> => {
    const [, csr] = await acme.crypto.createCsr({ commonName: 'npm.test', altNames: ['npm.test', '*.npm.test'] });
    return client.auto({
      csr,
      email: 'ops@example.com',
      termsOfServiceAgreed: true,
      // It would look at the system's name servers first.
      skipChallengeVerification: true,
      challengePriority: ['http-01', 'dns-01'],
      challengeCreateFn: async (authz, challenge, keyAuthorization) => {
        if (challenge.type === 'http-01') answers.set(challenge.token, keyAuthorization);
        else world.dns.set(`_acme-challenge.${authz.identifier.value}`, { texts: [keyAuthorization] });
      },
      challengeRemoveFn: async () => undefined,
    });
  };
  const first = await enroll();
  const info = acme.crypto.readCertificateInfo(first);
  assert.deepEqual(info.domains.altNames.toSorted(), ['*.npm.test', 'npm.test']);
  await enroll();
  await client.revokeCertificate(first, { reason: 4 });
  assert.deepEqual(await statuses(world, 'npm.test'), ['revoked superseded', 'valid']);
  await client.updateAccountKey(await acme.crypto.createPrivateEcdsaKey('P-384'));
  await enroll();
  await client.updateAccount({ status: 'deactivated' });
  await assert.rejects(enroll(), /deactivated/u);
});
