import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countersign } from '@countersign/testkit';

// Tells, at the end and on stderr, every module that was loaded.
const telling = `import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
process.on('exit', () => process.stderr.write(loaded.map((url) => 'loaded ' + url + '\\n').join('')));`;

test('a command loads what it needs when it runs: none pays for the PKI, the authority or the gateway of another', async () => {
  const NODE_OPTIONS = `--import data:text/javascript;base64,${Buffer.from(telling).toString('base64')}`;
  const { code, stderr } = await countersign(['--version'], { env: { NODE_OPTIONS } });
  assert.equal(code, 0, stderr);
  const loaded = [...stderr.matchAll(/^loaded .*\/packages\/(?<module>\S+)$/gmu)].map(
    ({ groups }) => groups?.['module'],
  );
  assert.ok(loaded.includes('cli/src/app.ts'), stderr);
  const heavy = loaded.filter((name) =>
    /^(?:pki|trust|sdk|authority|gateway|agent)\/src\/index\.ts$/u.test(name ?? ''),
  );
  assert.deepEqual(heavy, []);
});
