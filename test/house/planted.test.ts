// Every rule of the house is broken once, in a copy of the repository, and the tool that guards it must say so. A rule
// whose violation nobody sees is no rule.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, node, repository, runCommand, temporaryFolder, without } from '@countersign/testkit';

const copy = temporaryFolder('countersign-house-');
const inCopy = (...names: readonly string[]): string => copy.in(...names);

// What belongs to the repository is git's to say.
const skip = without('git');

before(async () => {
  if (skip !== false) return;
  const tracked = await runCommand('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
  });
  for (const file of tracked.stdout.split('\0')) {
    if (file === '' || file.includes('/vectors/')) continue;
    mkdirSync(dirname(inCopy(file)), { recursive: true });
    cpSync(join(repository, file), inCopy(file));
  }
  linkModules();
});
after(() => copy[Symbol.dispose]());

// The libraries are shared; our own packages must resolve inside the copy.
function linkModules(): void {
  const modules = join(repository, 'node_modules');
  mkdirSync(inCopy('node_modules/@countersign'), { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name !== '@countersign' && name !== 'countersign')
      symlinkSync(join(modules, name), inCopy('node_modules', name));
  }
  for (const name of readdirSync(inCopy('packages'))) {
    const link = name === 'cli' ? 'node_modules/countersign' : `node_modules/@countersign/${name}`;
    symlinkSync(inCopy('packages', name), inCopy(link));
    const own = join(repository, 'packages', name, 'node_modules');
    try {
      readdirSync(own);
      symlinkSync(own, inCopy('packages', name, 'node_modules'));
    } catch {
      // Most packages have no modules of their own.
    }
  }
}

async function planted(files: Readonly<Record<string, string>>, look: () => Promise<CommandResult>): Promise<string> {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(inCopy(file)), { recursive: true });
    writeFileSync(inCopy(file), text);
  }
  try {
    const { code, stdout, stderr } = await look();
    assert.notEqual(code, 0, `nobody saw it:\n${stdout}${stderr}`);
    return stdout + stderr;
  } finally {
    for (const file of Object.keys(files)) rmSync(inCopy(file));
  }
}

const bin = (script: string, ...args: readonly string[]): Promise<CommandResult> =>
  runCommand(node, [join(repository, 'node_modules', script), ...args], { cwd: copy.path, timeoutMs: 120_000 });
const knip = (...args: readonly string[]): Promise<CommandResult> =>
  bin('knip/bin/knip.js', '--no-config-hints', '--include', 'unlisted,unresolved', ...args);
const oxlint = (path: string): Promise<CommandResult> => bin('oxlint/bin/oxlint', '--deny-warnings', path);
const tsc = (project: string): Promise<CommandResult> => bin('typescript/bin/tsc', '-p', project, '--noEmit');

test('as it stands the copy has no unlisted dependency', { skip }, async () => {
  for (const args of [[], ['--production', '--strict']]) {
    const { code, stdout, stderr } = await knip(...args);
    assert.equal(code, 0, stdout + stderr);
  }
});

const forbidden: readonly (readonly [string, string])[] = [
  ['authority', '@countersign/gateway'],
  ['gateway', '@countersign/authority'],
  ['agent', '@countersign/authority'],
  ['sdk', '@countersign/gateway'],
  ['trust', '@countersign/sdk'],
  ['protocol', '@countersign/pki'],
  ['trust', 'zod'],
];
const forms: Readonly<Record<string, (name: string) => string>> = {
  static: (name) => `import * as planted from '${name}';\nexport const seen: unknown = planted;\n`,
  type: (name) => `import type * as planted from '${name}';\nexport type Seen = typeof planted;\n`,
  reexport: (name) => `export * as planted from '${name}';\n`,
  dynamic: (name) => `export const seen: Promise<unknown> = import('${name}');\n`,
};

// knip looks at what can be reached: each planted file is exported by its package.
async function plantedImports(
  imports: readonly (readonly [string, string])[],
  kinds: readonly string[],
  args: readonly string[],
): Promise<void> {
  const files: Record<string, string> = {};
  const indexes = new Map<string, string>();
  for (const [from, to] of imports) {
    const index = inCopy('packages', from, 'src/index.ts');
    if (!indexes.has(index)) indexes.set(index, readFileSync(index, 'utf8'));
    for (const form of kinds) {
      const name = `planted-${form}-${to.replaceAll(/\W/gu, '')}`;
      files[`packages/${from}/src/${name}.ts`] = forms[form]?.(to) ?? '';
      appendFileSync(index, `export * as ${name.replaceAll('-', '_')} from './${name}.ts';\n`);
    }
  }
  try {
    const said = await planted(files, () => knip(...args));
    for (const file of Object.keys(files)) assert.ok(said.includes(file), `nobody saw ${file}:\n${said}`);
  } finally {
    for (const [index, text] of indexes) writeFileSync(index, text);
  }
}

test('an import against an arrow is seen: static, type-only, re-exported and dynamic', { skip }, async () => {
  await plantedImports(forbidden, Object.keys(forms), []);
});

test('product code that imports what only tests may have is seen', { skip }, async () => {
  const imports = ['authority', 'gateway', 'pki'].flatMap((from) => [
    [from, 'ws'] as const,
    [from, '@countersign/testkit'] as const,
  ]);
  await plantedImports(imports, ['static', 'reexport', 'dynamic'], ['--production', '--strict']);
});

test('pki that reads a file is seen', { skip }, async () => {
  const file = 'packages/pki/src/der/planted.ts';
  const said = await planted({ [file]: `import { readFileSync } from 'node:fs';\nreadFileSync('/x');\n` }, () =>
    oxlint(file),
  );
  assert.match(said, /no-restricted-imports/u);
});

test('pki that imports another package is seen', { skip }, async () => {
  const file = 'packages/pki/src/planted.ts';
  const said = await planted({ [file]: `import * as x from '@countersign/trust';\nexport const y = x;\n` }, () =>
    oxlint(file),
  );
  assert.match(said, /no-restricted-imports/u);
});

for (const room of ['adapters', 'http']) {
  test(`a domain that knows ${room} is seen`, { skip }, async () => {
    const file = 'packages/authority/src/domain/planted.ts';
    const text = `import * as x from '../${room}/planted-other.ts';\nexport const y = x;\n`;
    const said = await planted(
      { [file]: text, [`packages/authority/src/${room}/planted-other.ts`]: 'export const one = 1;\n' },
      () => oxlint(file),
    );
    assert.match(said, /no-restricted-imports/u);
  });
}

test('a domain that opens a socket is seen', { skip }, async () => {
  const file = 'packages/authority/src/domain/planted.ts';
  const said = await planted({ [file]: `import { connect } from 'node:net';\nconnect(1);\n` }, () => oxlint(file));
  assert.match(said, /no-restricted-imports/u);
});

test('two files that import each other are seen', { skip }, async () => {
  const files = {
    'packages/trust/src/planted-a.ts': `import { b } from './planted-b.ts';\nexport const a = (): unknown => b;\n`,
    'packages/trust/src/planted-b.ts': `import { a } from './planted-a.ts';\nexport const b = (): unknown => a;\n`,
  };
  const said = await planted(files, () => oxlint('packages/trust/src'));
  assert.match(said, /no-cycle/u);
});

test('a file of more than 400 lines is seen', { skip }, async () => {
  const file = 'packages/trust/src/planted.ts';
  const said = await planted({ [file]: 'export {};\n'.repeat(1) + '// a line\n'.repeat(401) }, () => oxlint(file));
  assert.match(said, /max-lines/u);
});

test('syntax that Node cannot strip is seen', { skip }, async () => {
  const file = 'packages/trust/src/planted.ts';
  const said = await planted({ [file]: 'export enum Planted {\n  One,\n}\n' }, () => tsc('packages/trust'));
  assert.match(said, /TS1294/u);
});

test('a promise that nobody awaits is seen', { skip }, async () => {
  const file = 'packages/trust/src/planted.ts';
  const text = 'async function one(): Promise<void> {}\nexport function two(): void {\n  one();\n}\n';
  const said = await planted({ [file]: text }, () => bin('oxlint/bin/oxlint', '--type-aware', '--deny-warnings', file));
  assert.match(said, /no-floating-promises/u);
});
