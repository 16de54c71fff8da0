import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { httpsUrl, readUserFile } from '../admin/target.ts';
import { type CliContext, pathFrom } from '../context.ts';
import { dataFolder } from '../data/folder.ts';
import { readProcesses } from '../data/processes.ts';
import { CliFailure, failureLine } from '../failure.ts';
import { type FormatFlags, formatWish } from '../identity/format-wish.ts';
import { identityFiles } from '../identity/files.ts';
import { outputOf } from '../terminal/output.ts';
import { waitsAloud } from '../terminal/waiting.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface RenewFlags extends FormatFlags {
  readonly data?: string;
  readonly json?: boolean;
  readonly cert: string;
  readonly key: string;
  readonly url?: string;
  readonly daemon?: boolean;
  readonly exec?: string;
  readonly passphraseFile?: string;
}

export const renew = command<RenewFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    const cert = pathFrom(this, given.cert);
    const files = { cert, key: pathFrom(this, given.key), ca: join(dirname(cert), 'ca.crt') };
    for (const path of Object.values(files)) readUserFile(path);
    const name = basename(cert, extname(cert));
    const besides = identityFiles(dirname(cert), name);
    // The random password of before stays the password.
    const keeps = given.format?.includes('p12') === true && given.p12PasswordFile === undefined;
    const kept = keeps && existsSync(besides.p12Password) ? { p12PasswordFile: besides.p12Password } : {};
    const formats = await formatWish(this, { ...given, ...kept }, name, ['pem']);
    const beside = { files: besides, formats };
    const plan = {
      files,
      beside,
      url: authorityUrl(this, given, cert),
      passphrase: passphraseOf(this, given.passphraseFile),
      exec: given.exec,
      now: this.now,
      onWaiting: waitsAloud(output),
    };
    const { filesBeside, renewForEver, renewOnce } = await import('../identity/renewal.ts');
    const facts = ({ leaf }: { leaf: { serialHex: string; notAfter: number } }) => ({
      serial: leaf.serialHex,
      notAfter: new Date(leaf.notAfter).toISOString(),
    });
    if (given.daemon !== true) {
      const { serial, notAfter } = facts(await renewOnce(plan));
      output.object({ serial, notAfter, files: [files.cert, files.key, ...filesBeside(beside)] });
      output.say(`renewed: ${serial}, valid until ${notAfter}`);
      return;
    }
    const { untilStopped } = await import('../supervisor/signals.ts');
    const stopping = untilStopped();
    stopping.onHurry(() => process.exit(1));
    try {
      await renewForEver(plan, stopping.asked, {
        onStarted: (material, nextAt) => {
          const next = new Date(nextAt).toISOString();
          output.object({ event: 'ready', ...facts(material), nextRenewal: next });
          output.say(`renews ${files.cert} at ${next}`);
          output.say('ready');
        },
        onRenewed: (material) => {
          const { serial, notAfter } = facts(material);
          output.object({ event: 'renewed', serial, notAfter });
          output.say(`renewed: ${serial}, valid until ${notAfter}`);
        },
        onFailed: (failure) => output.note(`${failureLine(failure)} (${failure.code}); it is tried again`),
      });
    } finally {
      stopping.release();
    }
  },
  parameters: {
    flags: {
      data: flags.data,
      json: flags.json,
      cert: { kind: 'parsed', parse: String, placeholder: 'FILE', brief: 'The certificate; ca.crt lies beside it' },
      key: { kind: 'parsed', parse: String, placeholder: 'FILE', brief: 'Its key' },
      url: flags.value('URL', 'The authority (else where it was enrolled, else the one that runs on DATA)'),
      daemon: flags.toggle('Stay, and renew at two thirds of the lifetime, again and again'),
      exec: flags.value('CMD', 'Run by the shell after each renewal, with COUNTERSIGN_CERT, _KEY and _CA set'),
      passphraseFile: flags.file('The passphrase of an encrypted key'),
      ...flags.format,
      format: {
        ...flags.format.format,
        brief: 'Written anew too, beside the PEM files: der, p12 or kubernetes; may be repeated',
      },
    },
  },
  docs: {
    brief: 'Renew a certificate over mutual TLS with itself, in place, with a new key',
    fullDescription:
      'The files are replaced in one step each; a reader never finds half of one. What was ever revoked cannot be renewed.',
  },
});

function authorityUrl(context: CliContext, given: RenewFlags, cert: string): string {
  if (given.url !== undefined) return httpsUrl(given.url).href;
  const remembered = cert.replace(/\.(?:crt|pem|cer)$/u, '.url');
  if (remembered !== cert && existsSync(remembered)) return httpsUrl(readUserFile(remembered).trim()).href;
  const running = readProcesses(dataFolder(context, given.data))?.find(({ role }) => role === 'authority');
  if (running?.listen.authority !== undefined) return `https://${running.listen.authority}`;
  throw new CliFailure({
    code: 'url_missing',
    message: 'nothing says where the authority is',
    mend: 'name it with --url https://HOST:PORT',
    exit: 2,
  });
}

function passphraseOf(context: CliContext, file: string | undefined): string | undefined {
  return file === undefined ? undefined : readUserFile(pathFrom(context, file)).replace(/\r?\n$/u, '');
}
