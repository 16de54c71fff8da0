import { type RequestRecord, type RequestStatus, requestStatuses } from '@countersign/protocol';
import { buildRouteMap } from '@stricli/core';
import { type AdminClient, adminClient } from '../admin/client.ts';
import { adminTarget } from '../admin/target.ts';
import { columns, outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

const id = { parse: String, placeholder: 'ID', brief: 'The id of the request, as `countersign requests` tells it' };

interface ListFlags extends flags.AdminFlags {
  readonly status: RequestStatus | 'all';
}

const list = command<ListFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const requests = await everyRequest(client, given.status === 'all' ? undefined : given.status);
    output.object(requests);
    if (requests.length === 0) return;
    const rows = requests.map((one) => [
      one.id,
      one.status,
      one.name,
      one.profile,
      one.door,
      one.createdAt,
      until(one),
    ]);
    for (const line of columns([['ID', 'STATUS', 'NAME', 'PROFILE', 'DOOR', 'SINCE', 'UNTIL'], ...rows]))
      output.say(line);
  },
  parameters: {
    flags: {
      ...flags.target,
      json: flags.json,
      status: {
        kind: 'enum',
        values: [...requestStatuses, 'all'] as const,
        default: 'pending',
        brief: 'Which requests',
      },
    },
  },
  docs: { brief: 'The requests that wait for an administrator' },
});

async function everyRequest(client: AdminClient, status: RequestStatus | undefined): Promise<RequestRecord[]> {
  const all: RequestRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call('requests', { query: { status, cursor, limit: 1000 } });
    all.push(...page.requests);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}

function until({ decidedAt, expiresAt }: RequestRecord): string {
  return decidedAt ?? expiresAt;
}

const show = command<flags.AdminFlags, [string]>({
  async run(given, which) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const one = await client.call('request', { path: { id: which } });
    output.object(one);
    const by = [one.requestedBy.kind, one.requestedBy.name, one.requestedBy.serial].filter(
      (part) => part !== undefined,
    );
    const rows = [
      ['id', one.id],
      ['status', one.status],
      ['name', one.name],
      ['profile', one.profile],
      ['names', one.sans.map(({ type, value }) => `${type}:${value}`).join(' ')],
      ['proven', one.proven.join(' ')],
      ['door', one.door],
      ['asked by', by.join(' ')],
      ['since', one.createdAt],
      ['until', one.expiresAt],
      ['key sha-256', one.keySha256],
      ...(one.decidedAt === undefined ? [] : [['decided', `${one.decidedAt} by ${decider(one)}`]]),
      ...(one.reason === undefined ? [] : [['reason', one.reason]]),
      ...(one.serial === undefined ? [] : [['certificate', one.serial]]),
    ];
    for (const line of columns(rows)) output.say(line);
    output.say(one.csr.trimEnd());
  },
  parameters: { flags: { ...flags.target, json: flags.json }, positional: { kind: 'tuple', parameters: [id] } },
  docs: { brief: 'One request: what is asked for, what was proven, and by whom' },
});

function decider({ decidedBy }: RequestRecord): string {
  return decidedBy?.name ?? decidedBy?.kind ?? '';
}

const approve = command<flags.AdminFlags, [string]>({
  async run(given, which) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const approved = await client.call('approve', { body: { id: which } });
    output.object(approved);
    output.say(`approved ${approved.name}: ${approved.serial}, valid until ${approved.notAfter}`);
  },
  parameters: { flags: { ...flags.target, json: flags.json }, positional: { kind: 'tuple', parameters: [id] } },
  docs: {
    brief: 'Approve a request: the certificate is issued, and whoever waits picks it up',
    fullDescription:
      'Everything is checked again as of now. What is refused (a name that is blocked, a token that was revoked, …) waits on.',
  },
});

interface DenyFlags extends flags.AdminFlags {
  readonly reason: string;
}

const deny = command<DenyFlags, [string]>({
  async run(given, which) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const denied = await client.call('deny', { body: { id: which, reason: given.reason } });
    output.object(denied);
    output.say(`denied ${denied.name}: ${denied.reason}`);
  },
  parameters: {
    flags: {
      ...flags.target,
      json: flags.json,
      reason: { kind: 'parsed', parse: String, placeholder: 'TEXT', brief: 'Why; whoever waits is told' },
    },
    positional: { kind: 'tuple', parameters: [id] },
  },
  docs: { brief: 'Deny a request, with a reason' },
});

export const requests = buildRouteMap({
  routes: { list, show, approve, deny },
  defaultCommand: 'list',
  docs: {
    brief: 'Requests for certificates that wait for an administrator (`requests` alone lists them)',
    fullDescription:
      'Requests for certificates of profiles that ask for approval (`profiles` in the configuration) wait until an administrator approves or denies them. `requests` alone lists what waits.',
  },
});
