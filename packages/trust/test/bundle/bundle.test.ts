import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { buildName, pemEncode } from '@countersign/pki';
import { createRoot, TEST_TIME, temporaryFolder } from '@countersign/testkit';

import { loadBundle, makeBundle, nodeCrypto, TrustError, watchBundle } from '../../src/index.ts';
import type { Bundle, FilePort } from '../../src/index.ts';

const now = TEST_TIME;
const root = await createRoot('Root', { now });
const issuing = await root.issueCa('Issuing');
const leaf = await issuing.issue('leaf');

function from(content: string | Uint8Array, anchorsOnly = false): Bundle {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return makeBundle('b', [{ source: 'ca.pem', bytes, anchorsOnly }], nodeCrypto);
}

function refusal(content: string | Uint8Array): string {
  try {
    from(content);
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof TrustError);
    assert.match(error.message, /^ca\.pem: /);
    return error.code;
  }
}

function isTrustError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TrustError && error.code === code;
}

describe('a bundle', () => {
  test('takes self-signed certificates for anchors and others for intermediates', () => {
    const bundle = from(`# our CAs\n${issuing.pem}\nsome words\n${root.pem}${root.pem}`);
    assert.deepEqual(
      bundle.anchors.map((anchor) => anchor.certificate?.der),
      [root.der],
    );
    assert.deepEqual(
      bundle.intermediates.map((certificate) => certificate.der),
      [issuing.der],
    );
    assert.equal(from(root.der).anchors.length, 1);
    assert.equal(from(issuing.pem, true).anchors.length, 1);
  });

  test('takes a certificate that is only self-issued for no anchor', async () => {
    const next = await root.issueCa('Root', { subject: buildName([{ type: 'CN', value: 'Root' }]) });
    const bundle = from(root.pem + next.pem);
    assert.equal(bundle.anchors.length, 1);
    assert.deepEqual(bundle.intermediates[0]?.der, next.der);
  });

  test('refuses a root of version 3 that does not call itself a CA', async () => {
    const bare = await createRoot('Bare', { now, bare: true });
    assert.equal(refusal(bare.pem), 'trust_file_not_ca');
  });

  test('is refused for whatever is wrong with its files', () => {
    assert.equal(refusal(''), 'trust_file_empty');
    assert.equal(refusal(' \n\t\n'), 'trust_file_empty');
    assert.equal(refusal('just words'), 'trust_file_empty');
    assert.equal(refusal(root.pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')), 'trust_file_wrong_label');
    assert.throws(
      () =>
        makeBundle(
          'a',
          [{ source: 'a.pem', bytes: Buffer.from(root.pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')) }],
          nodeCrypto,
        ),
      /openssl x509 -in/u,
    );
    assert.equal(refusal(root.keyPem), 'trust_file_wrong_label');
    assert.equal(refusal(root.pem + root.keyPem), 'trust_file_wrong_label');
    assert.equal(refusal(root.pem.slice(0, 200)), 'trust_file_malformed');
    assert.equal(refusal(pemEncode('CERTIFICATE', root.der.subarray(0, 100))), 'trust_file_malformed');
    assert.equal(refusal(root.der.subarray(0, 100)), 'trust_file_malformed');
    assert.equal(refusal(Buffer.concat([root.der, root.der])), 'trust_file_malformed');
    assert.equal(refusal(root.pem + leaf.pem), 'trust_file_not_ca');
    assert.equal(refusal(issuing.pem), 'trust_file_no_anchor');
    assert.equal(refusal(new Uint8Array(17 * 1024 * 1024)), 'trust_file_too_large');
  });

  test('is refused when a file is missing or cannot be read', async () => {
    using folder = temporaryFolder();
    await writeFile(folder.in('root.pem'), root.pem);
    const files = [folder.in('root.pem'), folder.in('none.pem')];
    await assert.rejects(loadBundle({ name: 'b', files }), isTrustError('trust_file_missing'));
    await mkdir(folder.in('folder.pem'));
    const folders = [folder.in('folder.pem')];
    await assert.rejects(loadBundle({ name: 'b', files: folders }), isTrustError('trust_file_unreadable'));
    const denied: FilePort = {
      read: () => Promise.reject(Object.assign(new Error('denied'), { code: 'EACCES' })),
      watchDirectory: () => () => undefined,
    };
    await assert.rejects(loadBundle({ name: 'b', files, port: denied }), isTrustError('trust_file_unreadable'));
    await chmod(folder.in('root.pem'), 0o600);
  });

  test('has the anchors of its own file beside those of the others', async () => {
    using folder = temporaryFolder();
    await writeFile(folder.in('root.pem'), root.pem);
    await writeFile(folder.in('anchors.pem'), issuing.pem);
    const bundle = await loadBundle({
      name: 'b',
      files: [folder.in('root.pem')],
      anchorsFile: folder.in('anchors.pem'),
    });
    assert.equal(bundle.anchors.length, 2);
    assert.equal(bundle.intermediates.length, 0);
  });

  test('that breaks while it is followed keeps the last good one and shouts', async () => {
    using folder = temporaryFolder();
    const file = folder.in('ca.pem');
    await writeFile(file, root.pem);
    const changes: Bundle[] = [];
    const broken: unknown[] = [];
    const watched = await watchBundle({
      name: 'b',
      files: [file],
      onChange: (bundle) => changes.push(bundle),
      onBroken: (error) => broken.push(error),
    });
    await writeFile(file, '');
    await watched.check();
    assert.ok(isTrustError('trust_file_empty')(broken.at(-1)));
    assert.deepEqual(watched.value.anchors[0]?.certificate?.der, root.der);
    await writeFile(file, root.pem + issuing.pem);
    await watched.check();
    assert.equal(changes.at(-1)?.intermediates.length, 1);
    watched.stop();
    await assert.rejects(
      watchBundle({ name: 'b', files: [folder.in('none')], onChange: () => undefined, onBroken: () => undefined }),
      isTrustError('trust_file_missing'),
    );
  });
});
