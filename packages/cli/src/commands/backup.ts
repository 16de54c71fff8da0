import { requireReadable } from '../admin/target.ts';
import { pathFrom } from '../context.ts';
import { dataFolder, dataState, requireData } from '../data/folder.ts';
import { takeLock } from '../data/lock.ts';
import { requirePassphrase } from '../data/secrets.ts';
import { type Output, outputOf } from '../terminal/output.ts';
import { progressBar } from '../terminal/progress.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface BackupFlags {
  readonly data?: string;
  readonly json?: boolean;
  readonly passphraseFile?: string;
}

const common = {
  data: flags.data,
  json: flags.json,
  passphraseFile: flags.file("The passphrase that seals the backup (else the issuing CA's)"),
} as const;

export const backup = command<BackupFlags & { readonly out: string }>({
  async run(given) {
    const output = outputOf(this, given.json);
    const folder = dataFolder(this, given.data);
    requireData(folder);
    const passphrase = requirePassphrase(this, folder, 'issuing', given.passphraseFile);
    const authority = await import('@countersign/authority');
    const bar = progressBar(this, 'writing');
    const onProgress = (written: number): void => bar.update(written, undefined);
    const { file, bytes, auditBreak } = await authority
      .backup(folder.path, { out: pathFrom(this, given.out), passphrase, onProgress })
      .finally(() => bar.end());
    output.object({ file, bytes, auditBreak });
    output.say(`wrote ${file} (${bytes} bytes)`);
    output.say(
      `passphrases are not in it: without the one that sealed it, and those of the CA's keys (${folder.secrets}), it opens nothing`,
    );
    warnOfBreak(output, auditBreak);
  },
  parameters: {
    flags: { ...common, out: { kind: 'parsed', parse: String, placeholder: 'FILE', brief: 'A new file' } },
  },
  docs: {
    brief: 'Write everything the authority is to one sealed file, while it runs',
    fullDescription:
      'The CAs with their encrypted keys and the store, at one moment. Keep the passphrases elsewhere: they are not in the file.',
  },
});

export const restore = command<BackupFlags & { readonly config?: string }, [string]>({
  async run(given, file) {
    const output = outputOf(this, given.json);
    const from = pathFrom(this, file);
    requireReadable(from);
    const { readAuthorityFile } = await import('../config/authority-file.ts');
    const config = given.config === undefined ? {} : readAuthorityFile(pathFrom(this, given.config));
    const folder = dataFolder(this, given.data ?? config.data);
    dataState(folder);
    const lock = takeLock(folder, process.pid);
    try {
      const passphrase = requirePassphrase(this, folder, 'issuing', given.passphraseFile);
      const authority = await import('@countersign/authority');
      const database = config.database === undefined ? {} : { database: config.database };
      const bar = progressBar(this, 'reading');
      const restored = await authority
        .restore(folder.path, { file: from, passphrase, ...database, onProgress: bar.update })
        .finally(() => bar.end());
      output.object({ data: folder.path, ...restored });
      output.say(`restored into ${folder.path}; CRL numbers go on above ${restored.crlNumbersFrom}`);
      warnOfBreak(output, restored.auditBreak);
      output.say('gateways take the whole state anew, and keep the revocations they knew besides');
    } finally {
      lock.release();
    }
  },
  parameters: {
    flags: {
      ...common,
      config: flags.file("The authority's configuration (YAML): its data and database count here too"),
    },
    positional: { kind: 'tuple', parameters: [{ parse: String, placeholder: 'FILE', brief: 'What `backup` wrote' }] },
  },
  docs: { brief: 'Put a backup into a folder that holds no installation' },
});

// The copy is whole all the same: whoever looks into what happened needs it.
function warnOfBreak(output: Output, at: number | undefined): void {
  if (at === undefined) return;
  output.note(
    `countersign: warning: the audit log was changed from outside: its record ${at} does not follow from the one before it`,
  );
}
