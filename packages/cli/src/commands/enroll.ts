import { rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseName } from '../admin/names.ts';
import { httpsUrl, readUserFile } from '../admin/target.ts';
import { makeFolder } from '@countersign/trust/make-folder';
import { pathFrom } from '../context.ts';
import { identityFiles, refuseOverwrite, writeWhole } from '../identity/files.ts';
import { outputOf } from '../terminal/output.ts';
import { waitsAloud } from '../terminal/waiting.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface EnrollFlags {
  readonly json?: boolean;
  readonly url?: string;
  readonly tokenFile: string;
  readonly out: string;
  readonly force?: boolean;
}

export const enroll = command<EnrollFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    const token = given.tokenFile === '-' ? await text(this.stdin) : readUserFile(pathFrom(this, given.tokenFile));
    const sdk = await import('@countersign/sdk');
    const claims = sdk.readToken(token);
    // The name comes from the token, and nobody has checked that yet: it must not lead out of the folder.
    const files = identityFiles(pathFrom(this, given.out), parseName(claims.name));
    refuseOverwrite([files.cert, files.key], given.force === true);
    const url = given.url === undefined ? undefined : httpsUrl(given.url).href;
    // An enrollment that ended while it waited goes on with the same key.
    const pendingKeyFile = `${files.key}.pending`;
    makeFolder(files.folder);
    const enrolled = await sdk.enroll({ token, url, now: this.now, pendingKeyFile, onWaiting: waitsAloud(output) });
    const pem = await sdk.writeMaterial(enrolled);
    const overwrite = given.force === true ? 'always' : 'never';
    writeWhole(files.key, pem.key, 0o600, overwrite);
    rmSync(pendingKeyFile, { force: true });
    writeWhole(files.cert, pem.cert, 0o644, overwrite);
    writeWhole(files.ca, pem.ca, 0o644, given.force === true ? 'always' : 'same');
    // Where `renew` goes without --url.
    writeWhole(files.url, `${url ?? claims.url}\n`, 0o644, 'always');
    const { leaf } = enrolled;
    const notAfter = new Date(leaf.notAfter).toISOString();
    const written = [files.key, files.cert, files.ca];
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
      out: { kind: 'parsed', parse: String, placeholder: 'DIR', brief: 'Where NAME.crt, NAME.key and ca.crt go' },
      force: flags.toggle('Overwrite files that are there'),
    },
  },
  docs: {
    brief: 'Redeem an enrollment token: make a key here and have it certified',
    fullDescription:
      'Checks that the authority shows the root whose fingerprint is in the token before anything is sent. The key is made in this process and goes nowhere but into its file. Where the profile asks for the approval of an administrator this waits, and says so; ended meanwhile, it goes on when it is called again with the same token. A denial ends it with exit code 1 and the code request_denied.',
  },
});
