// What is made from the code is what the code makes now, and no code is used that no table explains.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AGENT_ERRORS } from '@countersign/agent';
import { GATEWAY_START_ERRORS } from '@countersign/gateway';
import { repository } from '@countersign/testkit';
import { CLI_FAILURES } from '../../packages/cli/src/failure-codes.ts';
import { generated } from '../../scripts/reference/generated.ts';

for (const [path, text] of Object.entries(generated())) {
  test(`${path} is as \`npm run reference\` would write it`, () => {
    assert.equal(readFileSync(join(repository, path), 'utf8'), text);
  });
}

test('schemas/ holds nothing that is not made', () => {
  const made = Object.keys(generated()).filter((path) => path.startsWith('schemas/'));
  assert.deepEqual(
    readdirSync(join(repository, 'schemas')).map((name) => `schemas/${name}`),
    made,
  );
});

function sources(name: string): string {
  const folder = join(repository, 'packages', name, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
}

const uses: readonly (readonly [string, RegExp, Readonly<Record<string, string>>])[] = [
  ['cli', /\bcode: '([a-z_]+)'/gu, CLI_FAILURES],
  ['agent', /new AgentError\('([a-z_]+)'/gu, AGENT_ERRORS],
  ['gateway', /new GatewayStartError\(\s*'([a-z_]+)'/gu, GATEWAY_START_ERRORS],
];
for (const [name, pattern, table] of uses) {
  test(`${name} fails with every code of its table, and with no other`, () => {
    const used = new Set([...sources(name).matchAll(pattern)].map(([, code]) => code ?? ''));
    if (name === 'cli') for (const code of ['malformed_certificate', 'revoked']) used.delete(code);
    assert.deepEqual([...used].toSorted(), Object.keys(table).toSorted());
  });
}
