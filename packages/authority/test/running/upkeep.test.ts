import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { parseCrl } from '@countersign/pki';
import { eventually } from '@countersign/testkit';
import { newRequest } from '../support/keys.ts';
import { runningTest } from '../support/running.ts';
import type { RunningTest } from '../support/running.ts';

const day = 86_400_000;

describe('while it runs', () => {
  let running: RunningTest;
  let offset = 0;
  before(async () => {
    running = await runningTest({ clock: () => Date.now() + offset });
  });
  after(() => running[Symbol.asyncDispose]());

  async function shownSerial(): Promise<string> {
    const port = Number(running.authority.listen.authority.split(':').at(-1));
    // The authority's clock is ahead of this one: only which certificate it shows is looked at.
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
    socket.destroy();
    return serial.toLowerCase();
  }
  const crlNumber = async (): Promise<bigint> => {
    const answer = await fetch(`http://${running.authority.listen.http}/crl/issuing-1.crl`);
    return parseCrl(new Uint8Array(await answer.arrayBuffer())).crlNumber ?? 0n;
  };
  const warnings = async (): Promise<string[]> =>
    (await running.ask('GET', '/v1/status')).body.warnings.map(({ code }: { code: string }) => code);

  it('replaces its own certificate when that was revoked, and signs its CRLs ahead of time', async () => {
    const first = await shownSerial();
    await running.ask('POST', '/v1/revocations', { serial: first });
    const number = await crlNumber();
    offset += 16 * 3_600_000;
    await eventually('another certificate', 10_000, async () => (await shownSerial()) !== first);
    await eventually('another CRL', 10_000, async () => (await crlNumber()) > number);
  });

  it('replaces its own certificate in the last third of its life', async () => {
    const before = await shownSerial();
    offset += 21 * day;
    await eventually('another certificate', 10_000, async () => (await shownSerial()) !== before);
  });

  it('says what needs mending: a root that is online, its CRL 90 days before the end, an issuing CA in its last year', async () => {
    assert.deepEqual(await warnings(), ['root_online']);
    assert.match(await running.authority.metrics(), /^countersign_authority_root_crl_alarm 0$/mu);
    offset += 11 * 30 * day;
    assert.deepEqual(await warnings(), ['root_online', 'root_crl_ends']);
    assert.match(await running.authority.metrics(), /^countersign_authority_root_crl_alarm 1$/mu);
    offset += 4 * 365 * day - 11 * 30 * day;
    assert.deepEqual(await warnings(), ['root_online', 'root_crl_ends', 'issuing_ends']);
  });

  it('shortens what would outlive its issuer, and issues nothing when that has ended', async () => {
    const { csr } = await newRequest();
    const request = { name: 'late', profile: 'person', csr };
    offset += 200 * day;
    const shortened = await running.ask('POST', '/v1/certificates', request);
    assert.equal(shortened.status, 200, shortened.text);
    assert.equal(shortened.body.shortened.because, 'issuer');
    offset += 200 * day;
    const none = await running.ask('POST', '/v1/certificates', request);
    assert.deepEqual([none.status, none.body.code], [503, 'issuer_unavailable']);
  });

  it('counts what it does', async () => {
    const text = await running.authority.metrics();
    assert.match(text, /^countersign_authority_certificates_issued_total\{profile="person",door="admin"\} 1$/mu);
    assert.match(text, /^countersign_authority_requests_refused_total\{door="admin",code="issuer_unavailable"\} 1$/mu);
    assert.match(text, /^countersign_authority_ca_not_after_seconds\{ca="root"\} \d+$/mu);
    for (const scope of ['full', 'delta', 'partition']) {
      const labels = `\\{ca="issuing-1",scope="${scope}"\\}`;
      for (const name of ['next_update_seconds', 'bytes', 'entries']) {
        assert.match(text, new RegExp(`^countersign_authority_crl_${name}${labels} [\\d.]+$`, 'mu'));
      }
    }
    // The delta of a short list is signed with it.
    for (const scope of ['full', 'partition']) {
      assert.match(text, new RegExp(`^countersign_authority_crl_sign_seconds.*"${scope}"\\} [\\d.]+$`, 'mu'));
    }
    assert.match(text, /^countersign_authority_crl_failures 0$/mu);
  });
});
