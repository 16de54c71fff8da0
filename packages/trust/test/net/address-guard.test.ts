import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { describe, test } from 'node:test';

import { serveHttp } from '@countersign/testkit';

import { AddressGuard, fetchBounded, FetchFailed, guardForConfigured, isDestination } from '../../src/index.ts';
import type { AddressGuardOptions } from '../../src/index.ts';

type Resolve = NonNullable<AddressGuardOptions['resolve']>;

/** Each look-up gets the next answer, as a name does whose owner rebinds it. */
function resolving(...answers: readonly (readonly string[])[]): Resolve & { asked: number } {
  const resolve = Object.assign(
    (_name: string, _options: unknown, callback: Parameters<Resolve>[2]) => {
      const addresses = answers[Math.min(resolve.asked, answers.length - 1)] ?? [];
      resolve.asked += 1;
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    },
    { asked: 0 },
  );
  return resolve;
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  public: [
    '1.1.1.1',
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.0',
    '2606:4700::1111',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
  ],
  loopback: [
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::127.0.0.1',
    '2002:7f00:1::',
    '2606:4700::5efe:127.0.0.1',
    '2606:4700::200:5efe:7f00:1',
  ],
  private: [
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    'fc00::1',
    'fdff::1',
    'fec0::1',
    '::ffff:10.0.0.1',
    '64:ff9b::c0a8:101',
    '2002:a00:1::1',
  ],
  link_local: [
    '169.254.169.254',
    '169.254.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
  ],
  metadata: ['168.63.129.16', '100.100.100.200', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  reserved: [
    '255.255.255.255',
    '240.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '203.0.113.9',
    '192.88.99.1',
    '2001::1',
    '2001:db8::1',
    '3fff::1',
    '64:ff9b:1::1',
    '4000::1',
    '100::1',
  ],
};

describe('the guard over addresses', () => {
  for (const [kind, addresses] of Object.entries(KINDS)) {
    test(`T35: knows ${kind} addresses in every form`, () => {
      const guard = new AddressGuard();
      for (const address of addresses) {
        assert.equal(guard.refusal(address)?.kind ?? 'public', kind, address);
      }
    });
  }

  test('takes what is no address at all for a forbidden one', () => {
    for (const text of ['', 'localhost', '127.1', '0x7f.0.0.1', '1.2.3', '::ffff:1.2.3', '1.2.3.4.5', '01.2.3.4']) {
      assert.notEqual(new AddressGuard().refusal(text), undefined, text);
    }
  });

  test('allows what the configuration names: a range, an address, a host', () => {
    const guard = new AddressGuard({ allow: ['10.1.0.0/16', '169.254.1.1', 'fd12::/16', 'crl.corp.example'] });
    const allowed = ['10.1.2.3', '::ffff:10.1.2.3', '169.254.1.1', 'fd12::9'];
    for (const address of allowed) assert.equal(guard.refusal(address), undefined, address);
    for (const address of ['10.2.0.1', '127.0.0.1', '169.254.1.2', 'fd13::1', '64:ff9b::10.1.2.3']) {
      assert.notEqual(guard.refusal(address), undefined, address);
    }
    assert.equal(guard.refusal('192.168.7.7', 'crl.corp.example'), undefined);
    assert.equal(guard.refusal('192.168.7.7', 'CRL.corp.example.'), undefined);
    assert.notEqual(guard.refusal('192.168.7.7', 'ocsp.corp.example'), undefined);
    // A name is its owner's to point anywhere; what lies beyond private networks takes an address.
    assert.equal(guard.refusal('169.254.169.254', 'crl.corp.example')?.kind, 'link_local');
    assert.equal(guard.refusal('168.63.129.16', 'crl.corp.example')?.kind, 'metadata');
  });

  test('is told when the configuration names nothing that exists', () => {
    for (const text of [
      '',
      '10.0.0.1/8',
      '10.0.0.0/33',
      '::/129',
      '10.0.0.0/8/8',
      'a b',
      '-x.test',
      '127.1',
      '1',
      'a..b',
    ]) {
      assert.ok(!isDestination(text), text);
      assert.throws(() => new AddressGuard({ allow: [text] }), RangeError, text);
    }
    for (const text of ['10.0.0.0/8', '::1', 'fd00::/8', 'a.test', 'A.Test.', 'localhost'])
      assert.ok(isDestination(text));
  });

  test('an operator who writes an address means it; a name is no address', () => {
    const guardOf = (url: string) => guardForConfigured(new URL(url));
    assert.equal(guardOf('http://127.0.0.1:8080/').refusal('127.0.0.1'), undefined);
    assert.equal(guardOf('http://0x7f.1/').refusal('127.0.0.1'), undefined);
    assert.equal(guardOf('http://[::1]/').refusal('::1'), undefined);
    assert.equal(guardOf('http://localhost/').refusal('127.0.0.1', 'localhost'), undefined);
    assert.notEqual(guardOf('http://127.0.0.1/').refusal('127.0.0.2'), undefined);
    assert.notEqual(guardOf('http://crl.example/').refusal('127.0.0.1', 'crl.example'), undefined);
    assert.notEqual(guardOf('http://localhost/').refusal('169.254.169.254', 'localhost'), undefined);
  });
});

describe('connecting under the guard', () => {
  const bounds = { maxBytes: 1000, timeoutMs: 10_000 };
  const isForbidden = (error: unknown): boolean => error instanceof FetchFailed && error.problem === 'forbidden';

  test('T35: no connection is made to a forbidden address, however the URL spells it', async () => {
    await using server = await serveHttp((_request, response) => response.end('secret'));
    const { port } = server;
    const spellings = ['127.0.0.1', '2130706433', '0x7f.0.0.1', '0177.0.0.1', '127.1', '[::ffff:127.0.0.1]', '[::1]'];
    for (const host of spellings) {
      const guard = new AddressGuard();
      await assert.rejects(fetchBounded(new URL(`http://${host}:${port}/`), { ...bounds, guard }), isForbidden, host);
    }
    const guard = new AddressGuard({ resolve: resolving(['127.0.0.1', '::1', '10.0.0.1']) });
    await assert.rejects(fetchBounded(new URL(`http://a.test:${port}/`), { ...bounds, guard }), isForbidden);
    await assert.rejects(fetchBounded(new URL('file:///etc/passwd'), bounds), isForbidden);
    assert.equal(server.connections, 0);
  });

  test('T35: of several addresses only those that are allowed are tried', async () => {
    await using server = await serveHttp((_request, response) => response.end('list'));
    const allow = ['127.0.0.1'];
    const guard = new AddressGuard({ allow, resolve: resolving(['169.254.169.254', '10.0.0.1', '127.0.0.1']) });
    const { bytes } = await fetchBounded(new URL(`http://a.test:${server.port}/`), { ...bounds, guard });
    assert.equal(Buffer.from(bytes).toString(), 'list');
    await new Promise<void>((resolve) => {
      guard.lookup('a.test', { all: true }, (_error, addresses) => {
        assert.deepEqual(addresses, [{ address: '127.0.0.1', family: 4 }]);
        resolve();
      });
    });
  });

  test('T35: the address that was checked is the one that is connected to: rebinding the name changes nothing', async () => {
    await using meant = await serveHttp((_request, response) => response.end('the first answer'));
    const resolve = resolving(['127.0.0.1'], ['169.254.169.254']);
    const guard = new AddressGuard({ allow: ['127.0.0.1'], resolve });
    const url = new URL(`http://rebind.test:${meant.port}/`);
    const { bytes } = await fetchBounded(url, { ...bounds, guard });
    assert.equal(Buffer.from(bytes).toString(), 'the first answer');
    assert.equal(resolve.asked, 1);
    await assert.rejects(fetchBounded(url, { ...bounds, guard }), isForbidden);
  });

  test('serves one address to those who ask for one', async () => {
    await using server = await serveHttp((_request, response) => response.end('x'));
    const guard = new AddressGuard({ allow: ['127.0.0.1'], resolve: resolving(['10.0.0.1', '127.0.0.1']) });
    const options = { host: 'a.test', port: server.port, lookup: guard.lookup, agent: false, autoSelectFamily: false };
    const client = request(options).end();
    const [response] = (await once(client, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    assert.equal(response.statusCode, 200);
  });
});
