import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { CMS_OID, contentInfo, DerReader, TAG } from '@countersign/pki';
import { runCommand, temporaryFolder } from '@countersign/testkit';
import type { Answer, ClientIdentity } from './client.ts';

/** The parts of a multipart/mixed answer, by their types. */
export function partsOf(answer: Answer): ReadonlyMap<string, Buffer> {
  assert.equal(answer.status, 200, answer.text);
  const boundary = /^multipart\/mixed; boundary=(?<boundary>[\w-]+)$/u.exec(answer.headers['content-type'] ?? '');
  const [before, ...parts] = answer.text.split(`--${boundary?.groups?.['boundary']}`);
  assert.equal(before, '');
  assert.equal(parts.pop(), '--\r\n');
  return new Map(
    parts.map((part) => {
      const [head = '', body = ''] = part.split('\r\n\r\n');
      const type = /^Content-Type: (?<type>.+)$/mu.exec(head)?.groups?.['type'] ?? '';
      return [type, Buffer.from(body, 'base64')];
    }),
  );
}

async function openssl(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await runCommand('openssl', args);
  if (code !== 0) throw new Error(stderr);
}

/** Opens what was made for a client as it can: OpenSSL decrypts it with the client's key and verifies who made it. */
export async function openKey(message: Uint8Array, by: ClientIdentity, root: string): Promise<KeyObject> {
  using folder = temporaryFolder('countersign-keygen-');
  const put = (name: string, content: string | Uint8Array): string => {
    writeFileSync(folder.in(name), content);
    return folder.in(name);
  };
  const [signed, content] = [folder.in('signed'), folder.in('content')];
  const own = ['-recip', put('own.crt', by.cert), '-inkey', put('own.key', by.key)];
  await openssl('cms', '-decrypt', '-inform', 'DER', '-in', put('message', message), ...own, '-out', signed);
  const inner = put('inner', contentInfo(CMS_OID.signedData, readFileSync(signed)));
  const anchor = ['-CAfile', put('root', root), '-purpose', 'sslserver'];
  await openssl('cms', '-verify', '-binary', '-inform', 'DER', '-in', inner, ...anchor, '-out', content);
  const reader = new DerReader(readFileSync(content));
  const outer = reader.enter(TAG.SEQUENCE);
  const pkcs8 = Buffer.from(reader.anyDer());
  reader.leave(outer);
  reader.finish();
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
}
