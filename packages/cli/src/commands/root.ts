import { type RevocationReason, revocationReasons } from '@countersign/protocol';
import { buildRouteMap } from '@stricli/core';
import { join } from 'node:path';
import { pathFrom } from '../context.ts';
import { dataFolder } from '../data/folder.ts';
import { requirePassphrase } from '../data/secrets.ts';
import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface RootFlags {
  readonly data?: string;
  readonly json?: boolean;
  readonly rootPassphraseFile?: string;
}

const common = {
  data: flags.data,
  json: flags.json,
  rootPassphraseFile: flags.file("File with the passphrase of the root's key"),
} as const;

const rootExport = command<RootFlags & { readonly out: string }>({
  async run(given) {
    const output = outputOf(this, given.json);
    const folder = dataFolder(this, given.data);
    const authority = await import('@countersign/authority');
    const out = pathFrom(this, given.out);
    const rootPassphrase = requirePassphrase(this, folder, 'root', given.rootPassphraseFile);
    const root = await authority.rootExport(folder.path, { rootPassphrase, out });
    output.object({ ...root, file: out });
    output.say(`wrote the root's key, encrypted, to ${out}`);
    output.say(
      `its passphrase opens it and is not in that file; a first start keeps it in ${join(folder.secrets, 'root-passphrase')}`,
    );
    output.say('put both away, apart from each other; then: countersign root remove');
  },
  parameters: {
    flags: {
      ...common,
      out: { kind: 'parsed', parse: String, placeholder: 'FILE', brief: 'Where the encrypted key goes (a new file)' },
    },
  },
  docs: { brief: "Copy the root's encrypted key out of the folder" },
});

const rootRemove = command<RootFlags & { readonly exported?: string }>({
  async run(given) {
    const output = outputOf(this, given.json);
    const folder = dataFolder(this, given.data);
    const authority = await import('@countersign/authority');
    const file = given.exported === undefined ? undefined : pathFrom(this, given.exported);
    await authority.rootRemove(
      folder.path,
      file === undefined
        ? {}
        : { exported: { file, rootPassphrase: requirePassphrase(this, folder, 'root', given.rootPassphraseFile) } },
    );
    output.object({ removed: join(folder.path, 'ca/root.key') });
    output.say("the root's key is no longer on this machine; `countersign root crl --key FILE` needs the exported one");
  },
  parameters: {
    flags: {
      ...common,
      exported: flags.file('The exported key: remove only if it is the same and its passphrase opens it'),
    },
  },
  docs: { brief: "Remove the root's key from the folder" },
});

interface RootCrlFlags extends RootFlags {
  readonly key?: string;
  readonly revoke?: string;
  readonly reason: RevocationReason;
}

const rootCrl = command<RootCrlFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    const folder = dataFolder(this, given.data);
    const authority = await import('@countersign/authority');
    const crl = await authority.rootCrl(folder.path, {
      rootPassphrase: requirePassphrase(this, folder, 'root', given.rootPassphraseFile),
      ...(given.key === undefined ? {} : { rootKeyFile: pathFrom(this, given.key) }),
      ...(given.revoke === undefined ? {} : { revoke: { ca: given.revoke, reason: given.reason } }),
    });
    output.object(crl);
    output.say(`signed the root's CRL number ${crl.number}, good until ${crl.nextUpdate}`);
    if (crl.revoked.length > 0) output.say(`revoked by it: ${crl.revoked.join(', ')}`);
  },
  parameters: {
    flags: {
      ...common,
      key: flags.file("The root's exported key (else the one in the folder)"),
      revoke: flags.value('CA', 'Revoke an issuing CA (issuing-1): nothing that it has issued counts any more'),
      reason: {
        kind: 'enum',
        values: revocationReasons,
        default: 'cACompromise',
        brief: 'Why --revoke, as RFC 5280 names it; a CA cannot be held',
      },
    },
  },
  docs: { brief: "Sign the root's next CRL, and with --revoke take back an issuing CA" },
});

export const root = buildRouteMap({
  routes: { export: rootExport, remove: rootRemove, crl: rootCrl },
  docs: { brief: "Take the root's key offline, and sign its CRL from the exported key" },
});
