// Which addresses are free, asked before anything is made.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { hostPort, type HostPort } from '../admin/names.ts';

const usualEnroll = { host: '127.0.0.1', port: 8444 };

/**
 * Where ACME listens when nobody said where: on its usual port. Since nobody asked for it, it keeps nothing else from starting: where that
 * port is taken, or the authority itself takes any, it is a free one.
 *
 * @param remark hears that the usual port is taken
 */
export async function enrollAddress(
  authority: HostPort,
  remark: (line: string) => void,
  usual: HostPort = usualEnroll,
): Promise<HostPort> {
  if (authority.port === 0) return { ...usual, port: 0 };
  try {
    return await tryAddress(usual);
  } catch {
    remark(`${hostPort(usual)} is taken: ACME listens on a free port; choose one with --enroll`);
    return { ...usual, port: 0 };
  }
}

/** Listens and lets go again; port 0 finds a free one. @throws Error of the system, e.g. EADDRINUSE, that `explain` tells. */
export async function tryAddress({ host, port }: HostPort): Promise<HostPort> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host, port: address.port };
}
