// An issuing CA is taken back through the root's CRL: nothing that it has issued counts any more, and the product goes on with the next.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pemEncode } from '@countersign/pki';
import {
  type ClientFiles,
  countersign,
  curl,
  eventually,
  type Product,
  startProduct,
  startUpstream,
  temporaryFolder,
  without,
} from '@countersign/testkit';

test(
  'root crl --revoke: the gateway and verify refuse the chain, and the next issuing CA takes over',
  { skip: without('curl') },
  async () => {
    using folder = temporaryFolder();
    await using upstream = await startUpstream();
    const data = folder.in('data');
    const start = () => startProduct({ upstream: upstream.url, data, args: ['--workers', '2'] });
    const ask = async (product: Product, files: ClientFiles) => {
      const { status, body } = await curl(`https://localhost:${product.port('gateway')}/`, files);
      return status === 200 ? 'let in' : (JSON.parse(body) as { code: string }).code;
    };
    {
      await using product = await start();
      const demo = product.client('demo');
      const crls = async (): Promise<string> => {
        const ders = ['root', 'issuing-1'].map(async (name) =>
          (await fetch(`http://${product.ready.http}/crl/${name}.crl`)).bytes(),
        );
        const file = folder.in('crls.pem');
        writeFileSync(file, (await Promise.all(ders)).map((der) => pemEncode('X509 CRL', der)).join(''));
        return file;
      };
      const verify = async () =>
        countersign(['verify', demo.cert, '--trust', demo.ca, '--crl', await crls(), '--json']);
      assert.equal(await ask(product, demo), 'let in');
      assert.equal((await verify()).code, 0);

      const taken = await product.cli('root', 'crl', '--revoke', 'issuing-1', '--reason', 'cACompromise', '--json');
      assert.equal(taken.code, 0, taken.stderr);
      assert.deepEqual((JSON.parse(taken.stdout) as { revoked: string[] }).revoked, ['issuing-1']);
      await eventually('the gateway refuses', 20_000, async () => (await ask(product, demo)) === 'revoked');
      const refused = await verify();
      assert.equal(refused.code, 1);
      assert.equal((JSON.parse(refused.stdout) as { code: string }).code, 'revoked');
      const issued = await product.cli('issue', 'late');
      assert.equal(issued.code, 1);
      assert.match(issued.stderr, /init --renew-issuing/u);
      assert.equal((await product.cli('init', '--renew-issuing')).code, 0);
      await product.stop();
    }
    await using again = await start();
    const out = folder.in('clients');
    const issued = await again.cli('issue', 'next', '--out', out);
    assert.equal(issued.code, 0, issued.stderr);
    const next = { ca: join(out, 'ca.crt'), cert: join(out, 'next.crt'), key: join(out, 'next.key') };
    assert.equal(await ask(again, next), 'let in');
    assert.equal(await ask(again, again.client('demo')), 'revoked');
  },
);
