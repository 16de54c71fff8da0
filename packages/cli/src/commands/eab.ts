import type { AcmeKey, ProfileName } from '@countersign/protocol';
import { buildRouteMap } from '@stricli/core';
import { adminClient } from '../admin/client.ts';
import { parseCount, parseDuration, parseName } from '../admin/names.ts';
import { adminTarget } from '../admin/target.ts';
import { columns, outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

type EabProfile = Extract<ProfileName, 'server' | 'peer' | 'client' | 'device'>;

interface CreateFlags extends flags.AdminFlags {
  readonly allow?: readonly string[];
  readonly preauthorize?: readonly string[];
  readonly profile: EabProfile;
  readonly accounts?: number;
  readonly ttl: number;
}

function names(brief: string) {
  return {
    kind: 'parsed',
    parse: String,
    optional: true,
    variadic: true,
    placeholder: 'dns:|ip:NAME',
    brief,
  } as const;
}

const create = command<CreateFlags, [string]>({
  async run(given, name) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const answer = await client.call('acmeKey', {
      body: {
        name,
        preauthorized: [...(given.preauthorize ?? [])],
        profile: given.profile,
        ttlSeconds: given.ttl,
        ...(given.allow === undefined ? {} : { allowed: [...given.allow] }),
        ...(given.accounts === undefined ? {} : { accounts: given.accounts }),
      },
    });
    output.object(answer);
    output.say(`key identifier  ${answer.id}`);
    output.say(`hmac key        ${answer.hmacKey}`);
    output.note('countersign: the hmac key is shown this once');
  },
  parameters: {
    flags: {
      ...flags.target,
      json: flags.json,
      allow: names('Names that may be ordered, each proven by a challenge (else every name)'),
      preauthorize: names('Names that you vouch for: no challenge'),
      profile: {
        kind: 'enum',
        values: ['server', 'peer', 'client', 'device'] as const,
        default: 'server',
        brief: 'What kind of certificates its accounts get',
      },
      accounts: {
        kind: 'parsed',
        parse: parseCount,
        optional: true,
        placeholder: 'N',
        brief: 'How many accounts can be bound with it (else any number)',
      },
      ttl: {
        kind: 'parsed',
        parse: parseDuration,
        default: '30d',
        placeholder: 'TIME',
        brief: 'How long accounts can be bound with it: 90s, 15m, 12h or 30d',
      },
    },
    positional: { kind: 'tuple', parameters: [{ parse: parseName, placeholder: 'NAME', brief: 'Whom it is for' }] },
  },
  docs: {
    brief: 'Make an external account key for an ACME client and print it',
    fullDescription:
      'Names are dns:www.example.com (that name), dns:*.example.com (that wildcard), dns:.example.com (every name below) and ip:10.0.0.0/8.',
  },
});

const list = command<flags.AdminFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const { keys } = await client.call('acmeKeys', {});
    output.object(keys);
    if (keys.length > 0) {
      const rows = keys.map((key) => [key.id, key.name, key.profile, key.expiresAt, namesOf(key)]);
      for (const line of columns([['ID', 'NAME', 'PROFILE', 'BINDS UNTIL', 'NAMES'], ...rows])) output.say(line);
    }
  },
  parameters: { flags: { ...flags.target, json: flags.json } },
  docs: { brief: 'The external account keys, without their secrets' },
});

function namesOf({ allowed, preauthorized }: AcmeKey): string {
  const vouched = preauthorized.map((name) => `${name} (vouched for)`);
  const all = [...vouched, ...(allowed ?? [])];
  return all.length === 0 ? 'every name that a challenge proves' : all.join(' ');
}

const remove = command<flags.AdminFlags, [string]>({
  async run(given, id) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const answer = await client.call('removeAcmeKey', { body: { id } });
    output.object({ removed: answer.id });
    output.say(`removed ${answer.id}: its accounts order nothing more`);
  },
  parameters: {
    flags: { ...flags.target, json: flags.json },
    positional: { kind: 'tuple', parameters: [{ parse: String, placeholder: 'ID', brief: 'Its key identifier' }] },
  },
  docs: { brief: 'Remove an external account key; its accounts order nothing more' },
});

export const eab = buildRouteMap({
  routes: { create, list, remove },
  docs: { brief: 'External account keys: which ACME clients get which names, with or without challenges' },
});
