import type { CertificateDetail, CertificateRecord } from '@countersign/protocol';
import { command } from './command.ts';
import { type AdminClient, adminClient } from '../admin/client.ts';
import { type Subject, withSubject } from '../admin/subject.ts';
import { adminTarget } from '../admin/target.ts';
import { dataFolder } from '../data/folder.ts';
import { issuedFiles } from '../identity/issued-files.ts';
import { CliFailure } from '../failure.ts';
import { columns, outputOf } from '../terminal/output.ts';
import * as flags from './flags.ts';

async function details(client: AdminClient, subject: Subject): Promise<readonly CertificateDetail[]> {
  if ('name' in subject) {
    const found: CertificateRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.call('list', { query: { name: subject.name, cursor, limit: 1000 } });
      found.push(...page.certificates);
      cursor = page.next;
    } while (cursor !== undefined);
    if (found.length === 0) throw new CliFailure({ code: 'unknown_certificate', message: `no ${subject.name}` });
    return Promise.all(found.map(({ serial }) => client.call('show', { path: { serial } })));
  }
  return [await client.call('show', { path: { serial: await serialOf(subject) } })];
}

async function serialOf(subject: Exclude<Subject, { name: string }>): Promise<string> {
  if ('serial' in subject) return subject.serial;
  const { parseCertificate, pemDecodeOne } = await import('@countersign/pki');
  return parseCertificate(pemDecodeOne(subject.certificate, 'CERTIFICATE')).serialHex;
}

export const show = command<flags.AdminFlags, [string]>({
  async run(given, what) {
    const output = outputOf(this, given.json);
    const folder = dataFolder(this, given.data);
    using client = adminClient(adminTarget(this, given));
    const found = await withSubject(this, what, (subject) => details(client, subject));
    for (const [at, detail] of found.entries()) {
      const files = issuedFiles(folder, detail);
      output.object({ ...detail, files });
      if (at > 0) output.say();
      const rows = [
        ['name', detail.name],
        ['serial', detail.serial],
        ['profile', detail.profile],
        ['names', detail.sans.map(({ type, value }) => `${type}:${value}`).join(' ')],
        ['issuer', detail.issuer],
        ['not before', detail.notBefore],
        ['not after', detail.notAfter],
        ['status', detail.status],
        ['reason', detail.reason ?? ''],
        ['revoked at', detail.revokedAt ?? ''],
        ['sha-256', detail.fingerprintSha256],
        ['files', files.join(' ')],
      ];
      for (const line of columns(rows.filter(([, cell]) => cell !== ''))) output.say(line);
      output.say(detail.certificate.trimEnd());
    }
  },
  parameters: {
    flags: { ...flags.target, json: flags.json },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: String, placeholder: 'NAME|SERIAL|FILE', brief: 'A name, a serial number, or a certificate' },
      ],
    },
  },
  docs: { brief: 'Show everything about one certificate, or all of a name' },
});
