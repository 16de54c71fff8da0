import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createRoot, temporaryFolder } from '@countersign/testkit';
import { operatorLog } from '../../src/operator-log.ts';
import { openFactories } from '../../src/running/est.ts';
import { testDomain } from '../support/context.ts';

describe('a factory that cannot be used', () => {
  it('is an option that is not possible, with what is wrong', async () => {
    await using domain = await testDomain();
    using folder = temporaryFolder('countersign-factory-');
    const [ca, own] = [join(folder.path, 'ca.pem'), join(folder.path, 'own.pem')];
    writeFileSync(ca, (await createRoot('Factory')).pem);
    writeFileSync(own, domain.cas.root.pem);
    const surroundings = { log: operatorLog('silent'), clock: domain.clock.now };
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ ca: [ca], name: '{serialNumber}' }, /text of its own/u],
      [{ ca: [ca], name: 'sensor' }, /exactly one placeholder/u],
      [{ ca: [ca], name: 'a-{cn}-{serial}' }, /exactly one placeholder/u],
      [{ ca: [ca], name: 'a-{toString}' }, /none of cn/u],
      [{ ca: [ca], name: 'a-{cn}', profile: 'admin' }, /none of device/u],
      [{ ca: [ca], name: 'a-{cn}', sans: ['{cn}.test'] }, /begins with none/u],
      [{ ca: [ca] }, /name: a rule says/u],
      [{ name: 'a-{cn}' }, /ca: a factory has files/u],
      [{ ca: [join(folder.path, 'none.pem')], name: 'a-{cn}' }, /none\.pem/u],
      [{ ca: [own], name: 'a-{cn}' }, /of this authority itself/u],
    ];
    for (const [bad, words] of cases) {
      await assert.rejects(
        openFactories({ factories: { bad } }, domain.cas, surroundings),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'invalid_option');
          assert.match(error.message, /est\.factories\.bad: /u);
          assert.match(error.message, words);
          return true;
        },
      );
    }
    const good = { ca: [ca], name: 'a-{cn}' };
    const factories = await openFactories({ factories: { good } }, domain.cas, surroundings);
    assert.equal(factories.list.length, 1);
    factories.close();
  });
});
