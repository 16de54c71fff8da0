// Flags that several commands share, so that they read and mean the same everywhere.
import { parseHostPort, parseSan } from '../admin/names.ts';
import { identityFormats, p12Formats } from '../identity/format-wish.ts';
import type { TargetFlags } from '../admin/target.ts';

const text = (input: string): string => input;

/** `--data DIR` */
export const data = {
  kind: 'parsed',
  parse: text,
  optional: true,
  placeholder: 'DIR',
  brief: 'Folder of the installation (else COUNTERSIGN_DATA, else .countersign)',
} as const;

/** `--json` */
export const json = {
  kind: 'boolean',
  optional: true,
  withNegated: false,
  brief: 'Print objects for programs, one per line',
} as const;

/** A flag that names a file to read or write. */
export function file(brief: string) {
  return { kind: 'parsed', parse: text, optional: true, placeholder: 'FILE', brief } as const;
}

/** A flag that names files, each time one more. */
export function files(brief: string) {
  return { kind: 'parsed', parse: text, optional: true, variadic: true, placeholder: 'FILE', brief } as const;
}

/** A flag with any text as its value. */
export function value(placeholder: string, brief: string) {
  return { kind: 'parsed', parse: text, optional: true, placeholder, brief } as const;
}

/** A switch that is off unless it is given. */
export function toggle(brief: string) {
  return { kind: 'boolean', optional: true, withNegated: false, brief } as const;
}

/** `--gateway HOST:PORT` and its like; `usual` is what is taken without the flag, and told in its help. */
export function address(brief: string, usual: string) {
  return {
    kind: 'parsed',
    parse: parseHostPort,
    optional: true,
    placeholder: 'HOST:PORT',
    brief: `${brief} (${usual}); port 0 takes a free one`,
  } as const;
}

/** `--san TYPE:VALUE`, repeated. */
export const san = {
  kind: 'parsed',
  parse: parseSan,
  optional: true,
  variadic: true,
  placeholder: 'dns:|ip:|uri:|email:VALUE',
  brief: 'A further name, with its type; may be repeated',
} as const;

/** `--format` and what goes with it. */
export const format = {
  format: {
    kind: 'enum',
    values: identityFormats,
    optional: true,
    variadic: true,
    brief:
      'How it is written: pem (NAME.crt, NAME.key, ca.crt), der (NAME.cer, NAME.key.der, NAME.p7b with the intermediates, ca.cer), p12 (NAME.p12) or kubernetes (NAME.secret.yaml); may be repeated',
  },
  p12PasswordFile: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'FILE|-',
    brief: 'The password of NAME.p12, - is standard input (else a random one in NAME.p12.pass)',
  },
  p12Format: {
    kind: 'enum',
    values: p12Formats,
    optional: true,
    brief: 'Who reads NAME.p12: modern (the default), pbmac1 (RFC 9579), or legacy (3DES, for old systems)',
  },
  secretName: value('NAME', 'Name of the Kubernetes secret (else that of the identity)'),
  namespace: value('NAMESPACE', 'Its namespace (else the one that it is applied to)'),
} as const;

/** `--out DIR` */
export function folder(brief: string) {
  return { kind: 'parsed', parse: text, optional: true, placeholder: 'DIR', brief } as const;
}

/** `--data`, `--url`, `--cert`, `--key`: which authority is meant. */
export const target = {
  data,
  url: value('URL', 'An authority elsewhere, as https://HOST:PORT (with --cert and --key)'),
  cert: file('The admin certificate to show to --url'),
  key: file('The key of --cert'),
} as const;

/** The flags that every command on an authority has. */
export interface AdminFlags extends TargetFlags {
  readonly json?: boolean | undefined;
}

/** `--no-restart` */
export const restart = {
  kind: 'boolean',
  default: true,
  brief: 'Start again what ends by itself (--no-restart, for tests, does not)',
} as const;
