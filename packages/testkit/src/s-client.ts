// `openssl s_client` as a client: a request over one TLS connection, with sessions kept and taken up again.
import { runCommand } from './command.ts';
import type { ClientFiles } from './product.ts';

/** One connection to make. */
export interface SClientRequest {
  readonly port: number;
  readonly client?: Partial<ClientFiles>;
  /** The server name to send (`localhost`); `false` sends none. */
  readonly serverName?: string | false;
  readonly version?: '1.2' | '1.3';
  /** Keep the session in this file / resume from it. */
  readonly sessionOut?: string;
  readonly sessionIn?: string;
  /** What to send after the handshake; a plain GET without it. */
  readonly request?: string;
  /** Show only the leaf: without it the file's whole chain is sent. */
  readonly leafOnly?: boolean;
  readonly args?: readonly string[];
}

/** What OpenSSL reported. `status` is 0 when no HTTP answer came. */
export interface SClientResult {
  readonly reused: boolean;
  readonly protocol: string;
  readonly status: number;
  readonly output: string;
  readonly code: number | null;
}

/**
 * Connects with `openssl s_client`, sends a request that asks the server to close, and reads to the end.
 *
 * @example const second = await sClient({ port, client, version: '1.3', sessionIn: file }); second.reused
 */
export async function sClient(options: SClientRequest): Promise<SClientResult> {
  const { client, serverName = 'localhost' } = options;
  const common = ['s_client', '-connect', `127.0.0.1:${options.port}`, '-ign_eof'];
  const args = [
    ...common,
    ...(serverName === false ? ['-noservername'] : ['-servername', serverName]),
    ...(client?.ca === undefined ? [] : ['-CAfile', client.ca]),
    ...(client?.cert === undefined ? [] : ['-cert', client.cert]),
    ...(client?.cert === undefined || options.leafOnly === true ? [] : ['-cert_chain', client.cert]),
    ...(client?.key === undefined ? [] : ['-key', client.key]),
    ...(options.version === '1.2' ? ['-tls1_2'] : []),
    ...(options.version === '1.3' ? ['-tls1_3'] : []),
    ...(options.sessionOut === undefined ? [] : ['-sess_out', options.sessionOut]),
    ...(options.sessionIn === undefined ? [] : ['-sess_in', options.sessionIn]),
    ...(options.args ?? []),
  ];
  const input = options.request ?? 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const run = await runCommand('openssl', args, { input });
  const output = run.stdout + run.stderr;
  return {
    reused: /^Reused, TLS/m.test(output),
    protocol: /^(?:New|Reused), (TLSv[\d.]+)/m.exec(output)?.[1] ?? '',
    // Not at the start of a line: OpenSSL writes what was received past its own buffered words, in their midst.
    status: Number(/HTTP\/1\.1 (\d{3}) /.exec(output)?.[1] ?? 0),
    output,
    code: run.code,
  };
}
