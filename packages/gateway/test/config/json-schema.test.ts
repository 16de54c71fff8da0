import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { gatewayJsonSchema } from '../../src/config/json-schema.ts';

const published = JSON.parse(
  readFileSync(new URL('../../../../schemas/gateway.schema.json', import.meta.url), 'utf8'),
) as object;

test('the published schema is the one the gateway reads by (npm run reference writes it)', () => {
  assert.deepEqual(published, gatewayJsonSchema());
});

test('the published schema takes a configuration and refuses a misspelt one', () => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(published);
  const good = {
    listeners: [
      {
        listen: '0.0.0.0:443',
        hosts: [
          {
            names: ['a.test'],
            certificate: { authority: {} },
            allow: [{ profile: 'client' }],
            upstream: 'http://127.0.0.1:1',
          },
        ],
      },
    ],
    authority: { url: 'https://ca.test', identity: 'identity' },
    timeouts: { handshake: '5s' },
  };
  assert.equal(validate(good), true, JSON.stringify(validate.errors));
  assert.equal(validate({ ...good, listners: [] }), false);
  assert.equal(validate({ ...good, timeouts: { handshake: 'soon' } }), false);
});
