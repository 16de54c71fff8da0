import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { networkValidator } from '../../../src/adapters/acme/validator.ts';
import { keyAuthorization, testValidator } from '../../support/validator.ts';

const digest = hash('sha256', keyAuthorization, 'base64url');

describe('dns-01', () => {
  it('looks for the digest among the TXT records of the name', async () => {
    await using validator = await testValidator();
    const name = '_acme-challenge.a.test';
    validator.dns.set(name, { texts: ['v=spf1 -all', digest] });
    assert.equal(await validator.fault('dns-01', 'a.test'), 'good');
    for (const texts of [[], [keyAuthorization], [`${digest} `], [digest.toUpperCase()], [digest.slice(1)]]) {
      validator.dns.set(name, { texts });
      assert.match(await validator.fault('dns-01', 'a.test'), /^(?:unauthorized|dns): /u);
    }
    assert.match(await validator.fault('dns-01', 'nowhere.test'), /^dns: .*does not exist/u);
  });

  it('does not look at records without end, nor tells what is in them', async () => {
    await using validator = await testValidator();
    const many = Array.from({ length: 200 }, (_, i) => `secret-${i}`);
    validator.dns.set('_acme-challenge.many.test', { texts: [...many, digest] });
    assert.match(
      await validator.fault('dns-01', 'many.test'),
      /^unauthorized: _acme-challenge.many.test has 64 TXT records/u,
    );
  });

  it('ends within its time when nobody answers', async () => {
    await using validator = await testValidator({ timeoutSeconds: 1 });
    validator.dns.behave(() => undefined);
    assert.match(await validator.fault('dns-01', 'mute.test'), /^connection: .*longer than 1 s/u);
  });

  it('asks the servers that are configured, which are addresses', () => {
    const make = () => networkValidator({ resolver: ['not an address'] }, () => []);
    assert.throws(make, { code: 'invalid_option' });
  });
});
