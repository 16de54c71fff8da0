import { rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { EnrollmentToken } from '@countersign/sdk';
import { parseName } from '../admin/names.ts';
import { httpsUrl, readUserFile } from '../admin/target.ts';
import { makeFolder } from '@countersign/trust/make-folder';
import { pathFrom } from '../context.ts';
import { CliFailure, usage } from '../failure.ts';
import { identityFiles, refuseOverwrite, writeWhole } from '../identity/files.ts';
import { filesOfFormats, type FormatFlags, formatWish } from '../identity/format-wish.ts';
import { outputOf } from '../terminal/output.ts';
import { waitsAloud } from '../terminal/waiting.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface EnrollFlags extends FormatFlags {
  readonly json?: boolean;
  readonly url?: string;
  readonly tokenFile: string;
  readonly out: string;
  readonly force?: boolean;
}

export const enroll = command<EnrollFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    if (given.tokenFile === '-' && given.p12PasswordFile === '-')
      throw usage('--token-file and --p12-password-file cannot both be standard input');
    const token = given.tokenFile === '-' ? await text(this.stdin) : readUserFile(pathFrom(this, given.tokenFile));
    const sdk = await import('@countersign/sdk');
    const claims = claimsOf(sdk, token, given.tokenFile);
    // The name comes from the token, and nobody has checked that yet: it must not lead out of the folder.
    const files = identityFiles(pathFrom(this, given.out), parseName(claims.name));
    const wish = await formatWish(this, given, claims.name);
    refuseOverwrite(filesOfFormats(files, wish, true), given.force === true);
    const url = given.url === undefined ? undefined : httpsUrl(given.url).href;
    // An enrollment that ended while it waited goes on with the same key.
    const pendingKeyFile = `${files.key}.pending`;
    makeFolder(files.folder);
    const enrolled = await sdk.enroll({ token, url, now: this.now, pendingKeyFile, onWaiting: waitsAloud(output) });
    const pem = await sdk.writeMaterial(enrolled);
    const { writeFormats } = await import('../identity/formats.ts');
    const written = await writeFormats(files, pem, wish, given.force === true ? 'always' : 'never');
    rmSync(pendingKeyFile, { force: true });
    // Where `renew` goes without --url.
    if (wish.formats.includes('pem')) writeWhole(files.url, `${url ?? claims.url}\n`, 0o644, 'always');
    const { leaf } = enrolled;
    const notAfter = new Date(leaf.notAfter).toISOString();
    output.object({ name: claims.name, serial: leaf.serialHex, profile: leaf.profile, notAfter, files: written });
    output.say(
      `enrolled ${claims.name} (${leaf.profile ?? claims.profile}) ${leaf.serialHex}, valid until ${notAfter}`,
    );
    for (const path of written) output.say(`  ${path}`);
  },
  parameters: {
    flags: {
      json: flags.json,
      url: flags.value('URL', 'The authority (else the one that the token names)'),
      tokenFile: {
        kind: 'parsed',
        parse: String,
        placeholder: 'FILE|-',
        brief: 'The token that `countersign token` printed; - is standard input',
      },
      out: { kind: 'parsed', parse: String, placeholder: 'DIR', brief: 'Where the files go' },
      force: flags.toggle('Overwrite files that are there'),
      ...flags.format,
    },
  },
  docs: {
    brief: 'Redeem an enrollment token: make a key here and have it certified',
    fullDescription:
      'Checks that the authority shows the root whose fingerprint is in the token before anything is sent. The key is made in this process and goes nowhere but into its file. Where the profile asks for the approval of an administrator this waits, and says so; ended meanwhile, it goes on when it is called again with the same token. A denial ends it with exit code 1 and the code request_denied.',
  },
});

function claimsOf(sdk: typeof import('@countersign/sdk'), token: string, file: string): EnrollmentToken {
  try {
    return sdk.readToken(token);
  } catch (error) {
    if (!(error instanceof sdk.SdkError)) throw error;
    const where = file === '-' ? 'standard input' : file;
    throw new CliFailure({
      code: 'file_unreadable',
      message: `${where} holds no enrollment token`,
      mend: 'give it what `countersign token` printed, the whole line and nothing else',
      exit: 2,
      cause: error,
    });
  }
}
