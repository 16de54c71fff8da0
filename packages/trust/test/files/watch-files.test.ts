import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { temporaryFolder } from '@countersign/testkit';

import { followCrlFile, realFiles, watchFiles } from '../../src/index.ts';
import type { FilePort, FileWatch } from '../../src/index.ts';

interface Told {
  readonly changes: string[];
  readonly broken: unknown[];
  /** Resolves at the next change or breakage. */
  next(): Promise<void>;
}

async function watchText(
  files: readonly string[],
  options: { pollMs?: number; port?: FilePort } = {},
): Promise<FileWatch<string> & Told> {
  const told = { changes: [] as string[], broken: [] as unknown[] };
  let wake = Promise.withResolvers<void>();
  const hear = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const watched = await watchFiles({
    files,
    load: (contents) => {
      const text = contents.map((bytes) => Buffer.from(bytes).toString()).join('+');
      if (text.includes('broken')) throw new Error(text);
      return text;
    },
    onChange: (text) => {
      told.changes.push(text);
      hear();
    },
    onBroken: (error) => {
      told.broken.push(error);
      hear();
    },
    pollMs: 1_000_000,
    settleMs: 5,
    ...options,
  });
  return Object.assign(watched, told, { next: () => wake.promise });
}

describe('watched files', () => {
  test('are read at once, and their changes are heard of', async () => {
    using folder = temporaryFolder();
    await writeFile(folder.in('a'), 'one');
    await writeFile(folder.in('b'), 'two');
    const watched = await watchText([folder.in('a'), folder.in('b')]);
    assert.equal(watched.value, 'one+two');
    const heard = watched.next();
    await writeFile(folder.in('b'), 'three');
    await heard;
    await watched.check();
    assert.equal(watched.changes.at(-1), 'one+three');
    watched.stop();
  });

  test('are followed over the flip of a symbolic link, as Kubernetes swaps a secret', async () => {
    using folder = temporaryFolder();
    await mkdir(folder.in('v1'));
    await mkdir(folder.in('v2'));
    await writeFile(folder.in('v1', 'ca.crt'), 'one');
    await writeFile(folder.in('v2', 'ca.crt'), 'two');
    await symlink('v1', folder.in('..data'));
    await symlink('..data/ca.crt', folder.in('ca.crt'));
    const watched = await watchText([folder.in('ca.crt')]);
    const heard = watched.next();
    await symlink('v2', folder.in('..data_tmp'));
    await rename(folder.in('..data_tmp'), folder.in('..data'));
    await heard;
    assert.deepEqual(watched.changes, ['two']);
    watched.stop();
  });

  test('keep their last good value when they break or vanish, and say so once', async () => {
    using folder = temporaryFolder();
    await writeFile(folder.in('a'), 'good');
    const watched = await watchText([folder.in('a')], {
      port: { ...realFiles, watchDirectory: () => () => undefined },
    });
    await writeFile(folder.in('a'), 'broken');
    await watched.check();
    await watched.check();
    assert.equal(watched.broken.length, 1);
    await rm(folder.in('a'));
    await watched.check();
    await watched.check();
    assert.equal(watched.broken.length, 2);
    assert.equal(watched.value, 'good');
    await writeFile(folder.in('a'), 'good again');
    await watched.check();
    assert.deepEqual(watched.changes, ['good again']);
    watched.stop();
  });

  test('are told of no change when only their times have changed', async () => {
    using folder = temporaryFolder();
    await writeFile(folder.in('a'), 'same');
    const watched = await watchText([folder.in('a')]);
    await writeFile(folder.in('a'), 'same');
    await watched.check();
    assert.deepEqual(watched.changes, []);
    watched.stop();
  });

  test('are polled where the directory cannot be watched', async () => {
    using folder = temporaryFolder();
    await writeFile(folder.in('a'), 'one');
    const port: FilePort = {
      ...realFiles,
      watchDirectory: () => {
        throw new Error('no space left on device (inotify)');
      },
    };
    const watched = await watchText([folder.in('a')], { port, pollMs: 10 });
    const heard = watched.next();
    await writeFile(folder.in('a'), 'two');
    await heard;
    assert.equal(watched.value, 'two');
    watched.stop();
  });

  test('refuse to start when they cannot be read or are no good', async () => {
    using folder = temporaryFolder();
    await assert.rejects(watchText([folder.in('a')]), { code: 'ENOENT' });
    await writeFile(folder.in('a'), 'broken');
    await assert.rejects(watchText([folder.in('a')]), /broken/);
  });

  test('say nothing after they were stopped', async () => {
    using folder = temporaryFolder();
    await writeFile(folder.in('a'), 'one');
    const watched = await watchText([folder.in('a')]);
    watched.stop();
    await writeFile(folder.in('a'), 'two');
    await watched.check();
    assert.deepEqual(watched.changes, []);
  });
});

test('a CRL file that is missing at the start is reported, and read when it is there', async () => {
  using folder = temporaryFolder();
  const problems: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const following = followCrlFile(
    folder.in('ca.crl'),
    {
      onCrl: (bytes) => {
        resolve(Buffer.from(bytes).toString());
        return undefined;
      },
      onProblem: (error) => problems.push(String(error)),
    },
    { settleMs: 5 },
  );
  await following.started;
  assert.match(problems[0] ?? '', /does not exist/);
  await writeFile(folder.in('ca.crl'), 'octets');
  assert.equal(await promise, 'octets');
  following.stop();
});
