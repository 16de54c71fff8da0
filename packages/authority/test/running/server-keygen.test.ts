import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keygenKinds, serverKeygen } from '../../src/running/server-keygen.ts';

const identity = () => ({ key: '', chain: '', ca: '' });

describe('keys that are made for clients', () => {
  it('are of kinds that profiles take, for profiles that there are', () => {
    const chosen = keygenKinds({ serverKeygen: { device: {}, client: { key: 'rsa3072' } } });
    assert.deepEqual(
      [...chosen],
      [
        ['device', 'p256'],
        ['client', 'rsa3072'],
      ],
    );
    assert.equal(keygenKinds({ enabled: false, serverKeygen: { device: {} } }).size, 0);
    assert.equal(serverKeygen({}, identity), undefined);
    for (const [bad, words] of [
      [{ devices: {} }, /est\.serverKeygen\.devices: it is none of the profiles/u],
      [{ device: { key: 'rsa1024' } }, /est\.serverKeygen\.device: key: "rsa1024" is none of p256/u],
      [{ device: { key: 'rsa-pss2048' } }, /"rsa-pss2048" is none of/u],
    ] as const) {
      assert.throws(() => keygenKinds({ serverKeygen: bad }), { code: 'invalid_option', message: words });
    }
  });

  it('are made few at a time: some wait, the rest is sent away at once', async () => {
    const keygen = serverKeygen({ serverKeygen: { device: {} } }, identity);
    assert.ok(keygen);
    const made = await Promise.all(Array.from({ length: 100 }, () => keygen.make('p256')));
    assert.equal(
      made.slice(0, 66).every((key) => key !== undefined),
      true,
    );
    assert.deepEqual(made.slice(66), Array.from({ length: 34 }));
    // When they are done, there is room again.
    assert.ok(await keygen.make('p256'));
  });
});
