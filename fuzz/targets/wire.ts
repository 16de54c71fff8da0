import assert from 'node:assert/strict';
import { buildOcspRequest, encodeCertId, parseOcspRequest, PkiError } from '@countersign/pki';
import { feedEventSchema, routes } from '@countersign/protocol';
import { readToken, SdkError } from '@countersign/sdk';
import { createRoot } from '@countersign/testkit';
import { nodeCrypto, readFeedEvent, readLines, signJws, TrustError, verifyJws } from '@countersign/trust';
import { splitNonceRequest } from '../../packages/authority/src/domain/ocsp/nonce-request.ts';
import { readPath } from '../../packages/authority/src/http/ocsp.ts';
import type { FuzzTarget } from '../target.ts';
import { isRefusal, Refusal, textOf, textSeeds } from './refusal.ts';

const typ = 'fuzz';
const sha256 = 'ab'.repeat(32);
const root = await createRoot();
const leaf = await root.issue('signer');

function statements(): Uint8Array[] {
  const signer = { key: leaf.key.privateKey, chain: [leaf.der, root.der] };
  return textSeeds(
    [{}, { seq: 1, sha256 }, { a: ['b', { c: null }] }].map((payload) => signJws({ typ, payload }, signer)),
  );
}

function runJws(bytes: Uint8Array): unknown {
  const verified = verifyJws(textOf(bytes), typ);
  if (verified === undefined) throw new Refusal(`of ${textOf(bytes).split('.').length} parts`);
  return verified;
}

const claims = {
  aud: 'countersign-enroll',
  sub: 'a',
  profile: 'client',
  sans: [{ type: 'dns', value: 'a.test' }],
  root: sha256,
  url: 'https://ca.test:8443/',
  exp: 1_800_000_000,
};

function tokens(): Uint8Array[] {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return textSeeds(
    [claims, { ...claims, sans: [] }, { ...claims, aud: 'other' }].map(
      (payload) => `${part({ alg: 'HS256' })}.${part(payload)}.AAAA`,
    ),
  );
}

/** What a mutation inside base64 seldom hits is reached by mutating the claims themselves. */
function runToken(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  const token = text.includes('{') ? `e30.${Buffer.from(text).toString('base64url')}.AA` : text;
  const read = readToken(token);
  for (const { type, value } of read.sans) if (`${type}${value}`.length > text.length) throw new Error('grown');
  return read;
}

const revocation = { issuer: sha256, serial: '0a', reason: 'keyCompromise', revokedAt: 1, notAfter: 2 };
const cursor = `${'0'.repeat(16)}:7`;
const bundle = { generation: 1, anchors: [], intermediates: [] };
const feed = [
  { type: 'heartbeat', cursor, at: 1 },
  { type: 'revoked', cursor, ...revocation },
  { type: 'revoked', cursor, ...revocation, hold: true },
  { type: 'released', cursor, ...revocation },
  { type: 'bundle', cursor, bundle },
  {
    type: 'snapshot',
    cursor,
    epoch: '0'.repeat(16),
    seq: 7,
    issuedAt: 1,
    revocations: [revocation],
    bundle,
    signature: 'a.b.c',
  },
].map((event) => JSON.stringify(event));

async function linesOf(pieces: readonly Uint8Array[]): Promise<readonly string[]> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const lines: string[] = [];
  for await (const line of readLines(stream(), () => undefined)) lines.push(line);
  return lines;
}

async function runFeed(bytes: Uint8Array): Promise<unknown> {
  const lines = await linesOf([bytes]);
  const pieces: Uint8Array[] = [];
  const step = 1 + (bytes.length % 7) + (bytes.length >> 8);
  for (let at = 0; at < bytes.length; at += step) pieces.push(bytes.subarray(at, at + step));
  if (JSON.stringify(await linesOf(pieces)) !== JSON.stringify(lines)) throw new Error('in pieces it is other lines');
  return lines.map((line) => {
    const checked = feedEventSchema.safeParse(parseJson(line));
    if (!checked.success) {
      assert.throws(() => readFeedEvent(parseJson(line)), TrustError);
      throw new Refusal(checked.error.issues[0]?.message);
    }
    // What was let in is what came: nothing is added, and nothing unknown is kept.
    if (JSON.stringify(feedEventSchema.parse(checked.data)) !== JSON.stringify(checked.data))
      throw new Error('not stable');
    // The reader without a schema library takes what the schema takes, and nothing else.
    if (JSON.stringify(sorted(readFeedEvent(parseJson(line)))) !== JSON.stringify(sorted(checked.data)))
      throw new Error('read otherwise');
    return checked.data;
  });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, inner]) => [name, sorted(inner)]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal('no JSON');
  }
}

const bodies = [
  { name: 'a', profile: 'client', csr: 'AAAA', sans: [{ type: 'dns', value: 'a.test' }], validity: { days: 1 } },
  { name: 'a', reason: 'keyCompromise' },
  { serial: '0a' },
  { serial: '0a', reason: 'superseded' },
  { name: 'a', profile: 'server', sans: [], ttlSeconds: 60 },
  { token: 'a.b.c', csr: 'AAAA' },
  { csr: 'AAAA' },
  { gateway: 'g', cursor, workers: 2 },
].map((body) => JSON.stringify(body));

/** The body of every route, against what every route asks for. */
function runBody(bytes: Uint8Array): unknown {
  const value = parseJson(textOf(bytes));
  const taken = Object.entries(routes).flatMap(([name, route]) => {
    if (!('body' in route)) return [];
    const checked = route.body.safeParse(value);
    return checked.success ? [name] : [];
  });
  if (taken.length === 0) throw new Refusal('of no route');
  return taken;
}

function runOcspPath(bytes: Uint8Array): string {
  const read = readPath(`/ocsp${textOf(bytes)}`);
  if (read === undefined) throw new Refusal('no request in it');
  if (read.length > bytes.length) throw new Error('grown');
  return read;
}

/** The responder's short way says of a request what the parser says; only the CertID it does not look into. */
function runNonceRequest(bytes: Uint8Array): unknown {
  const parts = splitNonceRequest(Buffer.from(bytes).toString('latin1'));
  if (parts === undefined) throw new Refusal('another request');
  const { questions, extensions, nonce } = parseOcspRequest(bytes);
  assert.ok(questions.length === 1 && extensions.length === 1 && nonce !== undefined);
  assert.equal(parts.certId.length, encodeCertId(questions[0]?.certId ?? assert.fail('no question')).length);
  return parts;
}

const nonceRequests = (): Uint8Array[] =>
  [1, 32, 128].map((length) =>
    buildOcspRequest([leaf.certificate], root.certificate, nodeCrypto, { nonce: new Uint8Array(length) }),
  );

export const wireTargets: readonly FuzzTarget[] = [
  { name: 'jws', form: 'text', seeds: statements, run: runJws, expected: isRefusal },
  {
    name: 'enrollment-token',
    form: 'text',
    seeds: () => [...tokens(), ...textSeeds([JSON.stringify(claims)])],
    run: runToken,
    expected: (error) => error instanceof SdkError && error.code === 'token_malformed',
  },
  {
    name: 'feed',
    form: 'text',
    seeds: () => textSeeds([...feed.map((line) => `${line}\n`), `${feed.join('\n')}\n`]),
    run: runFeed,
    expected: isRefusal,
  },
  { name: 'api-body', form: 'text', seeds: () => textSeeds(bodies), run: runBody, expected: isRefusal },
  {
    name: 'ocsp-path',
    form: 'text',
    seeds: () => textSeeds(['/MEIwQDA+MDww', '/MEIwQDA%2BMDww', '//AAAA', '/AA%3D%3D', '/AA%2']),
    run: runOcspPath,
    expected: isRefusal,
  },
  {
    name: 'ocsp-nonce-request',
    form: 'der',
    seeds: nonceRequests,
    run: runNonceRequest,
    expected: (error) => isRefusal(error) || error instanceof PkiError,
  },
];
