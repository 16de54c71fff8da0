import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@countersign/testkit';
import { readAuthorityFile } from '../../src/config/authority-file.ts';
import { readStartFile } from '../../src/config/start-file.ts';

function written(text: string): { path: string; folder: string } & Disposable {
  const folder = temporaryFolder('countersign-est-settings-');
  const path = folder.in('config.yaml');
  writeFileSync(path, text);
  return { path, folder: folder.path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

test('factories have the names that the file gives them, and paths that start at its folder', () => {
  using file = written(
    'est:\n  factories:\n    a: { ca: [a.pem], crl: [/etc/a.crl], name: "x-{cn}" }\n    b: { ca: [b.pem] }\n',
  );
  const expected = {
    a: { ca: [join(file.folder, 'a.pem')], crl: ['/etc/a.crl'], name: 'x-{cn}' },
    b: { ca: [join(file.folder, 'b.pem')] },
  };
  assert.deepEqual(readAuthorityFile(file.path).est?.factories, expected);
  assert.deepEqual(readStartFile(file.path).flags.est?.factories, expected);
});

test('what is none of their settings is told with where it stands', () => {
  for (const [text, words] of [
    ['est:\n  factories:\n    a: { cas: [a.pem] }\n', /est: factories: a: cas is not a setting/u],
    ['est:\n  factories:\n    a: a.pem\n', /est: factories: a: expected an object/u],
    ['est:\n  factories: [a]\n', /est: factories: expected an object/u],
    ['est:\n  factory: {}\n', /est: factory is not a setting/u],
  ] as const) {
    using file = written(text);
    assert.throws(() => readAuthorityFile(file.path), words);
    assert.throws(() => readStartFile(file.path), words);
  }
});
