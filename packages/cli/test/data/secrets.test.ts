import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@countersign/testkit';
import { takeSecrets } from '../../src/context.ts';
import { dataFolder } from '../../src/data/folder.ts';
import { findPassphrase, makePassphrase, requirePassphrase } from '../../src/data/secrets.ts';
import { CliFailure } from '../../src/failure.ts';

test('passphrases leave the environment when they are taken', () => {
  const env = { COUNTERSIGN_PASSPHRASE: 'a', COUNTERSIGN_ROOT_PASSPHRASE: 'b', OTHER: 'c' };
  assert.deepEqual(takeSecrets(env), { passphrase: 'a', rootPassphrase: 'b' });
  assert.deepEqual(env, { OTHER: 'c' });
});

test('a passphrase comes from the flag, the named file, the variable, the credentials, then the folder', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  const none = { rootPassphrase: undefined, passphrase: undefined };
  const context = (env: NodeJS.ProcessEnv, passphrase?: string) => ({
    cwd: temporary.path,
    env,
    secrets: { ...none, passphrase },
  });
  assert.equal(findPassphrase(context({}), folder, 'issuing'), undefined);
  assert.throws(
    () => requirePassphrase(context({}), folder, 'issuing'),
    (error: unknown) => error instanceof CliFailure && /COUNTERSIGN_PASSPHRASE_FILE/u.test(error.mend ?? ''),
  );

  const made = makePassphrase(folder, 'issuing');
  assert.ok(made.length >= 43);
  assert.equal(statSync(folder.secrets).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder.secrets, 'passphrase')).mode & 0o777, 0o600);
  assert.equal(findPassphrase(context({}), folder, 'issuing'), made);

  const credentials = temporary.in('credentials');
  mkdirSync(credentials);
  writeFileSync(join(credentials, 'passphrase'), 'from credentials\n');
  const env: NodeJS.ProcessEnv = { CREDENTIALS_DIRECTORY: credentials };
  assert.equal(findPassphrase(context(env), folder, 'issuing'), 'from credentials');
  assert.equal(findPassphrase(context(env, 'from variable'), folder, 'issuing'), 'from variable');
  writeFileSync(temporary.in('named'), 'from file\r\n');
  env['COUNTERSIGN_PASSPHRASE_FILE'] = 'named';
  assert.equal(findPassphrase(context(env, 'from variable'), folder, 'issuing'), 'from file');
  writeFileSync(temporary.in('flag'), ' with spaces ');
  assert.equal(findPassphrase(context(env), folder, 'issuing', 'flag'), ' with spaces ');
});

test('a named file that is missing or empty is an unreadable file, not a missing passphrase', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  const context = { cwd: temporary.path, env: {}, secrets: { rootPassphrase: undefined, passphrase: undefined } };
  writeFileSync(temporary.in('empty'), '\n');
  for (const flag of ['missing', 'empty']) {
    assert.throws(
      () => findPassphrase(context, folder, 'root', flag),
      (error: unknown) => error instanceof CliFailure && error.exit === 2,
    );
  }
});
