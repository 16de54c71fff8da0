import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { enrollAddress, tryAddress } from '../../src/supervisor/addresses.ts';
import { askedFor } from '../../src/supervisor/prepare.ts';

const host = '127.0.0.1';

test('a door that nobody asked for takes its usual port, and keeps nothing from starting when that is taken', async () => {
  const remarks: string[] = [];
  const remark = (line: string): number => remarks.push(line);
  const usual = await tryAddress({ host, port: 0 });
  assert.deepEqual(await enrollAddress({ host, port: 8443 }, remark, usual), usual);
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const taken = { host, port: (server.address() as AddressInfo).port };
  assert.deepEqual(await enrollAddress({ host, port: 8443 }, remark, taken), { host, port: 0 });
  assert.match(remarks.join(), /is taken: ACME listens on a free port; choose one with --enroll/u);
  await assert.rejects(tryAddress(taken), { code: 'EADDRINUSE' });
  server.close();
});

test('beside an authority on any free port it takes any free port too', async () => {
  assert.deepEqual(await enrollAddress({ host, port: 0 }, assert.fail), { host: '127.0.0.1', port: 0 });
});

test("the gateway's usual port may be taken where --config has listeners of its own", () => {
  const at = (port: number) => ({ host, port });
  const wanted = { gateway: at(1), authority: at(2), http: at(3), enroll: undefined, admin: at(4) };
  const ports = (gatewayConfig: Record<string, unknown> | undefined): readonly number[] =>
    askedFor({ ...wanted, gatewayConfig }).map(({ port }) => port);
  assert.deepEqual(ports(undefined), [1, 2, 3, 4]);
  assert.deepEqual(ports({ workers: 2 }), [1, 2, 3, 4]);
  assert.deepEqual(ports({ listeners: [] }), [2, 3, 4]);
});
