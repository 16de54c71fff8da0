// The whole product staples: the gateway's certificate comes with the word of our own responder.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countersign, runCommand, sClient, startProduct, without } from '@countersign/testkit';

test(
  'the gateway staples the response of our own authority, and what is issued to be stapled says so',
  { skip: without('openssl') },
  async () => {
    await using product = await startProduct({ args: ['--workers', '1'] });
    for (const version of ['1.2', '1.3'] as const) {
      const { output, status } = await sClient({
        port: product.port('gateway'),
        client: product.client('demo'),
        version,
        args: ['-status'],
      });
      assert.match(output, /OCSP Response Status: successful[\s\S]*Cert Status: good/u, version);
      assert.match(output, /Verify return code: 0 \(ok\)/u);
      assert.equal(status, 200);
    }
    const issued = await countersign([
      'issue',
      'must.example',
      '--profile',
      'server',
      '--must-staple',
      '--json',
      '--data',
      product.data,
    ]);
    assert.equal(issued.code, 0, issued.stderr);
    const { files } = JSON.parse(issued.stdout) as { files: readonly string[] };
    const certificate = files.find((file) => file.endsWith('.crt')) ?? '';
    const { stdout } = await runCommand('openssl', ['x509', '-in', certificate, '-noout', '-ext', 'tlsfeature']);
    assert.match(stdout, /status_request/u);
    const refused = await countersign(['issue', 'nobody', '--must-staple', '--data', product.data]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /profile_forbids|is no server/u);
  },
);
