// The commands and the configuration that the documents show are run and read as they stand.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAgent } from '@countersign/agent';
import { compileConfig } from '@countersign/gateway';
import {
  launcher,
  node,
  peer,
  repository,
  runCommand,
  startProduct,
  temporaryFolder,
  without,
} from '@countersign/testkit';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { readAuthorityFile } from '../../packages/cli/src/config/authority-file.ts';
import { readStartFile } from '../../packages/cli/src/config/start-file.ts';

const read = (file: string): string => readFileSync(join(repository, file), 'utf8');

/** The fenced blocks of a document below a heading (of the whole without one), with what stands after their fence. */
function blocks(file: string, heading?: string): readonly { info: string; text: string }[] {
  const text = heading === undefined ? read(file) : (read(file).split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '');
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gmu)].map(([, info = '', body = '']) => ({ info, text: body }));
}

test('the five minutes of the README go as it says', { skip: without('curl', 'sh') }, async () => {
  using folder = temporaryFolder();
  // `npm start` was called here; `npx countersign` is the launcher of the repository.
  await using product = await startProduct({ data: folder.in('.countersign'), args: ['--workers', '1'] });
  mkdirSync(folder.in('bin'));
  const npx = `#!/bin/sh\n[ "$1" = countersign ] && shift && exec ${node} --conditions=countersign-source ${launcher} "$@"\nexit 1\n`;
  writeFileSync(folder.in('bin/npx'), npx);
  chmodSync(folder.in('bin/npx'), 0o755);
  const env = { ...process.env, PATH: `${folder.in('bin')}:${process.env['PATH'] ?? ''}` };
  const [block] = blocks('README.md', 'Five minutes to the first revoked client');
  assert.ok(block !== undefined);
  let cwd = folder.path;
  let refusals = 0;
  for (const line of block.text.trim().split('\n')) {
    const [command = '', promise = ''] = line.split(/\s+#\s+/u);
    if (command.startsWith('cd ')) {
      cwd = join(cwd, command.slice(3));
      continue;
    }
    const real = command.replaceAll('localhost:9443', `localhost:${product.port('gateway')}`);
    const ran = await runCommand(peer('sh') ?? 'sh', ['-c', real.replace(/^curl /u, 'curl -sS ')], { cwd, env });
    assert.equal(ran.code, 0, `${line}\n${ran.stderr}`);
    const [, status, code] = /^(\d{3}) (\w+)/u.exec(promise) ?? [];
    if (!command.startsWith('curl ')) continue;
    if (status === undefined) assert.match(ran.stdout, /"countersign-client-name"/u, line);
    else {
      refusals += 1;
      const problem = JSON.parse(ran.stdout) as { status: number; code: string };
      assert.deepEqual([String(problem.status), problem.code], [status, code], line);
    }
  }
  assert.equal(refusals, 2);
});

test('README and CONTRIBUTING name npm scripts and files that are there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const shown = ['README.md', 'CONTRIBUTING.md'].map(read).join('\n');
  const named = [...shown.matchAll(/\bnpm (?:run )?([a-z]+)\b/gu)].map(([, name = '']) => name);
  for (const name of named.filter((one) => !['ci', 'will', 'install'].includes(one)))
    assert.ok(name in scripts, `npm run ${name}`);
  for (const [, file = ''] of shown.matchAll(/--test (\S+\.ts)/gu)) assert.ok(existsSync(join(repository, file)), file);
});

const example = (kind: string): string =>
  blocks('docs/configuration.md').find(({ info }) => info === `yaml ${kind}`)?.text ??
  assert.fail(`no example of ${kind}`);

for (const kind of ['gateway', 'authority', 'agent']) {
  test(`the example of ${kind} --config is what its schema allows`, () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const validate = ajv.compile(JSON.parse(read(`schemas/${kind}.schema.json`)) as object);
    assert.ok(validate(parse(example(kind))), JSON.stringify(validate.errors));
  });
}

test('the programs read the examples', () => {
  using folder = temporaryFolder();
  const written = (kind: string): string => {
    writeFileSync(folder.in(`${kind}.yaml`), example(kind));
    return folder.in(`${kind}.yaml`);
  };
  const gateway = parse(example('gateway')) as { bundles: { partners: object } };
  assert.equal(compileConfig(gateway, folder.path).listeners.length, 1);
  Object.assign(gateway, { stapling: parse(example('gateway-stapling')) as object });
  Object.assign(gateway.bundles.partners, { revocation: parse(example('gateway-revocation')) as object });
  const asked = compileConfig(gateway, folder.path).bundles.get('partners')?.revocation;
  assert.deepEqual([asked?.crls?.sources.length, asked?.ocsp?.nonce, asked?.waitMs], [2, 'required', 2000]);
  assert.equal(readAuthorityFile(written('authority')).publicHttp, 'http://pki.example.com:8080');
  const start = readStartFile(written('start'));
  assert.deepEqual(start.flags.names, ['api.example.com', '192.0.2.10']);
  assert.deepEqual(start.gatewayConfig, { timeouts: { upstreamResponse: '20s' } });
  const agent = startAgent({ config: { ...(parse(example('agent')) as object), log: 'silent' }, baseDir: folder.path });
  assert.deepEqual(
    agent.identities.map(({ name }) => name),
    ['web', 'metrics'],
  );
  agent.stop();
});
