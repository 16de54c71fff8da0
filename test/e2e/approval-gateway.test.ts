// A gateway whose server certificate waits for an administrator: across restarts it is one request, with one key.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  countersign,
  curl,
  eventually,
  lockHolder,
  startProduct,
  temporaryFolder,
  without,
} from '@countersign/testkit';

test(
  'a gateway that was killed while its server certificate waited takes it up with the key that it had kept',
  { skip: without('curl') },
  async () => {
    using folder = temporaryFolder('countersign-approval-gateway-');
    const data = folder.in('D');
    writeFileSync(folder.in('start.yaml'), 'profiles:\n  server:\n    approval: required\n');
    const args = ['--workers', '1', '--config', folder.in('start.yaml')];
    const identityDir = join(data, 'gateway');
    const started = (): Promise<'ready' | 'ended'> =>
      startProduct({ data, args }).then(
        async (product) => {
          await product[Symbol.asyncDispose]();
          return 'ready' as const;
        },
        () => 'ended' as const,
      );
    const waiting = async (): Promise<readonly string[]> => {
      const { code, stdout } = await countersign(['requests', '--json', '--data', data]);
      if (code !== 0) return [];
      return (JSON.parse(stdout) as { id: string; profile: string }[]).map(({ id }) => id);
    };
    const pendingKeys = (): string[] =>
      readdirSync(identityDir).filter((name) => name.startsWith('server-') && name.endsWith('.key.pending'));

    const first = started();
    let ids: readonly string[] = [];
    await eventually('its certificate waits', 60_000, async () => (ids = await waiting()).length === 1);
    await eventually('its key is kept', 10_000, () => pendingKeys().length === 1);
    const [name = ''] = pendingKeys();
    const kept = join(identityDir, name);
    assert.equal(statSync(kept).mode & 0o777, 0o600);
    const key = readFileSync(kept, 'utf8');
    process.kill(-lockHolder(data), 'SIGKILL');
    assert.equal(await first, 'ended');

    const starting = startProduct({ data, args });
    await eventually('it asks again', 60_000, async () => (await waiting()).length > 0);
    assert.deepEqual(await waiting(), ids, 'the same request');
    const approved = await countersign(['requests', 'approve', ids[0] ?? '', '--data', data]);
    assert.equal(approved.code, 0, approved.stderr);
    await using product = await starting;
    assert.equal(readFileSync(kept.replace(/\.pending$/u, ''), 'utf8'), key);
    assert.deepEqual(pendingKeys(), []);
    assert.deepEqual(await waiting(), []);
    const answer = await curl(`https://localhost:${product.port('gateway')}/`, product.client('demo'));
    assert.equal(answer.status, 200);
    rmSync(folder.in('start.yaml'));
  },
);
