import { KEY_KINDS, type KeyKind } from '@countersign/trust/key-kinds';
import { command } from './command.ts';
import { httpUrl, parseCount } from '../admin/names.ts';
import { pathFrom } from '../context.ts';
import { dataFolder, dataState } from '../data/folder.ts';
import { takeLock } from '../data/lock.ts';
import { findPassphrase, makePassphrase, requirePassphrase } from '../data/secrets.ts';
import { outputOf } from '../terminal/output.ts';
import * as flags from './flags.ts';

interface InitFlags {
  readonly data?: string;
  readonly json?: boolean;
  readonly rootPassphraseFile?: string;
  readonly passphraseFile?: string;
  readonly publicHttp?: string;
  readonly issuingKeyType?: KeyKind;
  readonly crlPartitions?: number;
  readonly config?: string;
  readonly renewIssuing?: boolean;
}

export const init = command<InitFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    const { readAuthorityFile } = await import('../config/authority-file.ts');
    const file = given.config === undefined ? {} : readAuthorityFile(pathFrom(this, given.config));
    const folder = dataFolder(this, given.data ?? file.data);
    const { initAuthority, renewIssuing } = await import('@countersign/authority');
    const wantedHttp = given.publicHttp ?? file.publicHttp;
    const publicHttp = wantedHttp === undefined ? {} : { publicHttp: wantedHttp };
    const database = file.database === undefined ? {} : { database: file.database };
    const issuing = {
      ...(given.issuingKeyType === undefined ? {} : { issuingKey: given.issuingKeyType }),
      ...(given.crlPartitions === undefined ? {} : { crlPartitions: given.crlPartitions }),
    };
    if (given.renewIssuing === true) {
      const ca = await renewIssuing(folder.path, {
        rootPassphrase: requirePassphrase(this, folder, 'root', given.rootPassphraseFile),
        passphrase: requirePassphrase(this, folder, 'issuing', given.passphraseFile ?? file.passphraseFile),
        ...publicHttp,
        ...issuing,
      });
      output.object(ca);
      output.say(`made ${ca.id}: ${ca.subject}, until ${ca.notAfter}`);
      output.say('what the one before has issued stays good; a running authority signs with the new one from now on');
      return;
    }
    dataState(folder);
    const lock = takeLock(folder, process.pid);
    try {
      const rootPassphrase =
        findPassphrase(this, folder, 'root', given.rootPassphraseFile) ?? makePassphrase(folder, 'root');
      const passphrase =
        findPassphrase(this, folder, 'issuing', given.passphraseFile ?? file.passphraseFile) ??
        makePassphrase(folder, 'issuing');
      const made = await initAuthority(folder.path, {
        rootPassphrase,
        passphrase,
        ...publicHttp,
        ...database,
        ...issuing,
      });
      output.object({ data: folder.path, ...made });
      output.say(`made a root and an issuing CA in ${folder.path}`);
      for (const ca of [made.root, made.issuing]) output.say(`  ${ca.id}: ${ca.subject}, until ${ca.notAfter}`);
      output.say(`  root fingerprint (SHA-256): ${made.root.fingerprintSha256}`);
      output.say(
        "the root's key is online; take it away with `countersign root export --out FILE`, then `root remove`",
      );
    } finally {
      lock.release();
    }
  },
  parameters: {
    flags: {
      data: flags.data,
      json: flags.json,
      rootPassphraseFile: flags.file("File with the passphrase of the root's key (else one is made)"),
      passphraseFile: flags.file("File with the passphrase of the issuing CA's key (else one is made)"),
      publicHttp: {
        kind: 'parsed',
        parse: httpUrl,
        optional: true,
        placeholder: 'URL',
        brief: 'Where the world will find CRLs and CA certificates (http://127.0.0.1:8080)',
      },
      issuingKeyType: {
        kind: 'enum',
        values: KEY_KINDS,
        optional: true,
        brief: "The issuing CA's kind of key (p256); rsa-pss keys make RSASSA-PSS signatures and no others",
      },
      crlPartitions: {
        kind: 'parsed',
        parse: parseCount,
        optional: true,
        placeholder: 'N',
        brief: "Into how many partitions the issuing CA's CRL is divided, for as long as that CA lives (128)",
      },
      config: flags.file(
        "The authority's configuration (YAML): its data, publicHttp, passphraseFile and database count here too",
      ),
      renewIssuing: flags.toggle('Make the next issuing CA of an installation that is there'),
    },
  },
  docs: {
    brief: 'Make the root and the issuing CA',
    fullDescription:
      'Makes a root (P-384, 20 years) and an issuing CA (5 years). Passphrases come from the flags, from COUNTERSIGN_ROOT_PASSPHRASE(_FILE) and COUNTERSIGN_PASSPHRASE(_FILE), or from $CREDENTIALS_DIRECTORY; without any, random ones are made in DATA/secrets.',
  },
});
