// What `start` says when everything listens.
import { join } from 'node:path';
import { parseHostPort } from '../admin/names.ts';
import type { DataFolder } from '../data/folder.ts';
import { type Output, shellWord } from '../terminal/output.ts';
import { isAnyAddress, isLoopback } from './host-names.ts';

/** Where everything listens, as `host:port`. */
export interface Listening {
  readonly gateway: string;
  readonly authority: string;
  readonly http: string;
  readonly enroll: string;
  readonly admin: string;
}

/** What there is to tell beside the addresses. */
export interface Announcement {
  readonly folder: DataFolder;
  readonly listen: Listening;
  readonly upstream: string;
  readonly demo: boolean;
  readonly warnings: readonly string[];
}

/**
 * Tells where everything listens and how to try it, then `ready` on a line of its own. With `--json` it is one object:
 * `{"event":"ready","gateway":…,"authority":…,"http":…,"enroll":…,"admin":…}`.
 */
export function announce(output: Output, { folder, listen, upstream, demo, warnings }: Announcement): void {
  const gateway = urlFor(listen.gateway);
  const ca = shellWord(join(folder.clients, 'ca.crt'));
  const client = `--cert ${shellWord(join(folder.clients, 'demo.crt'))} --key ${shellWord(join(folder.clients, 'demo.key'))}`;
  output.say(`Countersign runs on ${folder.path}`);
  output.say();
  output.say(
    `  gateway    ${gateway}  ->  ${upstream}${demo ? '  (a demonstration; name your service with --upstream)' : ''}`,
  );
  output.say(`  authority  ${urlFor(listen.authority)}`);
  output.say(`  acme       ${urlFor(listen.enroll)}acme/directory`);
  output.say(`  http       http://${listen.http}/  (CRLs and CA certificates)`);
  output.say(`  admin      http://${listen.admin}/metrics, /healthz, /readyz`);
  output.say();
  output.say('With the certificate of the client demo, without one, and after throwing demo out:');
  output.say();
  output.say(`  curl --cacert ${ca} ${client} ${gateway}`);
  output.say(`  curl --cacert ${ca} ${gateway}`);
  output.say(`  npx countersign revoke demo --data ${shellWord(folder.path)}`);
  output.say();
  for (const warning of warnings) {
    output.say(`warning: ${warning}`);
    if (output.json) output.note(`warning: ${warning}`);
  }
  output.object({ event: 'ready', ...listen });
  output.say('ready');
}

/** The URL of the gateway or the authority as somebody on this machine calls it. */
function urlFor(address: string): string {
  const { host, port } = parseHostPort(address);
  const name = isAnyAddress(host) || isLoopback(host) ? 'localhost' : host;
  return `https://${name.includes(':') ? `[${name}]` : name}:${port}/`;
}
