import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { IDENTITY_NAMES, IDENTITY_PREFIXES } from '../../src/headers/names.ts';
import { RequestFields } from '../../src/headers/request-fields.ts';
import { accepted, contextFor } from '../support/context.ts';

const page = readFileSync(new URL('../../../../docs/http.md', import.meta.url), 'utf8');

test('docs/http.md names every field that the gateway writes, and no other', () => {
  const leafDer = Uint8Array.of(1);
  const peer = accepted({
    leafDer,
    chainDer: [leafDer, Uint8Array.of(2)],
    profile: 'client',
    sans: [{ type: 'dns', value: 'a.test' }],
  });
  const policy = { id: 'p', names: ['a.test'], clientCert: 'required', routes: [] } as const;
  const lines = new RequestFields(contextFor(policy, peer), '1.1').lines('a.test', 'c-1');
  const written = lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => line.slice(0, line.indexOf(':')));
  const table = page.slice(page.indexOf('| field |'), page.indexOf('The readable values'));
  const told = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap((row) => [...(row[1] ?? '').matchAll(/`([^`]+)`/g)]);
  assert.deepEqual(new Set(told.map((match) => match[1])), new Set([...written, 'Host']));
});

test('docs/http.md names every field that is taken away', () => {
  const list = page.slice(page.indexOf('- All names that begin with'), page.indexOf('- Hop-by-hop'));
  const told = [...list.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
  assert.deepEqual(new Set(told), new Set([...IDENTITY_PREFIXES, ...IDENTITY_NAMES]));
});
