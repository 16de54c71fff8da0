// What was known of revocations before a restart is known after it: nobody comes in by what is older.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { authorityInfoAccess, OID } from '@countersign/pki';
import {
  BAD_ANSWERS,
  createRoot,
  type OcspBehaviour,
  serveHttp,
  serveOcsp,
  startUpstream,
  temporaryFolder,
  type TestCertificate,
} from '@countersign/testkit';
import { ask, startGateway } from '../support/gateway-process.ts';

const HOUR = 3_600_000;

test('T32, T36: older CRLs and OCSP answers are refused by a gateway that was restarted in between, also under soft', async () => {
  using folder = temporaryFolder();
  await using upstream = await startUpstream();
  const now = Date.now();
  const root = await createRoot('Clients');
  writeFileSync(folder.in('clients.pem'), root.pem);
  (await root.issueServer('crl.test')).write(folder.path, 'server');
  let behaviour: OcspBehaviour = { now: () => now, status: () => ({ status: 'revoked', revocationTime: now - HOUR }) };
  await using responder = await serveOcsp(root, () => behaviour);
  const naming = [authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: responder.url } }])];
  const client = await root.issue('mallory', { extensions: naming });
  const times = { thisUpdate: now - HOUR, nextUpdate: now + 24 * HOUR };
  let list = await root.crl({ ...times, number: 7, revoked: [client] });
  const old = await root.crl({ ...times, number: 6 });
  await using lists = await serveHttp((_request, response) => response.end(list));
  const host = (name: string) => ({
    names: [`${name}.test`],
    certificate: { files: { cert: 'server.crt', key: 'server.key' } },
    trust: [name],
    upstream: upstream.url,
  });
  const config = {
    listeners: [{ listen: '127.0.0.1:0', hosts: [host('crl'), host('ocsp')] }],
    bundles: {
      crl: { files: ['clients.pem'], revocation: { mode: 'soft' as const, crls: [{ url: lists.url }] } },
      ocsp: {
        files: ['clients.pem'],
        revocation: { use: 'ocsp' as const, mode: 'soft' as const, wait: '120s', allowAddresses: ['127.0.0.1'] },
      },
    },
    state: 'state',
    workers: 1,
  };
  const verdicts = async (who: TestCertificate): Promise<(string | undefined)[]> => {
    await using gateway = await startGateway({ baseDir: folder.path, config });
    const options = { port: gateway.port(), ca: root.pem, client: who };
    const answers = [await ask({ ...options, sni: 'crl.test' }), await ask({ ...options, sni: 'ocsp.test' })];
    await gateway.stop();
    return answers.map(({ code, status }) => code ?? String(status));
  };
  assert.deepEqual(await verdicts(client), ['revoked', 'revoked']);

  // The attacker on the way replays what was signed before.
  list = old;
  behaviour = { now: () => now - 60_000 };
  assert.deepEqual(await verdicts(client), ['revoked', 'revoked'], 'replayed');

  lists.behave(BAD_ANSWERS.error);
  responder.behave(BAD_ANSWERS.error);
  assert.deepEqual(await verdicts(client), ['revoked', 'revoked'], 'nobody answers');
  assert.deepEqual(await verdicts(await root.issue('good', { extensions: naming })), ['200', '200'], 'soft');
});
