import { type CertificateRecord, type CertificateStatus, certificateStatuses } from '@countersign/protocol';
import { command } from './command.ts';
import { adminClient, type AdminClient } from '../admin/client.ts';
import { adminTarget } from '../admin/target.ts';
import { issuedFiles } from '../identity/issued-files.ts';
import { dataFolder } from '../data/folder.ts';
import { columns, outputOf } from '../terminal/output.ts';
import * as flags from './flags.ts';

interface ListFlags extends flags.AdminFlags {
  readonly name?: string;
  readonly status?: CertificateStatus;
}

/** Every certificate that matches, page after page. */
async function* certificates(
  client: AdminClient,
  filter: { name?: string | undefined; status?: CertificateStatus | undefined },
): AsyncGenerator<CertificateRecord> {
  let cursor: string | undefined;
  do {
    const page = await client.call('list', { query: { ...filter, cursor, limit: 1000 } });
    yield* page.certificates;
    cursor = page.next;
  } while (cursor !== undefined);
}

export const list = command<ListFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    const folder = dataFolder(this, given.data);
    using client = adminClient(adminTarget(this, given));
    const rows = [['NAME', 'PROFILE', 'STATUS', 'NOT AFTER', 'SERIAL']];
    for await (const record of certificates(client, { name: given.name, status: given.status })) {
      output.object({ ...record, files: issuedFiles(folder, record) });
      const status = record.reason === undefined ? record.status : `${record.status} (${record.reason})`;
      rows.push([record.name, record.profile, status, record.notAfter, record.serial]);
    }
    for (const line of columns(rows)) output.say(line);
  },
  parameters: {
    flags: {
      ...flags.target,
      json: flags.json,
      name: flags.value('NAME', 'Only certificates of this name'),
      status: { kind: 'enum', values: certificateStatuses, optional: true, brief: 'Only certificates of this status' },
    },
  },
  docs: { brief: 'List the certificates that were issued' },
});
