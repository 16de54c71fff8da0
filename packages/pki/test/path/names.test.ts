import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  buildAndValidate,
  buildName,
  der,
  isDnsName,
  matchEmail,
  matchHost,
  nameConstraints,
  subjectAltName,
  TAG,
  type GeneralName,
} from '../../src/index.ts';
import { DnsSubtrees } from '../../src/path/names/dns.ts';
import { parseMailbox } from '../../src/path/names/email.ts';
import { uriHost } from '../../src/path/names/uri.ts';
import { anchorsOf, countingCrypto, forge, forgeCa, NOW } from './support/forge.ts';

const root = forgeCa('Root');
const dns = (value: string): GeneralName => ({ type: 'dns', value });
const email = (value: string): GeneralName => ({ type: 'email', value });
const uri = (value: string): GeneralName => ({ type: 'uri', value });
const ip = (...octets: number[]): GeneralName => ({ type: 'ip', value: Uint8Array.from(octets) });
const smtpUtf8 = (value: string): GeneralName => ({
  type: 'other',
  oid: '1.3.6.1.5.5.7.8.9',
  value: der.utf8String(value),
});
const directory = (...values: string[]): GeneralName => ({
  type: 'directory',
  value: buildName(values.map((value) => ({ type: 'OU', value }))),
});

/** The verdict on a leaf with these names under a CA with these constraints. */
function under(constraints: { permitted?: GeneralName[]; excluded?: GeneralName[] }, ...names: GeneralName[]): string {
  const ca = forgeCa('Constrained', root, { extensions: [nameConstraints(constraints)] });
  const leaf = forge({ name: '', by: ca, extensions: [subjectAltName(names)] });
  const result = buildAndValidate(leaf.cert, {
    anchors: anchorsOf(root),
    intermediates: [ca.cert],
    time: NOW,
    crypto: countingCrypto(),
  });
  return result.ok ? 'ok' : result.code;
}

describe('name constraints', () => {
  const cases: readonly [string, Parameters<typeof under>[0], GeneralName[], string][] = [
    ['DNS: the name itself', { permitted: [dns('example.com')] }, [dns('EXAMPLE.com')], 'ok'],
    ['DNS: below it', { permitted: [dns('example.com')] }, [dns('a.b.example.com')], 'ok'],
    ['DNS: another that ends alike', { permitted: [dns('example.com')] }, [dns('notexample.com')], 'name_constraints'],
    [
      'DNS: one of two outside',
      { permitted: [dns('example.com')] },
      [dns('a.example.com'), dns('b.org')],
      'name_constraints',
    ],
    ['DNS: everything permitted', { permitted: [dns('')] }, [dns('b.org')], 'ok'],
    ['DNS: everything excluded', { excluded: [dns('')] }, [dns('b.org')], 'name_constraints'],
    [
      'DNS: excluded wins',
      { permitted: [dns('example.com')], excluded: [dns('x.example.com')] },
      [dns('a.x.example.com')],
      'name_constraints',
    ],
    ['DNS: a wildcard inside', { permitted: [dns('example.com')] }, [dns('*.example.com')], 'ok'],
    [
      'DNS: a wildcard that is more than what is permitted',
      { permitted: [dns('a.example.com')] },
      [dns('*.example.com')],
      'name_constraints',
    ],
    [
      'DNS: a wildcard that takes in what is excluded',
      { excluded: [dns('a.example.com')] },
      [dns('*.example.com')],
      'name_constraints',
    ],
    ['DNS: a wildcard beside what is excluded', { excluded: [dns('a.b.example.com')] }, [dns('*.example.com')], 'ok'],
    ['DNS: a leading dot means below', { permitted: [dns('.example.com')] }, [dns('a.example.com')], 'ok'],
    ['DNS: and not the name itself', { permitted: [dns('.example.com')] }, [dns('example.com')], 'name_constraints'],
    [
      'DNS: excluded with a leading dot takes the name too',
      { excluded: [dns('.example.com')] },
      [dns('example.com')],
      'name_constraints',
    ],
    ['DNS: a malformed name', { permitted: [dns('example.com')] }, [dns('.example.com')], 'name_constraints'],
    ['DNS: a NUL', { permitted: [dns('example.com')] }, [dns('evil.org\0.example.com')], 'name_constraints'],
    ['DNS: a malformed constraint', { excluded: [dns('a..b')] }, [dns('c.org')], 'name_constraints_unusable'],
    ['DNS: a malformed constraint that nothing falls under', { excluded: [dns('a..b')] }, [ip(1, 2, 3, 4)], 'ok'],
    ['DNS constraints say nothing of addresses', { permitted: [dns('example.com')] }, [ip(1, 2, 3, 4)], 'ok'],
    ['mail: a host', { permitted: [email('example.com')] }, [email('a@Example.COM')], 'ok'],
    ['mail: not a host below', { permitted: [email('example.com')] }, [email('a@b.example.com')], 'name_constraints'],
    ['mail: a domain is what is below', { permitted: [email('.example.com')] }, [email('a@b.example.com')], 'ok'],
    [
      'mail: a domain is not the host',
      { permitted: [email('.example.com')] },
      [email('a@example.com')],
      'name_constraints',
    ],
    [
      'mail: a mailbox, local part in its own case',
      { permitted: [email('a@example.com')] },
      [email('A@example.com')],
      'name_constraints',
    ],
    ['mail: quoted', { excluded: [email('example.com')] }, [email('"a@b"@example.com')], 'name_constraints'],
    [
      'mail: quoted without need is the same mailbox',
      { excluded: [email('a.b@example.com')] },
      [email('"a\\.b"@example.com')],
      'name_constraints',
    ],
    [
      'mail: international, under a host',
      { permitted: [email('example.com')] },
      [smtpUtf8('\u8001\u5e2b@example.com')],
      'ok',
    ],
    [
      'mail: international, outside',
      { permitted: [email('example.com')] },
      [smtpUtf8('\u8001\u5e2b@example.org')],
      'name_constraints',
    ],
    [
      'mail: international, excluded by its mailbox',
      { excluded: [email('a@example.com')] },
      [smtpUtf8('a@Example.com')],
      'name_constraints',
    ],
    [
      'mail: international, and no UTF8String',
      { excluded: [email('example.com')] },
      [{ type: 'other', oid: '1.3.6.1.5.5.7.8.9', value: der.asciiString(TAG.IA5_STRING, 'a@example.org') }],
      'name_constraints',
    ],
    [
      'mail: international is an otherName too',
      { excluded: [smtpUtf8('a@example.com')] },
      [smtpUtf8('b@example.com')],
      'name_constraints_unusable',
    ],
    [
      'other: unknown, and nothing said of its form',
      { permitted: [dns('example.com')] },
      [{ type: 'other', oid: '1.2.3.4', value: der.utf8String('x') }, dns('example.com')],
      'ok',
    ],
    ['mail: two at signs', { excluded: [email('example.org')] }, [email('a@b@example.com')], 'name_constraints'],
    ['URI: a host', { permitted: [uri('example.com')] }, [uri('https://u@example.com:8/x?y')], 'ok'],
    ['URI: not a host below', { permitted: [uri('example.com')] }, [uri('https://a.example.com/')], 'name_constraints'],
    ['URI: a domain', { permitted: [uri('.example.com')] }, [uri('spiffe://a.example.com/x')], 'ok'],
    ['URI: without a host', { excluded: [uri('example.com')] }, [uri('urn:a:b')], 'name_constraints'],
    ['URI: with an address', { excluded: [uri('example.com')] }, [uri('https://192.0.2.1/')], 'name_constraints'],
    [
      'URI: userinfo that looks like a host',
      { permitted: [uri('example.com')] },
      [uri('https://example.com@evil.org/')],
      'name_constraints',
    ],
    ['IPv4: inside', { permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0)] }, [ip(192, 0, 2, 9)], 'ok'],
    ['IPv4: outside', { permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0)] }, [ip(192, 0, 3, 9)], 'name_constraints'],
    [
      'IPv4: a mask with a hole',
      { excluded: [ip(10, 0, 0, 0, 255, 0, 255, 0)] },
      [ip(192, 0, 2, 1)],
      'name_constraints_unusable',
    ],
    [
      'IPv6 is not IPv4',
      { permitted: [ip(0, 0, 0, 0, 0, 0, 0, 0)] },
      [ip(...Array<number>(16).fill(0))],
      'name_constraints',
    ],
    ['directory: below', { permitted: [directory('A')] }, [directory('a', 'B')], 'ok'],
    ['directory: above', { permitted: [directory('A', 'B')] }, [directory('A')], 'name_constraints'],
    ['directory: everything excluded', { excluded: [directory()] }, [directory('A')], 'name_constraints'],
    [
      'other: a form nobody knows, with such a name',
      { excluded: [{ type: 'registeredId', value: '1.2.3' }] },
      [{ type: 'registeredId', value: '1.2.4' }],
      'name_constraints_unusable',
    ],
    [
      'other: a form nobody knows, without such a name',
      { excluded: [{ type: 'registeredId', value: '1.2.3' }] },
      [dns('a.org')],
      'ok',
    ],
  ];
  for (const [promise, constraints, names, expected] of cases) {
    test(promise, () => assert.equal(under(constraints, ...names), expected));
  }

  test('hold for the subject, and for its mail address where there are no other names', () => {
    const ca = forgeCa('Constrained', root, {
      extensions: [
        nameConstraints({ excluded: [{ type: 'directory', value: buildName([{ type: 'CN', value: 'bad' }]) }] }),
      ],
    });
    const verdict = (name: string): boolean =>
      buildAndValidate(forge({ name, by: ca }).cert, {
        anchors: anchorsOf(root),
        intermediates: [ca.cert],
        time: NOW,
        crypto: countingCrypto(),
      }).ok;
    assert.equal(verdict('good'), true);
    assert.equal(verdict(' BAD '), false);
  });

  test('thousands of them cost no more than a look-up each, and a product beyond the budget is refused', () => {
    const many = (count: number): GeneralName[] => Array.from({ length: count }, (_, i) => dns(`t${i}.test`));
    assert.equal(under({ permitted: many(900) }, ...many(900)), 'ok');
    assert.equal(under({ permitted: many(1100) }, ...many(1100)), 'name_constraints_budget');
  });

  test('narrow and never widen along a path', () => {
    const outer = forgeCa('Outer', root, { extensions: [nameConstraints({ permitted: [dns('a.example.com')] })] });
    const inner = forgeCa('Inner', outer, {
      extensions: [nameConstraints({ permitted: [dns('a.example.com'), dns('b.example.com')] })],
    });
    const verdict = (name: string): boolean =>
      buildAndValidate(forge({ name: '', by: inner, extensions: [subjectAltName([dns(name)])] }).cert, {
        anchors: anchorsOf(root),
        intermediates: [outer.cert, inner.cert],
        time: NOW,
        crypto: countingCrypto(),
      }).ok;
    assert.equal(verdict('a.example.com'), true);
    assert.equal(verdict('b.example.com'), false);
  });
});

describe('DNS subtrees as sets', () => {
  const label = fc.constantFrom('a', 'b', 'c');
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  const within = (inner: string, outer: string): boolean => inner === outer || inner.endsWith(`.${outer}`);

  test('say what comparing with each constraint says', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), name, (constraints, subject) => {
        const subtrees = new DnsSubtrees();
        for (const constraint of constraints) assert.ok(subtrees.add(constraint, false));
        assert.equal(
          subtrees.covers(subject),
          constraints.some((constraint) => within(subject, constraint)),
        );
      }),
    );
  });

  test('take a wildcard for all the names it stands for', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), name, (constraints, parent) => {
        const subtrees = new DnsSubtrees();
        for (const constraint of constraints) subtrees.add(constraint, false);
        // 'z' stands for the labels that no constraint mentions.
        const names = ['a', 'b', 'c', 'z'].map((left) => `${left}.${parent}`);
        const inside = names.map((one) => constraints.some((constraint) => within(one, constraint)));
        assert.equal(subtrees.touches(`*.${parent}`), inside.includes(true));
        assert.equal(subtrees.covers(`*.${parent}`), !inside.includes(false));
      }),
    );
  });
});

describe('a host', () => {
  const certified = (...names: GeneralName[]) =>
    forge({ name: 'cn.example.com', by: root, extensions: [subjectAltName(names)] }).cert;

  const cases: readonly [string, GeneralName, string, boolean][] = [
    ['equal without regard to case', dns('Host.Example.com'), 'hOST.example.COM', true],
    ['a trailing dot of the host', dns('host.example.com'), 'host.example.com.', true],
    ['a wildcard for one label', dns('*.example.com'), 'a.example.com', true],
    ['a wildcard for an A-label', dns('*.example.com'), 'xn--bcher-kva.example.com', true],
    ['a wildcard not for two labels', dns('*.example.com'), 'a.b.example.com', false],
    ['a wildcard not for none', dns('*.example.com'), 'example.com', false],
    ['a wildcard that is part of a label', dns('a*.example.com'), 'ab.example.com', false],
    ['a wildcard that is not the first label', dns('a.*.example.com'), 'a.b.example.com', false],
    ['a bare wildcard', dns('*'), 'localhost', false],
    ['a NUL in the name', dns('host.example.com\0.evil.org'), 'host.example.com', false],
    ['a wildcard asked for', dns('*.example.com'), '*.example.com', false],
    ['an empty host', dns('host.example.com'), '', false],
    ['an address, as bytes', ip(127, 0, 0, 1), '127.0.0.1', true],
    ['an address is never a DNS name', dns('127.0.0.1'), '127.0.0.1', false],
    ['an address with leading zeros is none', ip(127, 0, 0, 1), '127.0.0.01', false],
    ['IPv6 in any spelling', ip(...Array<number>(15).fill(0), 1), '0:0:0::0001', true],
    ['IPv6 in brackets', ip(...Array<number>(15).fill(0), 1), '[::1]', true],
    ['IPv4 in brackets', ip(127, 0, 0, 1), '[127.0.0.1]', false],
    ['a mapped address is another', ip(127, 0, 0, 1), '::ffff:127.0.0.1', false],
    ['a mail address is no host', email('host.example.com'), 'host.example.com', false],
    ['a URI is no host', uri('host.example.com'), 'host.example.com', false],
  ];
  for (const [promise, name, host, expected] of cases) {
    test(promise, () => assert.equal(matchHost(certified(name), host), expected));
  }

  test('is never the common name', () => {
    assert.equal(matchHost(forge({ name: 'cn.example.com', by: root }).cert, 'cn.example.com'), false);
  });

  test('of mail counts without regard to case, the part before it does', () => {
    const cert = certified(email('Jo@Example.com'));
    assert.equal(matchEmail(cert, 'Jo@example.COM'), true);
    assert.equal(matchEmail(cert, 'jo@example.com'), false);
    assert.equal(matchEmail(cert, '"Jo"@example.com'), true);
  });

  test('of international mail is an SmtpUTF8Mailbox', () => {
    const cert = certified(smtpUtf8('\u8001\u5e2b@Example.com'));
    assert.equal(matchEmail(cert, '\u8001\u5e2b@example.com'), true);
    assert.equal(matchEmail(cert, '\u8001@example.com'), false);
  });
});

test('the syntax of names', () => {
  for (const name of ['a', 'a.b', 'xn--a.b', '1.2', 'a-b.c', 'a'.repeat(63)]) assert.ok(isDnsName(name), name);
  for (const name of [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a',
    'a-',
    'a_b',
    '*.a',
    'ä',
    'a b',
    'a'.repeat(64),
    `${'a.'.repeat(127)}a`,
  ]) {
    assert.equal(isDnsName(name), false, name);
  }
  assert.ok(isDnsName('*.a', { wildcard: true }) && isDnsName('a_b', { underscore: true }));
  for (const text of ['a@b', '"a b"@c.d', 'a+b@c', '*@c']) assert.ok(parseMailbox(text), text);
  for (const text of ['', '@', 'a@', '@b', 'a b@c', 'a.@b', 'a@[1.2.3.4]', 'a@b.', '"a@b'])
    assert.equal(parseMailbox(text), undefined, text);
  assert.equal(uriHost('HTTP://A.b:80/x@y'), 'a.b');
  for (const text of ['a.b', '//a', 'mailto:a@b', 'http://', 'http://[::1]/', 'http://a b/', 'file:///x'])
    assert.equal(uriHost(text), undefined, text);
});
