// A real gateway: its primary as a forked process, with workers of its own, as a supervisor would run it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import tls from 'node:tls';
import type { FailedEvent, ListeningEvent, ProcessEvent } from '@countersign/protocol';
import { join } from 'node:path';
import { repository } from '@countersign/testkit';
import { gatewayProcess } from '../../src/index.ts';
import type { GatewayConfigInput } from '../../src/config/schema.ts';

export interface GatewayStart {
  readonly config: GatewayConfigInput;
  readonly baseDir: string;
  readonly token?: string;
  readonly restart?: boolean;
  /** A process group of its own, so that it can be signalled as a whole. */
  readonly detached?: boolean;
}

export interface GatewayUnderTest extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly events: readonly ProcessEvent[];
  /** Port of a listener. */
  port(index?: number): number;
  readonly admin: string;
  /** The workers that said that they listen, the dead ones included. */
  readonly workerPids: readonly number[];
  /** Everything on stderr so far: operator's log and access log. */
  stderr(): string;
  /** The lines of stderr that are JSON. */
  lines(): readonly Record<string, unknown>[];
  metrics(): Promise<string>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
}

/** The gateway did not start: what it said. */
export class NotStarted extends Error {
  readonly code: string;
  readonly exitCode: number | null;

  constructor(code: string, message: string, exitCode: number | null) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}

export async function startGateway(start: GatewayStart): Promise<GatewayUnderTest> {
  const { detached = false, ...options } = start;
  const child = fork(gatewayProcess, [], {
    execArgv: ['--conditions=countersign-source'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Three processes each time: that they need not all strip the same types again halves the test's time.
    env: { ...process.env, NODE_COMPILE_CACHE: join(repository, 'node_modules/.cache/countersign') },
    detached,
  });
  const events: ProcessEvent[] = [];
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let failed: FailedEvent | undefined;
  const started = new Promise<ListeningEvent>((resolve, reject) => {
    child.on('message', (event: ProcessEvent) => {
      events.push(event);
      if (event.event === 'failed') failed = event;
      else if (event.role === 'gateway') resolve(event);
    });
    void exited.then(([code]) =>
      reject(
        failed === undefined
          ? new Error(`the gateway ended with ${code}\n${stderr}`)
          : new NotStarted(failed.code, failed.message, code),
      ),
    );
  });
  child.send({ command: 'start', options });
  const { listen } = await started;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const [code] = await exited;
    return code;
  };
  const admin = listen.admin ?? '';
  return {
    child,
    events,
    port: (index = 0) => Number(listen.gateway?.[index]?.split(':').at(-1)),
    admin,
    get workerPids() {
      return events.flatMap((event) => (event.event === 'listening' && event.role === 'worker' ? [event.pid] : []));
    },
    stderr: () => stderr,
    lines: () =>
      stderr
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    metrics: async () => (await fetch(`http://${admin}/metrics`)).text(),
    stop,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
  readonly reused: boolean;
  readonly protocol: string | null;
  readonly session: Buffer | undefined;
  /** Of the certificate that the server showed; lower-case hex. */
  readonly serverSerial: string | undefined;
}

/** A client's certificate and key, as PEM. */
export interface ClientPem {
  /** With its intermediates. */
  readonly chainPem: string;
  /** Alone. */
  readonly pem: string;
  readonly keyPem: string;
}

export interface Ask {
  readonly port: number;
  readonly ca: string;
  readonly client?: ClientPem | undefined;
  /** The server name to send; undefined sends none. */
  readonly sni?: string | undefined;
  readonly host?: string;
  readonly path?: string;
  readonly version?: 'TLSv1.2' | 'TLSv1.3';
  readonly session?: Buffer | undefined;
  /** Send only the leaf. */
  readonly leafOnly?: boolean;
  /** Let this client show a key that OpenSSL would not. */
  readonly weakKeys?: boolean;
}

/** One HTTP/1.1 request over a connection of its own. Rejects when the connection ends without an answer. */
export async function ask(options: Ask): Promise<Answer> {
  const { client, sni, host = sni ?? 'localhost', version } = options;
  const socket = tls.connect({
    host: '127.0.0.1',
    port: options.port,
    ca: options.ca,
    servername: sni ?? '',
    checkServerIdentity: () => undefined,
    ...(client === undefined
      ? {}
      : { cert: options.leafOnly === true ? client.pem : client.chainPem, key: client.keyPem }),
    ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
    ...(options.weakKeys === true ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
    ...(options.session === undefined ? {} : { session: options.session }),
  });
  let session: Buffer | undefined;
  let text = '';
  socket.on('session', (made: Buffer) => (session = made));
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('secureConnect', () =>
    socket.write(`GET ${options.path ?? '/'} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
  );
  let failure: Error | undefined;
  socket.on('error', (error) => (failure = error));
  let reused = false;
  let protocol: string | null = null;
  let serverSerial: string | undefined;
  socket.on('secureConnect', () => {
    reused = socket.isSessionReused();
    protocol = socket.getProtocol();
    serverSerial = socket.getPeerX509Certificate()?.serialNumber.toLowerCase();
  });
  await once(socket, 'close');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  if (status === 0) throw new Error(`no answer: ${failure?.message ?? 'closed'}`, { cause: failure });
  return { status, code: /"code":"(\w+)"/.exec(text)?.[1], text, reused, protocol, session, serverSerial };
}
