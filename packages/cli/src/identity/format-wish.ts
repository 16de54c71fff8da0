// `--format` and what goes with it: in which forms an identity is written.
import { text } from 'node:stream/consumers';
import type { Pkcs12Format } from '@countersign/pki';
import { readUserFile } from '../admin/target.ts';
import { type CliContext, pathFrom } from '../context.ts';
import { usage } from '../failure.ts';
import type { IdentityFiles } from './files.ts';

/** The forms in which an identity can be written. */
export const identityFormats = ['pem', 'der', 'p12', 'kubernetes'] as const;
export type Format = (typeof identityFormats)[number];

/** How PKCS#12 files can be protected. */
export const p12Formats = ['modern', 'pbmac1', 'legacy'] as const satisfies readonly Pkcs12Format[];

/** The flags that say it. */
export interface FormatFlags {
  readonly format?: readonly Format[];
  readonly p12PasswordFile?: string;
  readonly p12Format?: Pkcs12Format;
  readonly secretName?: string;
  readonly namespace?: string;
}

/** What is to be written for an identity. */
export interface FormatWish {
  /** Whose it is: the friendly name in a PKCS#12 file. */
  readonly name: string;
  readonly formats: readonly Format[];
  /** Without a password a random one is made and kept in NAME.p12.pass. */
  readonly p12: { readonly format: Pkcs12Format; readonly password: string | undefined };
  readonly secret: { readonly name: string; readonly namespace: string | undefined };
}

/**
 * Reads the flags.
 *
 * @param always forms that are written whatever the flags say
 * @throws CliFailure (exit 2) for flags that go with another form, a password that is empty or cannot be read, and names that Kubernetes
 *   does not take
 */
export async function formatWish(
  context: Pick<CliContext, 'cwd' | 'stdin'>,
  given: FormatFlags,
  name: string,
  always: readonly Format[] = [],
): Promise<FormatWish> {
  const formats = [...new Set([...always, ...(given.format ?? (always.length > 0 ? [] : ['pem' as const]))])];
  const needs = (flag: string, value: unknown, format: Format): void => {
    if (value !== undefined && !formats.includes(format)) throw usage(`${flag} goes with --format ${format}`);
  };
  needs('--p12-password-file', given.p12PasswordFile, 'p12');
  needs('--p12-format', given.p12Format, 'p12');
  needs('--secret-name', given.secretName, 'kubernetes');
  needs('--namespace', given.namespace, 'kubernetes');
  const secret = formats.includes('kubernetes')
    ? { name: secretName(given.secretName, name), namespace: namespaceName(given.namespace) }
    : { name, namespace: undefined };
  const password = await passwordIn(context, given.p12PasswordFile);
  return { name, formats, p12: { format: given.p12Format ?? 'modern', password }, secret };
}

/** PEM and nothing else. */
export function pemOnly(name: string): FormatWish {
  const p12 = { format: 'modern', password: undefined } as const;
  return { name, formats: ['pem'], p12, secret: { name, namespace: undefined } };
}

/** The files of an identity that the forms write, without those that identities share. */
export function filesOfFormats(files: IdentityFiles, { formats, p12 }: FormatWish, key: boolean): readonly string[] {
  const of: Readonly<Record<Format, readonly string[]>> = {
    pem: [files.cert, ...(key ? [files.key] : [])],
    der: [files.certDer, files.chainDer, ...(key ? [files.keyDer] : [])],
    p12: p12.password === undefined ? [files.p12, files.p12Password] : [files.p12],
    kubernetes: [files.secret],
  };
  return formats.flatMap((format) => of[format]);
}

async function passwordIn(
  context: Pick<CliContext, 'cwd' | 'stdin'>,
  file: string | undefined,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const read = file === '-' ? await text(context.stdin) : readUserFile(pathFrom(context, file));
  const password = read.replace(/\r?\n$/u, '');
  if (password === '') throw usage(file === '-' ? 'standard input holds no password' : `${file} is empty`);
  return password;
}

/** A DNS subdomain (RFC 1123): of the name of an identity what is no character of one becomes a hyphen. */
function secretName(given: string | undefined, name: string): string {
  const wanted = given ?? name.toLowerCase().replaceAll(/[^a-z0-9.-]+/gu, '-');
  const isOne =
    wanted.length <= 253 && wanted.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/u.test(label));
  if (isOne) return wanted;
  const what = `${JSON.stringify(wanted)} is no name of a Kubernetes secret`;
  throw usage(what, 'give one of lower-case letters, digits, hyphens and dots with --secret-name');
}

function namespaceName(given: string | undefined): string | undefined {
  if (given === undefined || /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/u.test(given)) return given;
  throw usage(`${JSON.stringify(given)} is no name of a Kubernetes namespace`);
}
