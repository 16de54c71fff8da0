import { buildCsr, buildName, der, parseCertificate, parseCsr, subjectAltName } from '@countersign/pki';
import { accountKey, createRoot, externalBinding, signJwsObject } from '@countersign/testkit';
import { nodeSigner } from '@countersign/trust';
import { faultOf } from '../../packages/authority/src/adapters/acme/tls-alpn-01.ts';
import { encodeBase64url } from '../../packages/authority/src/domain/acme/base64url.ts';
import { readOrderCsr } from '../../packages/authority/src/domain/acme/csr.ts';
import { nameOf, identifierOf, readIdentifiers } from '../../packages/authority/src/domain/acme/identifiers.ts';
import { readJwk } from '../../packages/authority/src/domain/acme/jwk.ts';
import {
  checkSignature,
  parseObject,
  readEnvelope,
  readPayload,
} from '../../packages/authority/src/domain/acme/jws.ts';
import { matchesPattern, parsePattern } from '../../packages/authority/src/domain/acme/patterns.ts';
import type { AcmeOutcome } from '../../packages/authority/src/domain/acme/problem.ts';
import { nameSet } from '../../packages/authority/src/domain/names.ts';
import { accountIdIn, baseOf } from '../../packages/authority/src/http/acme/urls.ts';
import { seedsFor } from '../corpus.ts';
import type { FuzzTarget } from '../target.ts';

// What comes over the network by ACME is refused by value, and nothing of it may throw: a refusal is thrown here, for the loop.
class Refusal extends Error {}
const isRefusal = (error: unknown): boolean => error instanceof Refusal;

function accept<T extends object>(outcome: AcmeOutcome<T>): T {
  if (!outcome.ok) throw new Refusal(`${outcome.problem.type}: ${outcome.problem.detail.slice(0, 40)}`);
  return outcome;
}

const text = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const read = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

function envelopes(): Uint8Array[] {
  const url = 'https://ca.test/acme/new-order';
  return (['P-256', 'P-384', 'Ed25519', 'RSA'] as const).flatMap((kind) => {
    const key = accountKey(kind);
    const header = { alg: key.algorithm, nonce: 'A'.repeat(46), url };
    const payload = { identifiers: [{ type: 'dns', value: 'a.test' }], notAfter: '2030-01-01T00:00:00Z' };
    const signed = signJwsObject({ ...header, jwk: key.jwk }, payload, key);
    const byAccount = signJwsObject({ ...header, kid: 'https://ca.test/acme/account/x' }, undefined, key);
    const binding = externalBinding({ id: 'x', hmacKey: 'AAAA' }, key, url);
    return [signed, byAccount, binding, key.jwk].map(text);
  });
}

function runEnvelope(bytes: Uint8Array): unknown {
  const outcome = readEnvelope(read(bytes));
  const key = readJwk(outcome.ok ? outcome.envelope.jwk : parseObject(bytes));
  if (!outcome.ok) return key.ok ? key : accept(outcome);
  const { envelope } = outcome;
  return [readPayload(envelope), key.ok ? checkSignature(envelope, key.key) : key];
}

function runIdentifiers(bytes: Uint8Array): unknown {
  const { names } = accept(readIdentifiers(parseObject(bytes)?.['identifiers']));
  // What was read is in its normal form: read again it is the same.
  const again = readIdentifiers(names.map((name) => nameOf(identifierOf(name))));
  if (!again.ok || JSON.stringify(again.names) !== JSON.stringify(names)) throw new Error('not stable');
  return names;
}

function runNames(bytes: Uint8Array): unknown {
  const pattern = parsePattern(read(bytes));
  const base = baseOf(read(bytes), new Set(['ca.test', '::1']));
  const id = accountIdIn(read(bytes), () => true);
  if (pattern === undefined && base === undefined && id === undefined) throw new Refusal('none of them');
  if (pattern !== undefined && parsePattern(pattern) !== pattern) throw new Error('not stable');
  return [pattern !== undefined && matchesPattern(pattern, { type: 'dns', value: 'b.a.test' }), base, id];
}

const { privateKey } = accountKey();
const csr = await buildCsr(
  { subject: buildName([]), extensions: [subjectAltName([{ type: 'dns', value: 'a.test' }])] },
  nodeSigner(privateKey),
);
const challengeDigest = new Uint8Array(32);
const root = await createRoot();
const challenge = await root.issue('challenge', {
  sans: [{ type: 'dns', value: 'a.test' }],
  extensions: [{ oid: '1.3.6.1.5.5.7.1.31', critical: true, value: der.octetString(challengeDigest) }],
});

const ordered = nameSet([{ type: 'dns', value: 'a.test' }]);
const someKey = { spki: new Uint8Array(1) };

export const acmeTargets: readonly FuzzTarget[] = [
  { name: 'acme-envelope', form: 'text', seeds: envelopes, run: runEnvelope, expected: isRefusal },
  {
    name: 'acme-identifiers',
    form: 'text',
    seeds: () =>
      ['a.test', '*.a.test', 'xn--bcher-kva.test', '10.0.0.1', '2001:db8::1', '::ffff:10.0.0.1'].map((value) =>
        text({
          identifiers: [
            { type: /^[\d:]/u.test(value) ? 'ip' : 'dns', value },
            { type: 'dns', value: 'b.test' },
          ],
        }),
      ),
    run: runIdentifiers,
    expected: isRefusal,
  },
  {
    name: 'acme-csr',
    form: 'der',
    seeds: () => [csr, ...seedsFor(['CERTIFICATE REQUEST'], parseCsr).slice(0, 50)],
    run: (bytes) => accept(readOrderCsr(encodeBase64url(bytes), ordered, someKey)),
    expected: isRefusal,
  },
  {
    name: 'acme-tls-alpn-certificate',
    form: 'der',
    seeds: () => [challenge.der, ...seedsFor(['CERTIFICATE'], parseCertificate).slice(0, 100)],
    run: (bytes) => {
      const fault = faultOf(bytes, { type: 'dns', value: 'a.test' }, challengeDigest);
      if (fault !== undefined) throw new Refusal(fault);
      return bytes.length;
    },
    expected: isRefusal,
  },
  {
    name: 'acme-names-and-urls',
    form: 'text',
    seeds: () =>
      ['dns:.a.test', 'dns:*.a.test', 'ip:10.0.0.0/8', 'ip:2001:db8::/32', 'ca.test:8444', '[::1]:8444'].map(text),
    run: runNames,
    expected: isRefusal,
  },
];
