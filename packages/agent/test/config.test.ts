import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGENT_ERRORS, AgentError, agentJsonSchema, startAgent } from '@countersign/agent';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { filesOf } from '../src/kept-identity.ts';

const refused = (config: unknown): void => {
  assert.throws(
    () => startAgent({ config, baseDir: '/' }),
    (error: unknown) => error instanceof AgentError && error.code === 'config_invalid',
    JSON.stringify(config),
  );
};

test('a configuration that does not hold together is refused before anything is begun', () => {
  refused(undefined);
  refused({ identities: {} });
  refused({ identities: { web: {} } });
  refused({ identities: { web: { folder: 'a', files: { cert: 'c', key: 'k', ca: 'r' } } } });
  refused({ identities: { '../web': { folder: 'a' } } });
  refused({ identities: { web: { folder: 'a', url: 'http://plain.example' } } });
  refused({ identities: { web: { folder: 'a', onRenewed: 'a shell line' } } });
  refused({ identities: { web: { folder: 'a', onrenewed: ['x'] } } });
});

test('the words of a refusal say where', () => {
  assert.throws(() => startAgent({ config: { identities: { web: { folder: 'a', key: 'dsa' } } }, baseDir: '/' }), {
    message: new RegExp(`^${AGENT_ERRORS.config_invalid}: identities\\.web\\.key: `, 'u'),
  });
});

test('relative paths start at the folder of the configuration', () => {
  assert.deepEqual(filesOf('web', { folder: 'id' }, '/etc/c'), {
    cert: '/etc/c/id/web.crt',
    key: '/etc/c/id/web.key',
    ca: '/etc/c/id/ca.crt',
  });
  const files = { cert: '/a/c.pem', key: 'k.pem', ca: '../r.pem' };
  assert.deepEqual(filesOf('web', { files }, '/etc/c'), { cert: '/a/c.pem', key: '/etc/c/k.pem', ca: '/etc/r.pem' });
});

test('the published schema is a JSON Schema that admits what the agent admits', () => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(agentJsonSchema() as object);
  assert.ok(validate({ identities: { web: { folder: 'id', tokenFile: 't', onRenewed: ['true'] } } }));
  assert.ok(!validate({ identities: { web: { folder: 'id', tokenfile: 't' } } }));
});
