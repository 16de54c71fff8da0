import { type Convergence, type RevocationReason, revocationReasons } from '@countersign/protocol';
import { command } from './command.ts';
import { adminClient } from '../admin/client.ts';
import { parseTime } from '../admin/names.ts';
import { withSubject } from '../admin/subject.ts';
import { adminTarget } from '../admin/target.ts';
import { type Output, outputOf } from '../terminal/output.ts';
import * as flags from './flags.ts';

interface RevokeFlags extends flags.AdminFlags {
  readonly reason: RevocationReason;
  readonly invalidityDate?: number;
}

const positional = {
  kind: 'tuple',
  parameters: [
    { parse: String, placeholder: 'NAME|SERIAL|FILE', brief: 'A name, a serial number (hex), or a certificate file' },
  ],
} as const;

export const revoke = command<RevokeFlags, [string]>({
  async run(given, what) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const { reason } = given;
    const since =
      given.invalidityDate === undefined ? {} : { invalidityDate: new Date(given.invalidityDate).toISOString() };
    const result = await withSubject(this, what, (subject) =>
      client.call('revoke', { body: { ...subject, reason, ...since } }),
    );
    output.object(result);
    for (const { name, serial } of result.revoked) output.say(`revoked ${name} ${serial} (${reason})`);
    for (const { name, serial } of result.alreadyRevoked) output.say(`already revoked: ${name} ${serial}`);
    if (result.tokens > 0) output.say(`closed ${result.tokens} open enrollment token${result.tokens === 1 ? '' : 's'}`);
    sayConvergence(output, result.convergence);
  },
  parameters: {
    flags: {
      ...flags.target,
      json: flags.json,
      reason: {
        kind: 'enum',
        values: revocationReasons,
        default: 'unspecified',
        brief: 'Why, as RFC 5280 names it (certificateHold can be released)',
      },
      invalidityDate: {
        kind: 'parsed',
        parse: parseTime,
        optional: true,
        placeholder: 'RFC3339',
        brief: 'Since when the key is known or suspected to be in the wrong hands',
      },
    },
    positional,
  },
  docs: {
    brief: 'Revoke every unexpired certificate of a name and its open tokens, or one certificate',
    fullDescription:
      'Ends live connections and refuses new and resumed ones at every connected gateway, and server of the SDK that follows the feed; returns when all of them have said so, or after a second.',
  },
});

export const release = command<flags.AdminFlags, [string]>({
  async run(given, what) {
    const output = outputOf(this, given.json);
    using client = adminClient(adminTarget(this, given));
    const result = await withSubject(this, what, (subject) => client.call('release', { body: subject }));
    output.object(result);
    for (const { name, serial } of result.released) output.say(`released ${name} ${serial}`);
    sayConvergence(output, result.convergence);
  },
  parameters: { flags: { ...flags.target, json: flags.json }, positional },
  docs: { brief: 'End the hold of a certificate that was revoked with certificateHold' },
});

function sayConvergence(output: Output, { gateways, converged, waitedMs, servers, nodes = [] }: Convergence): void {
  const silent = nodes.filter(({ answered }) => !answered).map(({ node }) => node);
  if (silent.length > 0) {
    output.note(
      `countersign: not heard in time: the authority's node${silent.length === 1 ? '' : 's'} ${silent.join(', ')}`,
    );
  }
  sayApplied(output, 'gateway', gateways, converged, waitedMs);
  if (servers !== undefined) sayApplied(output, 'server', servers.connected, servers.converged, waitedMs);
}

function sayApplied(output: Output, who: string, connected: number, converged: number, waitedMs: number): void {
  if (connected === 0) return;
  output.say(
    `${converged} of ${connected} ${who}${connected === 1 ? '' : 's'} applied it within ${Math.round(waitedMs)} ms`,
  );
  if (converged < connected) {
    output.note(
      `countersign: ${connected - converged} connected ${who}(s) have not answered yet; they apply it as soon as they do`,
    );
  }
}
