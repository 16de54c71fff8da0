import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { repository } from '@countersign/testkit';
import { doorsTest } from '../support/doors.ts';
import type { DoorsTest } from '../support/doors.ts';

const file = join(repository, 'docs/doors.md');

const head = `# Doors

Which credential opens which door of the authority. Each cell was tried: \`packages/authority/test/http/doors-table.test.ts\` starts an authority, asks every
endpoint with every kind of credential, and holds what it is told against this page; with \`COUNTERSIGN_WRITE_DOORS=1\` it writes the page.

\`yes\` is an open door; anything else is the code of the refusal ([authority-api.md](authority-api.md); on ACME the type of the problem, RFC 8555, section 6.7). A secret
is brought as \`Authorization: Bearer\`, to EST as the password of \`Basic\`; an external account key alone signs ACME requests by itself. The listeners of ACME and of plain HTTP ask for no
certificate and so see none. A certificate of profile \`server\` renews itself and listens to the feed, by which it judges its clients, and does nothing else. \`new-account\` also asks for the external account where the configuration says so.
An administrator with a scope (\`administrators\` in the configuration) makes tokens within it, and is a holder elsewhere.
An expired certificate renews itself where its profile has \`renewalGraceSeconds\` (\`device\` here) that are not over, hears what came of that,
however late that is decided, and does nothing else.
\`serverkeygen\` is configured for profile \`device\` here; a token opens it beside a certificate that the key can be encrypted to.
`;

describe('doors', () => {
  let test: DoorsTest;
  const cells = new Map<string, string>();
  before(async () => {
    test = await doorsTest();
    for (const door of test.doors)
      for (const credential of test.credentials)
        cells.set(`${door.name}\n${credential.name}`, await door.ask(credential));
  });
  after(() => test[Symbol.asyncDispose]());

  function page(): string {
    const groups = Map.groupBy(test.doors, ({ group }) => group);
    const tables = [...groups].map(([group, doors]) => {
      const names = test.credentials.map(({ name }) => name);
      const rows = doors.map(({ name }) => {
        const told = names.map((credential) => cells.get(`${name}\n${credential}`) ?? '');
        return `| ${name} | ${told.join(' | ')} |`;
      });
      return [`\n## ${group}\n`, `| | ${names.join(' | ')} |`, `|---|${'---|'.repeat(names.length)}`, ...rows].join(
        '\n',
      );
    });
    return `${head}${tables.join('\n')}\n`;
  }

  it('open as docs/doors.md says, for every credential at every endpoint', () => {
    const made = page();
    if (process.env['COUNTERSIGN_WRITE_DOORS'] === '1') writeFileSync(file, made);
    assert.deepEqual(made.split('\n'), readFileSync(file, 'utf8').split('\n'));
  });

  it('of issuance open for exactly the credentials that are meant', () => {
    const opened = (door: string): string[] =>
      test.credentials.map(({ name }) => name).filter((name) => cells.get(`${door}\n${name}`) === 'yes');
    const profiles = ['admin', 'gateway', 'client', 'device', 'peer', 'person', 'server'];
    const holders = profiles.map((one) => `our certificate: ${one}`);
    assert.deepEqual(opened('POST /v1/certificates'), [...holders.slice(0, 2), 'local socket']);
    const registrar = 'our certificate: admin with a scope';
    assert.deepEqual(opened('POST /v1/tokens'), ['our certificate: admin', registrar, 'local socket']);
    holders.push(registrar);
    assert.deepEqual(opened('POST /v1/enroll'), ['enrollment token']);
    const late = 'our certificate, expired within grace';
    assert.deepEqual(opened('POST /v1/renew'), [...holders, late]);
    assert.deepEqual(opened('POST /.well-known/est/simpleenroll'), [
      'enrollment token',
      ...holders,
      "factory's certificate",
    ]);
    assert.deepEqual(opened('POST /.well-known/est/simplereenroll'), [...holders, late]);
    // An expired certificate renews itself where its profile says so, and does nothing else anywhere.
    const asking = test.doors.filter(({ group }) => group === 'API' || group === 'EST').map(({ name }) => name);
    const open = /cacerts$|csrattrs$/u;
    const opens = (who: string): string[] =>
      asking.filter((door) => cells.get(`${door}\n${who}`) === 'yes' && !open.test(door));
    assert.deepEqual(opens(late), ['GET /v1/enroll/:id', 'POST /v1/renew', 'POST /.well-known/est/simplereenroll']);
    assert.deepEqual(opens('our certificate, expired beyond grace'), []);
    assert.deepEqual(opened('POST /.well-known/est/serverkeygen'), [
      'our certificate: device',
      "factory's certificate",
    ]);
    assert.deepEqual(opened('POST /acme/new-order'), ['ACME account key']);
  });
});
