import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@countersign/testkit';
import type { TemporaryFolder } from '@countersign/testkit';
import { initAuthority } from '../../src/index.ts';

export const passphrase = 'the passphrase of the tests';
export const rootPassphrase = 'the root passphrase of the tests';

let template: Promise<TemporaryFolder> | undefined;

async function makeTemplate(): Promise<TemporaryFolder> {
  const folder = temporaryFolder('countersign-authority-template-');
  // Few partitions: each start names a new port, under which all of them are published.
  await initAuthority(join(folder.path, 'data'), { passphrase, rootPassphrase, crlPartitions: 4 });
  return folder;
}

/** A fresh data folder of an authority: a copy of one that is made once, because its key derivations are slow on purpose. */
export async function authorityFolder(): Promise<TemporaryFolder & { readonly data: string }> {
  template ??= makeTemplate();
  const { path } = await template;
  const folder = temporaryFolder('countersign-authority-');
  const data = join(folder.path, 'data');
  cpSync(join(path, 'data'), data, { recursive: true, preserveTimestamps: true });
  return { ...folder, data, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}
