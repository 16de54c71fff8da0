// CRLs that OpenSSL has made are understood as it means them; and on ours it comes to the same verdicts.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  crlDistributionPoints,
  deltaCrlIndicator,
  freshestCrl,
  issuingDistributionPoint,
  pemEncode,
} from '@countersign/pki';
import { createRoot, temporaryFolder, without } from '@countersign/testkit';
import type { TestCertificate } from '@countersign/testkit';

import { anchorOf, CrlSet, judge, nodeCrypto, TrustState } from '../../src/index.ts';
import type { Bundle } from '../../src/index.ts';

const skip = without('openssl');
const now = Date.now();
const root = await createRoot('OpenSSL CA', { now });
const signer = await root.issueCa('CRL Signer', { keyUsage: ['cRLSign'] });
const bundle: Bundle = {
  name: 'partners',
  anchors: [anchorOf(root.certificate)],
  intermediates: [signer.certificate],
};

function setOf(...lists: readonly Uint8Array[]): CrlSet {
  const set = new CrlSet({ name: 'partners', crypto: nodeCrypto, expected: [] });
  set.setIssuers(bundle);
  for (const [at, der] of lists.entries()) set.offer(der, `list ${at}`, Date.now());
  return set;
}

function verdictOf(set: CrlSet, who: TestCertificate): string {
  const state = new TrustState();
  state.setBundle(bundle, set);
  const verdict = judge(
    { presented: [who.der], resumed: false },
    { id: 'p', bundles: ['partners'] },
    state,
    Date.now(),
  );
  return verdict.ok ? 'accepted' : verdict.code;
}

/** Has `openssl ca` sign a CRL. */
function opensslCrl(
  folder: string,
  number: number,
  revoked: readonly (readonly [TestCertificate, string])[],
  extensions: string,
): Uint8Array {
  const lines = revoked.map(([{ certificate }, reason]) => {
    return `R\t300101000000Z\t250101000000Z,${reason}\t${certificate.serialHex.toUpperCase()}\tunknown\t/CN=x\n`;
  });
  writeFileSync(`${folder}/index.txt`, lines.join(''));
  writeFileSync(`${folder}/crlnumber`, `${number.toString(16).padStart(2, '0')}\n`);
  root.write(folder, 'ca', { leafOnly: true });
  const config = `[ca]
default_ca = this
[this]
database = ${folder}/index.txt
crlnumber = ${folder}/crlnumber
certificate = ${folder}/ca.crt
private_key = ${folder}/ca.key
default_md = sha256
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
${extensions}
`;
  writeFileSync(`${folder}/ca.cnf`, config);
  const options = ['ca', '-gencrl', '-config', `${folder}/ca.cnf`, '-crlhours', '1', '-out', `${folder}/crl.pem`];
  execFileSync('openssl', options, { stdio: 'pipe' });
  return new Uint8Array(readFileSync(`${folder}/crl.pem`));
}

/** What `openssl verify` makes of a certificate by CRLs. */
function opensslVerdict(folder: string, who: TestCertificate, lists: readonly Uint8Array[]): string {
  writeFileSync(`${folder}/who.pem`, who.pem);
  writeFileSync(`${folder}/root.pem`, root.pem);
  writeFileSync(`${folder}/signer.pem`, signer.pem);
  const files = lists.flatMap((der, at) => {
    writeFileSync(`${folder}/${at}.crl`, pemEncode('X509 CRL', der));
    return ['-CRLfile', `${folder}/${at}.crl`];
  });
  const options = ['-crl_check', '-extended_crl', '-use_deltas', '-CAfile', `${folder}/root.pem`];
  const { status, stderr } = spawnSync(
    'openssl',
    ['verify', ...options, '-untrusted', `${folder}/signer.pem`, ...files, `${folder}/who.pem`],
    { encoding: 'utf8' },
  );
  if (status === 0) return 'accepted';
  return /certificate revoked/u.test(stderr) ? 'revoked' : 'unknown';
}

test('a complete list of OpenSSL and its deltas: revoked, on hold, released', { skip }, async () => {
  using folder = temporaryFolder();
  const [held, bad, good] = [await root.issue('held'), await root.issue('bad'), await root.issue('good')];
  const base = opensslCrl(folder.path, 5, [[held, 'certificateHold']], '');
  const delta = (from: string) => `2.5.29.27 = critical,DER:0201${from}`;
  const set = setOf(base);
  assert.deepEqual(
    [held, bad, good].map((who) => verdictOf(set, who)),
    ['revoked', 'accepted', 'accepted'],
  );
  const first = opensslCrl(
    folder.path,
    6,
    [
      [bad, 'keyCompromise'],
      [held, 'removeFromCRL'],
    ],
    delta('05'),
  );
  assert.equal(set.offer(first, 'delta', Date.now()).kind, 'loaded');
  assert.deepEqual(
    [held, bad, good].map((who) => verdictOf(set, who)),
    ['accepted', 'revoked', 'accepted'],
  );
  const ahead = opensslCrl(folder.path, 9, [[good, 'superseded']], delta('08'));
  assert.equal(set.offer(ahead, 'delta', Date.now()).kind, 'waiting');
  assert.deepEqual(
    [held, bad, good].map((who) => verdictOf(set, who)),
    ['accepted', 'revoked', 'accepted'],
  );
});

test('partitions of OpenSSL, by distribution point, kind and reason, and an indirect list', { skip }, async () => {
  using folder = temporaryFolder();
  const uri = 'http://crl.test/7.crl';
  const here = await root.issue('here', { crlUris: [uri] });
  const [bad, plain] = [await root.issue('bad', { crlUris: [uri] }), await root.issue('plain')];
  const idp = (lines: string) => `issuingDistributionPoint = critical,@idp\n[idp]\n${lines}`;
  const partition = opensslCrl(folder.path, 1, [[bad, 'keyCompromise']], idp(`fullname = URI:${uri}`));
  const verdicts = (...lists: readonly Uint8Array[]) =>
    [here, bad, plain].map((who) => verdictOf(setOf(...lists), who));
  const unknown = 'revocation_unknown';
  assert.deepEqual(verdicts(partition), ['accepted', 'revoked', unknown]);
  const cas = opensslCrl(folder.path, 1, [], idp('onlyCA = TRUE'));
  assert.deepEqual(verdicts(cas), [unknown, unknown, unknown]);
  const users = opensslCrl(folder.path, 1, [[plain, 'superseded']], idp('onlyuser = TRUE'));
  assert.deepEqual(verdicts(users), ['accepted', 'accepted', 'revoked']);
  const keys = opensslCrl(
    folder.path,
    1,
    [[bad, 'keyCompromise']],
    idp('onlysomereasons = keyCompromise, CACompromise'),
  );
  assert.deepEqual(verdicts(keys), [unknown, 'revoked', unknown]);
  const rest =
    'affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, AACompromise';
  const others = opensslCrl(folder.path, 1, [[plain, 'superseded']], idp(`onlysomereasons = ${rest}`));
  assert.deepEqual(verdicts(keys, others), ['accepted', 'revoked', 'revoked']);
  const indirect = opensslCrl(folder.path, 1, [[bad, 'superseded']], idp('indirectCRL = TRUE'));
  assert.deepEqual(verdicts(indirect), ['accepted', 'revoked', 'accepted']);
});

test(
  'on lists of ours OpenSSL comes to the same verdicts: deltas, partitions and indirect lists',
  { skip },
  async () => {
    using folder = temporaryFolder();
    const directory = [{ type: 'directory', value: signer.certificate.subject }] as const;
    const uri = 'http://crl.test/i.crl';
    const fullName = [{ type: 'uri', value: uri }] as const;
    const away = [crlDistributionPoints([{ name: { fullName }, crlIssuer: directory }])];
    const [good, bad] = [await root.issue('good', { crlUris: [uri] }), await root.issue('bad', { crlUris: [uri] })];
    const [goodAway, badAway] = [
      await root.issue('good away', { extensions: away }),
      await root.issue('bad away', { extensions: away }),
    ];
    const point = { name: { fullName } };
    const entries = [bad, badAway].map(({ certificate }) => ({
      serialNumber: certificate.serialHex,
      revocationDate: now - 1000,
      reason: 'keyCompromise' as const,
    }));
    const indirectEntries = entries.map((one) => ({
      ...one,
      certificateIssuer: [{ type: 'directory', value: root.certificate.subject }] as const,
    }));
    const partition = [issuingDistributionPoint(point)];
    // OpenSSL looks for deltas only where the list says that there are some.
    const deltas = freshestCrl([uri]);
    const cases: readonly (readonly Uint8Array[])[] = [
      [await root.crl({ number: 5, entries })],
      [
        await root.crl({ number: 5, extensions: [deltas] }),
        await root.crl({ number: 6, entries, extensions: [deltaCrlIndicator(5)] }),
      ],
      [await root.crl({ number: 5, entries, extensions: partition })],
      [
        await root.crl({ number: 5, extensions: [...partition, deltas] }),
        await root.crl({ number: 6, entries, extensions: [...partition, deltaCrlIndicator(5)] }),
      ],
      [
        await signer.crl({
          entries: indirectEntries,
          extensions: [issuingDistributionPoint({ ...point, indirectCrl: true })],
        }),
      ],
    ];
    for (const [at, lists] of cases.entries()) {
      const set = setOf(...lists);
      // Who names another CRL issuer is asked of that one alone; OpenSSL still takes the CA's own list, which we do not.
      for (const who of at === cases.length - 1 ? [good, bad, goodAway, badAway] : [good, bad]) {
        const own = verdictOf(set, who).replace('revocation_', '');
        assert.equal(own, opensslVerdict(folder.path, who, lists), `case ${at}, ${who.certificate.subject.key}`);
      }
    }
  },
);
