import type { CertificateRequest, ProfileName, San } from '@countersign/protocol';
import { adminClient, requireRunning } from '../admin/client.ts';
import { parseCount, parseHostName, parseName, parseTime } from '../admin/names.ts';
import { adminTarget, readUserBytes } from '../admin/target.ts';
import { type CliContext, pathFrom } from '../context.ts';
import { dataFolder } from '../data/folder.ts';
import { unreadable, usage } from '../failure.ts';
import { identityFiles } from '../identity/files.ts';
import { type FormatFlags, type FormatWish, formatWish } from '../identity/format-wish.ts';
import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

const issuable = ['client', 'server', 'peer', 'device', 'person', 'admin'] as const satisfies readonly ProfileName[];

interface Validity {
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
  readonly notBefore?: number;
  readonly notAfter?: number;
}

interface IssueFlags extends flags.AdminFlags, Validity, FormatFlags {
  readonly profile: (typeof issuable)[number];
  readonly san?: readonly San[];
  readonly csr?: string;
  readonly mustStaple?: boolean;
  readonly out?: string;
  readonly force?: boolean;
  readonly p12?: boolean;
}

export const issue = command<IssueFlags, [string]>({
  async run(given, name) {
    const output = outputOf(this, given.json);
    const formats = await formatsOf(this, given, name);
    const validity = validityOf(given);
    const folder = dataFolder(this, given.data);
    const out = given.out === undefined ? defaultOut(folder, given.profile) : pathFrom(this, given.out);
    const csr = given.csr === undefined ? undefined : await requestIn(pathFrom(this, given.csr));
    const target = adminTarget(this, given);
    requireRunning(target);
    using client = adminClient(target);
    const { issueIdentity } = await import('../identity/issue.ts');
    const { issued, written } = await issueIdentity(client, {
      request: {
        name,
        profile: given.profile,
        sans: namesFor(given.profile, name, given.san ?? []),
        ...(given.mustStaple === true ? { mustStaple: true } : {}),
        ...validity,
      },
      csr,
      files: identityFiles(out, name),
      force: given.force === true,
      formats,
    });
    const { serial, profile, notBefore, notAfter, shortened } = issued;
    output.object({ name, serial, profile, notBefore, notAfter, shortened, files: written });
    output.say(`issued ${name} (${profile}) ${serial}, valid until ${notAfter}`);
    for (const path of written) output.say(`  ${path}`);
    if (shortened !== undefined) output.note(`countersign: ${shortened.detail}`);
  },
  parameters: {
    flags: {
      ...flags.target,
      json: flags.json,
      profile: { kind: 'enum', values: issuable, default: 'client', brief: 'What kind of certificate it is' },
      san: flags.san,
      csr: flags.file('A certificate request (PEM or DER) whose key is elsewhere'),
      mustStaple: flags.toggle('The certificate demands a stapled OCSP response (RFC 7633); for server and peer'),
      minutes: { kind: 'parsed', parse: parseCount, optional: true, placeholder: 'N', brief: 'Valid for N minutes' },
      hours: { kind: 'parsed', parse: parseCount, optional: true, placeholder: 'N', brief: 'Valid for N hours' },
      days: { kind: 'parsed', parse: parseCount, optional: true, placeholder: 'N', brief: 'Valid for N days' },
      notBefore: {
        kind: 'parsed',
        parse: parseTime,
        optional: true,
        placeholder: 'RFC3339',
        brief: 'Valid from then on (else now, back-dated by 5 minutes)',
      },
      notAfter: {
        kind: 'parsed',
        parse: parseTime,
        optional: true,
        placeholder: 'RFC3339',
        brief: 'Valid until then (else what the profile says)',
      },
      out: flags.folder('Where the files go (else DATA/clients, for a server DATA/servers)'),
      force: flags.toggle('Overwrite files that are there'),
      p12: flags.toggle('Write NAME.p12 too: short for --format pem --format p12'),
      ...flags.format,
    },
    positional: { kind: 'tuple', parameters: [{ parse: parseName, placeholder: 'NAME', brief: 'The common name' }] },
  },
  docs: {
    brief: 'Issue a certificate; its key is made here and leaves this process only for its file',
    fullDescription:
      'Writes NAME.crt (leaf and intermediates), NAME.key (0600) and ca.crt, or what --format says. A server certificate gets dns:NAME as a name by itself.',
  },
});

function defaultOut(folder: { clients: string; servers: string }, profile: ProfileName): string {
  return profile === 'server' ? folder.servers : folder.clients;
}

// A server's certificate is found by its name: CN = NAME alone would match no host (RFC 9525).
function namesFor(profile: ProfileName, name: string, sans: readonly San[]): San[] {
  const own = parseHostName(name);
  const has = sans.some(({ type, value }) => type === own.type && value.toLowerCase() === own.value);
  return profile === 'server' && !has ? [own, ...sans] : [...sans];
}

function validityOf(given: Validity): Pick<CertificateRequest, 'notBefore' | 'notAfter' | 'lifetimeSeconds'> {
  const lengths = [
    [given.minutes, 60],
    [given.hours, 3600],
    [given.days, 86_400],
  ] as const;
  const chosen = lengths.flatMap(([count, seconds]) => (count === undefined ? [] : [count * seconds]));
  const [lifetimeSeconds] = chosen;
  if (chosen.length > 1) throw usage('only one of --minutes, --hours and --days can be meant');
  if (lifetimeSeconds !== undefined && given.notAfter !== undefined) {
    throw usage('--not-after and a number of minutes, hours or days exclude each other');
  }
  if (given.notBefore !== undefined && given.notAfter !== undefined && given.notAfter <= given.notBefore) {
    throw usage('--not-after lies before --not-before');
  }
  return {
    ...(given.notBefore === undefined ? {} : { notBefore: new Date(given.notBefore).toISOString() }),
    ...(given.notAfter === undefined ? {} : { notAfter: new Date(given.notAfter).toISOString() }),
    ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
  };
}

async function requestIn(path: string): Promise<string> {
  const bytes = readUserBytes(path);
  const [{ pemEncode }, { readAny }] = await Promise.all([import('@countersign/pki'), import('../inspection/read.ts')]);
  for (const found of await readAny(bytes, undefined)) {
    if (found.kind === 'request') return pemEncode('CERTIFICATE REQUEST', found.csr.der);
    if (found.kind === 'malformed') throw unreadable(`${path} can't be read: ${found.detail} (${found.code})`);
  }
  throw unreadable(`${path} holds no certificate request`);
}

/** What is written: PEM, unless `--format` says otherwise; a flag for PKCS#12 adds that to PEM. */
async function formatsOf(context: CliContext, given: IssueFlags, name: string): Promise<FormatWish> {
  const mentioned = given.p12 === true || given.p12Format !== undefined || given.p12PasswordFile !== undefined;
  const format = given.format ?? ['pem'];
  const wish = await formatWish(context, { ...given, format: mentioned ? [...format, 'p12'] : format }, name);
  const needsKey = wish.formats.find((one) => one === 'p12' || one === 'kubernetes');
  if (given.csr === undefined || needsKey === undefined) return wish;
  throw usage(
    `${needsKey === 'p12' ? '--p12' : '--format kubernetes'} needs the key, and with --csr the key is elsewhere`,
  );
}
