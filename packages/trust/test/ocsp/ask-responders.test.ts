import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { OID } from '@countersign/pki';
import {
  BAD_ANSWERS,
  certIdOf,
  createRoot,
  deadPort,
  endWithProcess,
  serveHttp,
  serveOcsp,
  temporaryFolder,
  TEST_TIME,
  without,
} from '@countersign/testkit';
import type { OcspBehaviour, TestCertificate } from '@countersign/testkit';

import { AddressGuard, askResponders, guardForConfigured, nodeCrypto, nodeSigner } from '../../src/index.ts';
import type { AskOutcome, OcspPolicy } from '../../src/index.ts';

const HOUR = 3_600_000;
const root = await createRoot('Root', { now: TEST_TIME });
const client = await root.issue('client');
const other = await root.issue('other');
const NOCHECK = { oid: OID.ocspNoCheck, critical: false, value: Uint8Array.of(5, 0) };
const delegateOptions = { usages: [OID.ocspSigning], extensions: [NOCHECK] };
const delegate = await root.issue('OCSP', delegateOptions);

const policy: OcspPolicy = {
  nonce: 'off',
  timeoutMs: 5000,
  trustedResponders: [],
  responderStatus: () => 'unknown',
};

interface Asking {
  readonly policy?: Partial<OcspPolicy>;
  readonly certificate?: TestCertificate;
  readonly now?: number;
}

function ask(urls: readonly string[], asking: Asking = {}): Promise<AskOutcome> {
  const { certificate = client, now = TEST_TIME } = asking;
  return askResponders(
    {
      certificate: certificate.certificate,
      issuer: root.certificate,
      responders: urls.map((url) => ({ url: new URL(url), guard: guardForConfigured(new URL(url)) })),
    },
    { ...policy, ...asking.policy },
    { crypto: nodeCrypto, now: () => now, randomBytes },
  );
}

function wordOf(outcome: AskOutcome): string {
  if (outcome.kind === 'answer') return outcome.result.status;
  return outcome.kind === 'none' ? outcome.problem : outcome.kind;
}

/** What comes of asking a responder that behaves like this. */
async function outcomeOf(behaviour: OcspBehaviour, asking: Asking = {}): Promise<string> {
  await using server = await serveOcsp(root, () => behaviour);
  return wordOf(await ask([server.url], asking));
}

describe('asking an OCSP responder', () => {
  test('good, revoked and unknown, by the CA itself or a delegate that it certified', async () => {
    const revoked: OcspBehaviour = { status: () => ({ status: 'revoked', revocationTime: TEST_TIME - HOUR }) };
    assert.equal(await outcomeOf({}), 'good');
    assert.equal(await outcomeOf(revoked), 'revoked');
    assert.equal(await outcomeOf({ ...revoked, delegate }), 'revoked');
    assert.equal(await outcomeOf({ delegate }), 'good');
    assert.equal(await outcomeOf({ status: () => ({ status: 'unknown' }) }), 'unknown');
  });

  test('T36: an answer about another certificate is none', async () => {
    assert.equal(await outcomeOf({ about: () => certIdOf(other, root) }), 'ocsp_no_answer');
    const twin = await createRoot('Root', { now: TEST_TIME });
    const same = await twin.issue('same', { serial: client.certificate.serialHex });
    assert.equal(await outcomeOf({ about: () => certIdOf(same, twin) }), 'ocsp_no_answer');
  });

  test('T36: a delegate is one only with the CA’s signature, the right usage, in its time, and not revoked', async () => {
    const twin = await createRoot('Root', { now: TEST_TIME });
    const forged = await twin.issue('OCSP', delegateOptions);
    assert.equal(await outcomeOf({ delegate: forged }), 'ocsp_responder_unauthorized', 'same names, own CA');
    const selfMade = await root.issue('OCSP', { ...delegateOptions, forgedBy: twin.key.privateKey });
    assert.equal(await outcomeOf({ delegate: selfMade }), 'ocsp_responder_unauthorized', 'forged signature');
    const usual = await root.issue('OCSP', { extensions: [NOCHECK] });
    assert.equal(await outcomeOf({ delegate: usual }), 'ocsp_responder_unauthorized', 'a client’s certificate');
    const any = await root.issue('OCSP', { usages: ['2.5.29.37.0'], extensions: [NOCHECK] });
    assert.equal(await outcomeOf({ delegate: any }), 'ocsp_responder_unauthorized', 'anyExtendedKeyUsage');
    const late = await root.issue('OCSP', { ...delegateOptions, notAfter: TEST_TIME - 1000 });
    assert.equal(await outcomeOf({ delegate: late }), 'ocsp_responder_expired');
    const checked = await root.issue('OCSP', { usages: [OID.ocspSigning] });
    for (const [status, expected] of [
      ['good', 'good'],
      ['revoked', 'ocsp_responder_revoked'],
      ['unknown', 'ocsp_responder_revoked'],
    ] as const) {
      assert.equal(await outcomeOf({ delegate: checked }, { policy: { responderStatus: () => status } }), expected);
    }
    assert.equal(await outcomeOf({ shows: [], delegate }), 'ocsp_responder_unknown', 'without its certificate');
    const key = nodeSigner(other.key.privateKey);
    assert.equal(await outcomeOf({ forgedBy: key }), 'ocsp_signature', 'in the name of the CA');
    assert.equal(await outcomeOf({ delegate, forgedBy: key }), 'ocsp_signature', 'in the name of the delegate');
  });

  test('a responder of the configuration needs no word of the CA', async () => {
    const own = await (await createRoot('Elsewhere', { now: TEST_TIME })).issue('Responder');
    assert.equal(await outcomeOf({ delegate: own }), 'ocsp_responder_unauthorized');
    const trustedResponders = [own.certificate];
    assert.equal(await outcomeOf({ delegate: own, shows: [] }, { policy: { trustedResponders } }), 'good');
  });

  test('T36: the nonce: another is refused always, a missing one where it is required', async () => {
    const results = [];
    for (const nonce of ['off', 'optional', 'required'] as const) {
      for (const answer of ['echo', 'none', 'wrong'] as const) {
        results.push(`${nonce} ${answer}: ${await outcomeOf({ nonce: answer }, { policy: { nonce } })}`);
      }
    }
    assert.deepEqual(results, [
      'off echo: good',
      'off none: good',
      'off wrong: good',
      'optional echo: good',
      'optional none: good',
      'optional wrong: ocsp_nonce',
      'required echo: good',
      'required none: ocsp_nonce',
      'required wrong: ocsp_nonce',
    ]);
  });

  test('T36: tryLater and the other errors are no answer', async () => {
    for (const error of ['malformedRequest', 'internalError', 'tryLater', 'sigRequired', 'unauthorized'] as const) {
      assert.equal(await outcomeOf({ error }), 'ocsp_error', error);
    }
  });

  test('T36: too old, of the future, or without an end and older than an hour is none', async () => {
    assert.equal(await outcomeOf({ thisUpdate: -2 * HOUR, nextUpdate: -HOUR }), 'ocsp_expired');
    assert.equal(await outcomeOf({ thisUpdate: 2 * HOUR, nextUpdate: 3 * HOUR }), 'ocsp_not_yet_valid');
    assert.equal(await outcomeOf({ producedAt: HOUR }), 'ocsp_produced_at');
    assert.equal(await outcomeOf({ thisUpdate: 60_000 }), 'good', 'clocks differ');
    assert.equal(await outcomeOf({ nextUpdate: null }), 'good');
    assert.equal(await outcomeOf({ thisUpdate: -2 * HOUR, nextUpdate: null }), 'ocsp_expired');
    assert.equal(await outcomeOf({ thisUpdate: -2 * HOUR }, { policy: { maxAgeMs: HOUR } }), 'ocsp_expired');
    assert.equal(
      await outcomeOf({ thisUpdate: -2 * HOUR, nextUpdate: null }, { policy: { maxAgeMs: 3 * HOUR } }),
      'good',
    );
  });

  test('says until when an answer holds', async () => {
    await using server = await serveOcsp(root);
    const outcome = await ask([server.url]);
    assert.ok(outcome.kind === 'answer');
    assert.equal(outcome.freshUntil, TEST_TIME + HOUR);
    assert.equal(server.seen[0]?.method, 'POST');
    assert.equal(server.seen[0].headers['content-type'], 'application/ocsp-request');
  });

  for (const [name, answer] of Object.entries(BAD_ANSWERS)) {
    test(`T34: a responder that is ${name} gives no answer, and the next one is asked`, async () => {
      await using bad = await serveHttp(answer);
      await using honest = await serveOcsp(root);
      const timeoutMs = name === 'silent' || name === 'byte by byte' ? 200 : 20_000;
      const outcome = await ask([bad.url], { policy: { timeoutMs } });
      assert.equal(outcome.kind, 'none', wordOf(outcome));
      assert.equal(wordOf(await ask([bad.url, honest.url], { policy: { timeoutMs } })), 'good');
    });
  }

  test('a dead one, and none at all', async () => {
    assert.equal(wordOf(await ask([`http://127.0.0.1:${await deadPort()}/`])), 'network');
    assert.equal(wordOf(await ask([])), 'no_responder');
  });

  test('T35: a URL out of a certificate leads to no private address', async () => {
    await using server = await serveOcsp(root);
    const responders = [{ url: new URL(server.url), guard: new AddressGuard() }];
    const question = { certificate: client.certificate, issuer: root.certificate, responders };
    const outcome = await askResponders(question, policy, { crypto: nodeCrypto, now: () => TEST_TIME, randomBytes });
    assert.equal(wordOf(outcome), 'forbidden');
    assert.equal(server.connections, 0);
  });

  test(
    'OpenSSL as the responder, with and without a nonce, of the CA and of a delegate',
    { skip: without('openssl') },
    async () => {
      using folder = temporaryFolder();
      const now = Date.now();
      const ca = await createRoot('OpenSSL OCSP', { now });
      const [good, bad, gone] = [await ca.issue('good'), await ca.issue('bad'), await ca.issue('gone')];
      const responder = await ca.issue('OCSP', delegateOptions);
      const line = (kind: string, { certificate }: TestCertificate) =>
        `${kind}\t${certificate.serialHex.toUpperCase()}\tunknown\t/CN=x\n`;
      writeFileSync(
        folder.in('index.txt'),
        line('V\t400101000000Z\t', good) + line('R\t400101000000Z\t250101000000Z,keyCompromise', bad),
      );
      ca.write(folder.path, 'ca', { leafOnly: true });
      responder.write(folder.path, 'ocsp', { leafOnly: true });
      for (const signer of ['ca', 'ocsp']) {
        const files = ['-index', folder.in('index.txt'), '-CA', folder.in('ca.crt')];
        const keys = ['-rsigner', folder.in(`${signer}.crt`), '-rkey', folder.in(`${signer}.key`)];
        const options = ['ocsp', '-port', '0', '-nmin', '5', ...files, ...keys];
        const child = endWithProcess(spawn('openssl', options, { stdio: ['ignore', 'pipe', 'pipe'] }));
        const exited = once(child, 'exit');
        try {
          const [said] = (await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])) as [Buffer];
          const [, port] = /ACCEPT .*:(\d+)/u.exec(said.toString()) ?? [];
          assert.ok(port !== undefined, said.toString());
          for (const nonce of ['off', 'required'] as const) {
            const words = [];
            for (const who of [good, bad, gone]) {
              const url = new URL(`http://127.0.0.1:${port}/`);
              const question = {
                certificate: who.certificate,
                issuer: ca.certificate,
                responders: [{ url, guard: guardForConfigured(url) }],
              };
              const ports = { crypto: nodeCrypto, now: Date.now, randomBytes };
              words.push(wordOf(await askResponders(question, { ...policy, nonce }, ports)));
            }
            assert.deepEqual(words, ['good', 'revoked', 'unknown'], `${signer}, nonce ${nonce}`);
          }
        } finally {
          child.kill('SIGKILL');
          await exited;
        }
      }
    },
  );
});
