// Whatever a package exports is explained where it is declared.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { repository } from '@countersign/testkit';

interface Exported {
  readonly name: string;
  readonly file: string;
}

/** The names that a module exports, each with the file that declares it. */
function exportsOf(file: string): readonly Exported[] {
  const text = readFileSync(file, 'utf8');
  const found: Exported[] = [];
  for (const [, names = '', from] of text.matchAll(/^export (?:type )?\{([^}]*)\}(?: from '([^']+)')?;/gmu)) {
    for (const part of names.split(',')) {
      const [, name] = /^\s*(?:type )?(\w+)/u.exec(part) ?? [];
      if (name === undefined) continue;
      const declared = from?.startsWith('.') === true ? join(dirname(file), from) : file;
      if (from === undefined || from.startsWith('.')) found.push(...declarations(declared, name));
    }
  }
  for (const [, from = ''] of text.matchAll(/^export (?:type )?\* (?:as \w+ )?from '(\.[^']+)';/gmu)) {
    found.push(...exportsOf(join(dirname(file), from)));
  }
  for (const [, name = ''] of text.matchAll(/^export (?:declare )?(?:async )?(?:function\*?|class|const) (\w+)/gmu)) {
    found.push({ name, file });
  }
  return found;
}

/** Where a name is declared, through modules that only pass it on. */
function declarations(file: string, name: string): readonly Exported[] {
  const passed = exportsOf(file).find((one) => one.name === name);
  return passed === undefined ? [] : [passed];
}

function isExplained({ name, file }: Exported): boolean {
  const text = readFileSync(file, 'utf8');
  const at = new RegExp(`^export (?:declare )?(?:async )?(?:function\\*?|class|const) ${name}\\b`, 'mu').exec(
    text,
  )?.index;
  return at === undefined || /\*\/\s*$/u.test(text.slice(0, at));
}

for (const name of readdirSync(join(repository, 'packages'))) {
  const index = join(repository, 'packages', name, 'src/index.ts');
  if (!existsSync(index)) continue;
  test(`${name}: every exported function and class has a comment that explains it`, () => {
    const all = exportsOf(index).filter(({ name: one }) => /^[a-z]|^[A-Z][a-z]/u.test(one));
    assert.ok(all.length > 0, 'nothing is exported');
    const bare = all.filter((one) => !isExplained(one));
    assert.deepEqual(
      bare.map(({ name: one, file }) => `${one} in ${file.slice(repository.length)}`),
      [],
    );
  });
}

test('what is exported by the manifest is there, and nothing else can be reached', () => {
  for (const name of readdirSync(join(repository, 'packages'))) {
    const manifest = JSON.parse(readFileSync(join(repository, 'packages', name, 'package.json'), 'utf8')) as {
      exports: Record<string, Record<string, string>>;
    };
    for (const [entry, conditions] of Object.entries(manifest.exports)) {
      assert.deepEqual(Object.keys(conditions), ['countersign-source', 'types', 'default'], `${name} ${entry}`);
      assert.ok(
        existsSync(join(repository, 'packages', name, conditions['countersign-source'] ?? '')),
        `${name} ${entry}`,
      );
    }
  }
});
