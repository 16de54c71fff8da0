// One run of `countersign start`, from its flags to its end.
import { hostname } from 'node:os';
import { type HostPort, httpUrl, parseHostPort } from '../admin/names.ts';
import { readStartFile, type StartFile } from '../config/start-file.ts';
import { type CliContext, pathFrom } from '../context.ts';
import { aboutFile } from '../explain.ts';
import { dataFolder, dataState } from '../data/folder.ts';
import { takeLock } from '../data/lock.ts';
import { usage } from '../failure.ts';
import type { Output } from '../terminal/output.ts';
import { announce } from './announce.ts';
import { issueDemo } from './demo-client.ts';
import { isLoopback, localNames } from './host-names.ts';
import type { StartPlan } from './plan.ts';
import { prepare, type Wanted } from './prepare.ts';
import { reload } from './reload.ts';
import { untilStopped } from './signals.ts';
import { needsDemo, type RunningProduct, startProduct } from './start.ts';

/** The flags of `start`. */
export interface StartFlags {
  readonly data?: string;
  readonly json?: boolean;
  readonly upstream?: string;
  readonly gateway?: HostPort;
  readonly authority?: HostPort;
  readonly http?: HostPort;
  readonly enroll?: HostPort;
  readonly admin?: HostPort;
  readonly name?: readonly string[];
  readonly publicHttp?: string;
  readonly workers?: number;
  readonly trust?: readonly string[];
  readonly config?: string;
  readonly restart: boolean;
}

/** Runs everything until a signal asks for the end; what is under way is finished first. */
export async function runStart(context: CliContext, given: StartFlags, output: Output): Promise<void> {
  const readFile = (): StartFile | undefined =>
    given.config === undefined ? undefined : readStartFile(pathFrom(context, given.config));
  const folder = dataFolder(context, given.data);
  const wanted = planOf(context, given, readFile());
  // Before anything is made in it.
  dataState(folder);
  const lock = takeLock(folder, process.pid);
  let running: RunningProduct | undefined;
  let plan: StartPlan | undefined;
  const again = async (): Promise<void> => {
    if (plan !== undefined) await running?.reload({ ...planOf(context, given, readFile()), ...fixed(plan) });
  };
  let asked: NodeJS.Signals | undefined;
  const stopping = untilStopped(given.config === undefined ? undefined : () => void reload(output, again));
  try {
    // Children end when this process does, so leaving is enough.
    stopping.onHurry(() => process.exit(1));
    void stopping.asked.then((signal) => (asked = signal));
    const prepared = await prepare(context, folder, wanted, output).catch((error: unknown) => {
      throw given.config === undefined ? error : aboutFile(pathFrom(context, given.config), error);
    });
    plan = { ...wanted, ...prepared };
    const onRemark = (line: string): void => output.note(`countersign: ${line}`);
    running = await startProduct(plan, { onRemark });
    await issueDemo(running.client, folder);
    const { warnings } = await running.client.call('status', {});
    announce(output, {
      folder,
      listen: running.listen,
      upstream: running.upstream,
      demo: needsDemo(plan),
      warnings: [...warnings.map(({ message }) => message), ...ownWarnings(plan, running.listen.gateway)],
    });
    const signal = await stopping.asked;
    output.note(`countersign: ${signal}: what is under way is finished, then this ends`);
    await running.stop();
  } catch (error) {
    // Nobody would end what goes on running without its lock, and this process could not end before it does.
    await running?.stop();
    // A signal to the group ends what is only just starting: that is no failure, it was asked for.
    if (asked === undefined) throw error;
    output.note(`countersign: ${asked}: ended before everything listened`);
  } finally {
    stopping.release();
    lock.release();
  }
}

/** What was settled when the product started, and stays whatever a file says later. */
function fixed(plan: StartPlan): Omit<StartPlan, 'upstream' | 'trust' | 'gatewayConfig' | 'baseDir'> {
  const { upstream: _, trust: __, gatewayConfig: ___, baseDir: ____, ...rest } = plan;
  return rest;
}

function planOf(context: CliContext, given: StartFlags, file: StartFile | undefined): Wanted {
  const flags = file?.flags ?? {};
  const address = (key: 'gateway' | 'authority' | 'http' | 'admin', port: number): HostPort => {
    const text = flags[key];
    return given[key] ?? (text === undefined ? { host: '127.0.0.1', port } : parseHostPort(text));
  };
  const upstream = given.upstream ?? flags.upstream;
  if (upstream !== undefined && !/^https?:$/u.test(URL.canParse(upstream) ? new URL(upstream).protocol : '')) {
    throw usage(`${upstream} is not an http or https URL`, 'write it as http://HOST:PORT');
  }
  if (file?.gatewayConfig?.['listeners'] !== undefined && (upstream ?? given.gateway) !== undefined) {
    throw usage(
      'the listeners of --config say where clients connect and where they get to',
      'leave --gateway and --upstream out',
    );
  }
  const names = [...(flags.names ?? []), ...(given.name ?? [])];
  return {
    folder: dataFolder(context, given.data),
    upstream,
    gateway: address('gateway', 9443),
    authority: address('authority', 8443),
    http: address('http', 8080),
    enroll: given.enroll ?? (flags.enroll === undefined ? undefined : parseHostPort(flags.enroll)),
    admin: address('admin', 9090),
    gatewayNames: [...new Set([...localNames(hostname()), ...names])],
    authorityNames: names,
    publicHttp: given.publicHttp ?? (flags.publicHttp === undefined ? undefined : httpUrl(flags.publicHttp)),
    acme: flags.acme,
    est: flags.est,
    profiles: flags.profiles,
    administrators: flags.administrators,
    workers: given.workers ?? flags.workers,
    trust: given.trust?.map((path) => pathFrom(context, path)) ?? flags.trust ?? [],
    gatewayConfig: file?.gatewayConfig,
    baseDir: file?.baseDir ?? context.cwd,
    restart: given.restart,
    now: context.now,
  };
}

function ownWarnings(plan: StartPlan, gateway: string): readonly string[] {
  const { publicHttp } = plan;
  if (publicHttp === undefined || isLoopback(parseHostPort(gateway).host)) return [];
  if (!isLoopback(new URL(publicHttp).hostname.replaceAll(/[[\]]/gu, ''))) return [];
  return [
    `certificates name ${publicHttp} for their CRLs, which only this machine reaches; say --public-http URL before clients elsewhere need it`,
  ];
}
