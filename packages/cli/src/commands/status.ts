import type { Status } from '@countersign/protocol';
import { command } from './command.ts';
import { adminClient } from '../admin/client.ts';
import { adminTarget } from '../admin/target.ts';
import { dataFolder } from '../data/folder.ts';
import { readProcesses, type RunningProcess } from '../data/processes.ts';
import { CliFailure } from '../failure.ts';
import { columns, outputOf } from '../terminal/output.ts';
import * as flags from './flags.ts';

export const status = command<flags.AdminFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    const folder = dataFolder(this, given.data);
    const local = given.url === undefined ? readProcesses(folder) : [];
    if (local === undefined) {
      throw new CliFailure({
        code: 'not_running',
        message: `nothing runs on ${folder.path}`,
        mend: 'start it with `countersign start`, or name another folder with --data',
      });
    }
    using client = adminClient(adminTarget(this, given));
    // Without an authority the processes are still worth telling: that it is away is what somebody may be looking for.
    const authority = await client.call('status', {}).catch((error: unknown) => {
      if (given.url !== undefined || !(error instanceof CliFailure)) throw error;
      return undefined;
    });
    output.object(given.url === undefined ? local : remote(authority));
    for (const line of processLines(local)) output.say(line);
    if (authority === undefined) output.say('the authority does not answer');
    else for (const line of authorityLines(authority)) output.say(line);
  },
  parameters: { flags: { ...flags.target, json: flags.json } },
  docs: { brief: 'What runs, where it listens, and what needs mending' },
});

function remote(authority: Status | undefined): readonly unknown[] {
  return authority === undefined ? [] : [{ role: 'authority', pid: authority.pid, listen: authority.listen }];
}

function processLines(processes: readonly RunningProcess[]): readonly string[] {
  if (processes.length === 0) return [];
  const rows = processes.map(({ role, pid, listen }) => [
    role,
    String(pid),
    Object.entries(listen)
      .map(([door, where]) => `${door} ${Array.isArray(where) ? where.join(' ') : where}`)
      .join(', '),
  ]);
  return columns([['ROLE', 'PID', 'LISTEN'], ...rows]);
}

function authorityLines(authority: Status): readonly string[] {
  const { certificates, requestsWaiting, gateways, servers = [], nodes = [], root, issuing, warnings } = authority;
  const rows = [
    ['certificates', `${certificates.valid} valid, ${certificates.revoked} revoked, ${certificates.total} in all`],
    ...(requestsWaiting === 0
      ? []
      : [['requests', `${requestsWaiting} waiting for an administrator (countersign requests)`]]),
    ...[root, ...issuing].map((ca) => [
      ca.id,
      `until ${ca.notAfter}${ca.online ? ', key online' : ''}${ca.crl === undefined ? '' : `, CRL until ${ca.crl.nextUpdate}`}`,
    ]),
    ...gateways.map(({ name, workers, acknowledged }) => [
      `gateway ${name}`,
      `${workers} worker${workers === 1 ? '' : 's'}, ${acknowledged === undefined ? 'nothing acknowledged yet' : `at ${acknowledged}`}`,
    ]),
  ];
  rows.push(
    ...servers.map(({ name, acknowledged }) => [
      `server ${name}`,
      acknowledged === undefined ? 'nothing acknowledged yet' : `at ${acknowledged}`,
    ]),
    ...nodes.map((node) => [
      `node ${node.name}`,
      [counted(node.gateways, 'gateway'), ...(node.servers ? [counted(node.servers, 'server')] : [])].join(', '),
    ]),
  );
  return [...columns(rows), ...warnings.map(({ message }) => `warning: ${message}`)];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
