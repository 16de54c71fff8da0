import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adminSocketPath } from '@countersign/authority';
import type { AuthorityOptions } from '@countersign/authority';
import { firstMessage, forkServer } from '../harness/authority.ts';
import { callLocal } from '../harness/local-api.ts';
import { newRequest } from './requests.ts';

/** A server that is measured, as a process in a session of its own. It ends when it is disconnected. */
export interface Server {
  readonly process: ChildProcess;
  /** Of the listener that asks for certificates. */
  readonly port: number;
  /** Of the enrollment listener, where it was asked for. */
  readonly enroll: number | undefined;
}

/** Starts the authority of a data folder, or a bare server with its certificates. */
export async function startServer(
  kind: 'authority' | 'echo',
  data: string,
  options: Partial<AuthorityOptions> = {},
): Promise<Server> {
  // Its log is written, and read by nobody.
  const child = forkServer(new URL('./server.ts', import.meta.url), [kind, data, JSON.stringify(options)], 'ignore');
  const { port, enroll } = await firstMessage<{ port: number; enroll?: number }>(child);
  return { process: child, port, enroll };
}

/** The processor time that a server has used. */
export async function cpuOf(child: ChildProcess): Promise<NodeJS.CpuUsage> {
  child.send('cpu');
  const [{ cpu }] = (await once(child, 'message')) as [{ cpu: NodeJS.CpuUsage }];
  return cpu;
}

/** POST to the authority of a data folder over its local socket. */
export function askLocally<T>(data: string, path: string, body: object): Promise<T> {
  return callLocal<T>(adminSocketPath(data), path, body);
}

/** A key and its certificate, issued over the local socket. */
export async function issued(data: string, wanted: object): Promise<{ key: string; cert: string }> {
  const { keyPem, csr } = await newRequest();
  const { certificate } = await askLocally<{ certificate: string }>(data, '/v1/certificates', { ...wanted, csr });
  return { key: keyPem, cert: certificate };
}

/** Starts the bare server beside a running authority, with a certificate of that and `answer` for everybody. */
export async function startEcho(data: string, answer: string): Promise<Server> {
  const identity = await issued(data, { name: 'localhost', profile: 'server' });
  writeFileSync(join(data, 'echo.key'), identity.key);
  writeFileSync(join(data, 'echo.crt'), identity.cert);
  writeFileSync(join(data, 'answer.json'), answer);
  return startServer('echo', data);
}
