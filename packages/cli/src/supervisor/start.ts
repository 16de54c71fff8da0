// `countersign start`: the authority, the gateway and (where nobody names one) a demonstration upstream, kept running.
import { authorityProcess } from '@countersign/authority';
import { gatewayProcess } from '@countersign/gateway';
import { fileURLToPath } from 'node:url';
import type { ListeningEvent } from '@countersign/protocol';
import { adminClient, type AdminClient } from '../admin/client.ts';
import { hostPort, parseHostPort } from '../admin/names.ts';
import { adminSocketPath } from '../admin/socket.ts';
import { type RunningProcess, writeProcesses } from '../data/processes.ts';
import { type ManagedChild, manageChild } from './child.ts';
import { type DemoUpstream, startDemoUpstream } from './demo-upstream.ts';
import { gatewayConfig } from './gateway-config.ts';
import type { StartPlan } from './plan.ts';
import { gatewayToken } from './gateway-token.ts';

/** Everything that runs, and where it listens. */
export interface RunningProduct {
  readonly listen: {
    readonly gateway: string;
    readonly authority: string;
    readonly http: string;
    readonly enroll: string;
    readonly admin: string;
  };
  readonly upstream: string;
  /** An admin client of the authority that was started. */
  readonly client: AdminClient;
  /** Gives the gateway what another plan has for it. @throws CliFailure when it can't be used; then all stays as it was. */
  reload(plan: StartPlan): Promise<void>;
  /** Drains the gateway, then ends the authority. */
  stop(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}

/** What happens on the way, for whoever shows it. */
export interface StartEvents {
  onRemark(line: string): void;
}

/**
 * Starts the product of an initialized DATA folder. On a failure everything that was started is ended again.
 *
 * @throws CliFailure with the words of the process that could not start.
 */
export async function startProduct(plan: StartPlan, events: StartEvents): Promise<RunningProduct> {
  const { folder } = plan;
  const known = new Map<number, RunningProcess>();
  const own: RunningProcess = { role: 'supervisor', pid: process.pid, listen: {} };
  const onListening = ({ role, pid, listen }: ListeningEvent): void => {
    // One authority and one gateway at a time; workers come and go, and `status` leaves out those that have gone.
    for (const [other, one] of known) if (one.role === role && role !== 'worker') known.delete(other);
    known.set(pid, { role, pid, listen });
    const order = ['authority', 'gateway', 'worker'];
    const sorted = [...known.values()].toSorted((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
    writeProcesses(folder, [own, ...sorted]);
  };
  writeProcesses(folder, [own]);
  const client = adminClient({ kind: 'socket', socketPath: adminSocketPath(folder.path), data: folder.path });
  const authority = manageChild({
    role: 'authority',
    module: fileURLToPath(authorityProcess),
    options: (before) => authorityOptions(plan, before),
    restart: plan.restart,
    onListening,
    onRemark: (line) => events.onRemark(line),
  });
  const started: ManagedChild[] = [authority];
  let demo: DemoUpstream | undefined;
  try {
    const authorityAt = (await authority.start()).listen;
    demo = needsDemo(plan) ? await startDemoUpstream() : undefined;
    const upstream = plan.upstream ?? demo?.url ?? '';
    const authorityUrl = `https://${reachable(authorityAt.authority ?? '')}`;
    let token = await gatewayToken(folder, client, plan.gatewayNames, plan.now());
    let current = plan;
    const gateway = manageChild({
      role: 'gateway',
      module: fileURLToPath(gatewayProcess),
      options: (before) => {
        const options = {
          config: gatewayConfig(current, { authorityUrl, upstream, before }),
          baseDir: current.baseDir,
          token,
          restart: plan.restart,
        };
        // A token works once: a gateway that comes back has its certificate.
        token = undefined;
        return options;
      },
      restart: plan.restart,
      onListening,
      onRemark: (line) => events.onRemark(line),
    });
    started.push(gateway);
    const gatewayAt = (await gateway.start()).listen;
    return {
      listen: {
        gateway: gatewayAt.gateway?.[0] ?? '',
        authority: authorityAt.authority ?? '',
        http: authorityAt.http ?? '',
        enroll: authorityAt.enroll ?? '',
        admin: gatewayAt.admin ?? '',
      },
      upstream,
      client,
      reload: async (next) => {
        const before = current;
        current = next;
        await gateway.reload().catch((error: unknown) => {
          current = before;
          throw error;
        });
      },
      stop: async () => {
        for (const child of started) child.retire();
        await gateway.stop();
        client[Symbol.dispose]();
        await authority.stop();
        demo?.close();
      },
      kill: () => {
        for (const child of started) child.kill();
      },
    };
  } catch (error) {
    for (const child of started.toReversed()) await child.stop();
    client[Symbol.dispose]();
    demo?.close();
    throw error;
  }
}

/** Whether nobody says where requests get to. */
export function needsDemo(plan: Pick<StartPlan, 'upstream' | 'gatewayConfig'>): boolean {
  return plan.upstream === undefined && plan.gatewayConfig?.['listeners'] === undefined;
}

/** A free port is chosen once: what comes back after an end listens where it listened before. */
function authorityOptions(plan: StartPlan, before: ListeningEvent | undefined): unknown {
  return {
    dataDir: plan.folder.path,
    passphrase: plan.passphrase,
    listen: before?.listen.authority ?? hostPort(plan.authority),
    http: before?.listen.http ?? hostPort(plan.http),
    enroll: before?.listen.enroll ?? hostPort(plan.enroll),
    ...(plan.acme === undefined ? {} : { acme: plan.acme }),
    ...(plan.est === undefined ? {} : { est: plan.est }),
    ...(plan.profiles === undefined ? {} : { profiles: plan.profiles }),
    ...(plan.administrators === undefined ? {} : { administrators: plan.administrators }),
    adminSocket: adminSocketPath(plan.folder.path),
    names: plan.authorityNames,
    ...(plan.publicHttp === undefined ? {} : { publicHttp: plan.publicHttp }),
  };
}

/** The address as a process on this machine reaches it. */
function reachable(address: string): string {
  const { host, port } = parseHostPort(address);
  return hostPort({ host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port });
}
