import { type ProfileName, profileNames, type San } from '@countersign/protocol';
import { command } from './command.ts';
import { adminClient } from '../admin/client.ts';
import { parseDuration, parseName } from '../admin/names.ts';
import { adminTarget } from '../admin/target.ts';
import { outputOf } from '../terminal/output.ts';
import * as flags from './flags.ts';

interface TokenFlags extends flags.AdminFlags {
  readonly profile: ProfileName;
  readonly san?: readonly San[];
  readonly ttl: number;
}

export const token = command<TokenFlags, [string]>({
  async run(given, name) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const answer = await client.call('token', {
      body: { name, profile: given.profile, sans: [...(given.san ?? [])], ttlSeconds: given.ttl },
    });
    output.object({ name, profile: given.profile, ...answer });
    output.say(answer.token);
  },
  parameters: {
    flags: {
      ...flags.target,
      json: flags.json,
      profile: { kind: 'enum', values: profileNames, default: 'client', brief: 'What kind of certificate it is for' },
      san: flags.san,
      ttl: {
        kind: 'parsed',
        parse: parseDuration,
        default: '15m',
        placeholder: 'TIME',
        brief: 'How long it may be redeemed: 90s, 15m, 12h or 30d',
      },
    },
    positional: { kind: 'tuple', parameters: [{ parse: parseName, placeholder: 'NAME', brief: 'Whom it is for' }] },
  },
  docs: { brief: 'Make a single-use enrollment token and print it' },
});
