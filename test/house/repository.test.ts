// What the repository holds, and what it does not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { repository, runCommand, without } from '@countersign/testkit';

const skip = without('git');
let tracked: readonly string[] = [];

before(async () => {
  if (skip !== false) return;
  const list = await runCommand('git', ['ls-files', '-z'], { cwd: repository });
  tracked = list.stdout.split('\0').filter((file) => file !== '');
});

const read = (file: string): string => readFileSync(join(repository, file), 'utf8');

test('package-lock.json records no download address', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { resolved?: string; link?: boolean }>;
  };
  const addresses = Object.entries(packages).filter(
    ([, { resolved, link }]) => resolved !== undefined && link !== true,
  );
  assert.deepEqual(addresses, []);
});

test('no source file has more than 400 lines', { skip }, () => {
  const sources = tracked.filter((file) => /\.(?:ts|js|sh)$/u.test(file) && !file.includes('/vectors/'));
  assert.ok(sources.length > 100);
  assert.deepEqual(
    sources.filter((file) => read(file).split('\n').length > 401),
    [],
  );
});

test('no folder is called utils or helpers', { skip }, () => {
  assert.deepEqual(
    tracked.filter(
      (file) => /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\/|\.)/u.test(file) && !file.includes('/vectors/'),
    ),
    [],
  );
});

test('no test is skipped for ever, or run alone', { skip }, () => {
  const tests = tracked.filter((file) => file.endsWith('.test.ts'));
  const alone = tests.filter((file) => /\b(?:test|it|describe)\.(?:only|skip|todo)\(/u.test(read(file)));
  assert.deepEqual(alone, []);
});

test('every link between the documents leads somewhere', { skip }, () => {
  const broken: string[] = [];
  const documents = tracked.filter((file) => file.endsWith('.md') && !file.includes('/vectors/'));
  for (const file of documents) {
    for (const [, target = ''] of read(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/gu)) {
      if (/^[a-z]+:/u.test(target)) continue;
      const path = join(file, '..', target);
      const known = tracked.some((one) => one === path || one.startsWith(`${path.replace(/\/$/u, '')}/`));
      if (!known) broken.push(`${file}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});
