import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { addressRule } from '../../../src/adapters/acme/address-rule.ts';

const rule = addressRule({ own: () => ['10.9.9.9'] });

describe('where a validation may connect to', () => {
  it('is public and private addresses', () => {
    for (const address of [
      '8.8.8.8',
      '10.0.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      'fd12::1',
      '2600::1',
    ]) {
      assert.equal(rule(address), undefined, address);
    }
  });

  it('is neither this machine, its link, the metadata of a cloud nor anything special, in whatever disguise', () => {
    const refused = [
      '127.0.0.1',
      '127.255.255.254',
      '0.0.0.0',
      '::1',
      '::',
      '169.254.169.254',
      '169.254.1.1',
      'fe80::1',
      'fe80::1%eth0',
      'fd00:ec2::254',
      'fd20:ce::254',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      '224.0.0.1',
      'ff02::1',
      '255.255.255.255',
      '240.0.0.1',
      '192.0.2.1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b::a9fe:a9fe',
      '2002:7f00:1::',
      '2001::1',
      '10.9.9.9',
      '::ffff:10.9.9.9',
      '',
      'localhost',
      '2130706433',
      '0x7f.1',
    ];
    for (const address of refused) assert.notEqual(rule(address), undefined, address);
  });

  it("is not the authority's own address: on every address of the machine where it listens on all", () => {
    const everywhere = addressRule({ own: () => ['0.0.0.0'] });
    const all = Object.values(networkInterfaces()).flatMap((ones) => ones ?? []);
    assert.ok(all.length > 0);
    for (const { address } of all) assert.notEqual(everywhere(address), undefined, address);
    assert.equal(everywhere('10.77.77.77'), undefined);
  });

  it('is what the configuration denies and allows, in this order', () => {
    const own = (): string[] => ['127.0.0.1'];
    const configured = addressRule({
      own,
      allow: ['127.0.0.0/8', '::1', '10.1.2.3'],
      deny: ['10.0.0.0/8', '127.0.0.9'],
    });
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.168.0.1']) {
      assert.equal(configured(address), undefined, address);
    }
    for (const address of ['10.1.2.3', '127.0.0.9', '169.254.169.254', '::ffff:10.0.0.1']) {
      assert.notEqual(configured(address), undefined, address);
    }
  });

  it('is not started with what is no range', () => {
    for (const text of ['', 'x', '10.0.0.0/33', '10.0.0.1/8', 'example.test', '10.0.0.0/8/8']) {
      assert.throws(() => addressRule({ own: () => [], allow: [text] }), { code: 'invalid_option' }, text);
      assert.throws(() => addressRule({ own: () => [], deny: [text] }), { code: 'invalid_option' }, text);
    }
  });
});
