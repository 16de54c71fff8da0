// What NAME|SERIAL|FILE on the command line means.
import { existsSync } from 'node:fs';
import { type CliContext, pathFrom } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { readUserBytes } from './target.ts';

/** One reading of the argument, in the API's own terms. */
export type Subject = { readonly name: string } | { readonly serial: string } | { readonly certificate: string };

const serialForm = /^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+$|^[0-9A-Fa-f]{1,40}$/u;

/**
 * The readings of the argument, likeliest first: a path is a file; 16 or more hex digits, or digits with colons, are a
 * serial number; anything else is a name, then (where it could be one) a serial number, then a file of that name.
 *
 * @throws CliFailure (exit 2) when a path is named that can't be read, or holds no certificate.
 */
export async function subjectReadings(context: Pick<CliContext, 'cwd'>, text: string): Promise<readonly Subject[]> {
  const path = pathFrom(context, text);
  if (/[/\\]|\.(?:crt|cer|pem|der)$/u.test(text)) {
    if (existsSync(path) || /[/\\]/u.test(text)) return [await certificateIn(path)];
    return [{ name: text }];
  }
  const serial = serialForm.test(text) ? [{ serial: text }] : [];
  if (serial.length > 0 && (text.includes(':') || text.length >= 16)) return [...serial, { name: text }];
  return [{ name: text }, ...serial];
}

/**
 * Asks with one reading after the other until one is known.
 *
 * @throws CliFailure `unknown_certificate` when none is; any other failure at once.
 */
export async function withSubject<T>(
  context: Pick<CliContext, 'cwd'>,
  text: string,
  ask: (subject: Subject) => Promise<T>,
): Promise<T> {
  for (const reading of await subjectReadings(context, text)) {
    try {
      return await ask(reading);
    } catch (error) {
      if (!(error instanceof CliFailure) || error.code !== 'unknown_certificate') throw error;
    }
  }
  throw new CliFailure({
    code: 'unknown_certificate',
    message: `no certificate of this authority is called ${text}, and none has it as its serial number`,
    mend: '`countersign list` shows what there is',
  });
}

/** The first certificate of a file (PEM or DER), as PEM. */
async function certificateIn(path: string): Promise<Subject> {
  const bytes = readUserBytes(path);
  const { pemDecode, pemEncode, PkiError } = await import('@countersign/pki');
  try {
    const der = bytes[0] === 0x30 ? bytes : pemDecode(bytes).find(({ label }) => label === 'CERTIFICATE')?.der;
    if (der !== undefined) return { certificate: pemEncode('CERTIFICATE', der) };
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
  }
  throw new CliFailure({ code: 'file_unreadable', message: `there is no certificate in ${path}`, exit: 2 });
}
