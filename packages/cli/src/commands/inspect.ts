import { buffer } from 'node:stream/consumers';
import { readUserBytes, readUserFile } from '../admin/target.ts';
import { pathFrom } from '../context.ts';
import { CliFailure, unreadable } from '../failure.ts';
import type { Description } from '../inspection/facts.ts';
import type { Found } from '../inspection/read.ts';
import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface InspectFlags {
  readonly json?: boolean;
  readonly passwordFile?: string;
}

export const inspect = command<InspectFlags, [string]>({
  async run(given, file) {
    const output = outputOf(this, given.json);
    const bytes = file === '-' ? await buffer(this.stdin) : readUserBytes(pathFrom(this, file));
    const password =
      given.passwordFile === undefined
        ? undefined
        : readUserFile(pathFrom(this, given.passwordFile)).replace(/\r?\n$/u, '');
    const [{ readAny }, { describe }] = await Promise.all([
      import('../inspection/read.ts'),
      import('../inspection/describe.ts'),
    ]);
    const found = await readAny(bytes, password);
    refuseUnread(file, found, password);
    for (const [at, one] of found.map(describe).entries()) {
      output.object(one);
      if (at > 0) output.say();
      for (const line of lines(one)) output.say(line);
    }
  },
  parameters: {
    flags: { json: flags.json, passwordFile: flags.file('The password of a PKCS#12 file') },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          parse: String,
          placeholder: 'FILE',
          brief: 'PEM, DER, PKCS#12, PKCS#7, OCSP or a token; - is standard input',
        },
      ],
    },
  },
  docs: { brief: 'Tell what is in a file, whatever its format' },
});

// A file of which nothing could be read is told as such, and so is a password that does not open what it was given for.
function refuseUnread(file: string, found: readonly Found[], password: string | undefined): void {
  const [first] = found;
  if (first === undefined) {
    throw unreadable(`${file} holds neither PEM, DER, PKCS#12, PKCS#7, an OCSP message nor a token`);
  }
  if (first.kind === 'malformed' && found.every(({ kind }) => kind === 'malformed')) {
    throw unreadable(`${file} can't be read as ${first.label}: ${first.detail} (${first.code})`);
  }
  if (first.kind === 'pkcs12' && first.contents === 'locked' && password !== undefined) {
    throw new CliFailure({ code: 'password_wrong', message: `the password does not open ${file}` });
  }
}

function lines(description: Description): readonly string[] {
  const { kind, ...facts } = description;
  const width = Math.max(0, ...Object.keys(facts).map((name) => name.length));
  return [
    String(kind),
    ...Object.entries(facts).flatMap(([name, fact]) => {
      const values = Array.isArray(fact) ? fact.map(text) : [text(fact)];
      return values.map((value, at) => `  ${(at === 0 ? name : '').padEnd(width)}  ${value}`);
    }),
  ];
}

function text(fact: unknown): string {
  return typeof fact === 'string' ? fact : JSON.stringify(fact);
}
