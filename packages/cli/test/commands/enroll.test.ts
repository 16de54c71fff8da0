import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '@countersign/testkit';
import { inProcess } from '../in-process.ts';

const jwt = (payload: object): string =>
  `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.c2lnbmF0dXJl`;

for (const [what, content] of [
  ['nothing', ''],
  ['text', 'hello\nworld\n'],
  ['octets', randomBytes(1000)],
  ['a JWT of others', jwt({ aud: 'others', sub: 'a' })],
  ['a JWT without the half of it', jwt({ aud: 'countersign-enroll', sub: 'a', exp: 1 })],
  ['a PEM certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
] as const) {
  test(`a file with ${what} is no token: one line says so, and the exit code is that of wrong usage`, async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.in('file'), content);
    const args = ['enroll', '--out', 'out', '--json', '--token-file'];
    const ran = await inProcess([...args, 'file'], { cwd: folder.path });
    assert.equal(ran.exit, 2);
    const line =
      'countersign: file holds no enrollment token; give it what `countersign token` printed, the whole line and nothing else\n';
    assert.equal(ran.stderr, line);
    assert.equal((JSON.parse(ran.stdout) as { error: { code: string } }).error.code, 'file_unreadable');
    assert.deepEqual(readdirSync(folder.path), ['file']);

    const piped = await inProcess([...args, '-'], { cwd: folder.path, input: content.toString('latin1') });
    assert.equal(piped.exit, 2);
    assert.equal(piped.stderr, line.replace('file holds', 'standard input holds'));
  });
}

test('a token and a password cannot both come by standard input', async () => {
  const args = ['enroll', '--out', 'out', '--token-file', '-', '--format', 'p12', '--p12-password-file', '-'];
  const ran = await inProcess(args);
  assert.equal(ran.exit, 2);
  assert.match(ran.stderr, /^countersign: .*cannot both be standard input\n$/u);
});
