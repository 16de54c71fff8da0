import { adminClient } from '../admin/client.ts';
import { parseName } from '../admin/names.ts';
import { adminTarget } from '../admin/target.ts';
import { columns, outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

export const allow = command<flags.AdminFlags, [string]>({
  async run(given, name) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const result = await client.call('allow', { body: { name } });
    output.object(result);
    output.say(`${result.name} may get certificates again: ${result.names.join(', ')}`);
  },
  parameters: {
    flags: { ...flags.target, json: flags.json },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: parseName, placeholder: 'NAME', brief: 'The holder, as the revoked certificate called it' },
      ],
    },
  },
  docs: {
    brief: 'Let an identity get certificates again that was blocked by a revocation',
    fullDescription:
      'A revocation for keyCompromise, privilegeWithdrawn or cessationOfOperation blocks every name of the certificate, at every door, until this is called. Any other revocation but as superseded, and a hold, keeps devices of the name from coming in by the certificate of their factory.',
  },
});

export const blocked = command<flags.AdminFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const result = await client.call('blocks', {});
    output.object(result);
    const rows = result.blocked.map(({ name, reason, blockedAt, names }) => [name, reason, blockedAt, names.join(' ')]);
    if (rows.length === 0) return;
    for (const line of columns([['NAME', 'REASON', 'SINCE', 'NAMES'], ...rows])) output.say(line);
  },
  parameters: { flags: { ...flags.target, json: flags.json } },
  docs: { brief: 'The identities that a revocation has blocked' },
});
