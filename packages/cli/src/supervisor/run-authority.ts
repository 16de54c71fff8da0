// `countersign authority`: the authority of a folder, alone, in this process.
import { startAuthority } from '@countersign/authority';
import { adminSocketPath } from '../admin/socket.ts';
import { readAuthorityFile } from '../config/authority-file.ts';
import { type CliContext, pathFrom } from '../context.ts';
import { dataFolder, requireData } from '../data/folder.ts';
import { takeLock } from '../data/lock.ts';
import { writeProcesses } from '../data/processes.ts';
import { requirePassphrase } from '../data/secrets.ts';
import type { Output } from '../terminal/output.ts';
import { untilStopped } from './signals.ts';

/** Runs the authority until a signal asks for its end. */
export async function runAuthority(
  context: CliContext,
  given: { readonly data?: string; readonly config?: string },
  output: Output,
): Promise<void> {
  const settings = given.config === undefined ? {} : readAuthorityFile(pathFrom(context, given.config));
  const { data, passphraseFile, ...options } = settings;
  const folder = dataFolder(context, given.data ?? data);
  requireData(folder);
  const lock = takeLock(folder, process.pid);
  const stopping = untilStopped();
  stopping.onHurry(() => process.exit(1));
  try {
    const authority = await startAuthority({
      ...options,
      dataDir: folder.path,
      passphrase: requirePassphrase(context, folder, 'issuing', passphraseFile),
      adminSocket: adminSocketPath(folder.path),
    });
    writeProcesses(folder, [{ role: 'authority', pid: process.pid, listen: authority.listen }]);
    const { authority: api, http, enroll } = authority.listen;
    output.object({ event: 'ready', authority: api, http, ...(enroll === undefined ? {} : { enroll }) });
    output.say(`authority  https://${authority.listen.authority}/`);
    output.say(`http       http://${authority.listen.http}/  (CRLs and CA certificates)`);
    if (enroll !== undefined) output.say(`acme       https://${enroll}/acme/directory`);
    output.say('ready');
    const signal = await stopping.asked;
    output.note(`countersign: ${signal}: what is under way is finished, then this ends`);
    await authority.close();
  } finally {
    stopping.release();
    lock.release();
  }
}
