// The flags that `crl` and `ocsp` share. What they lead to is loaded when one of the two runs.
import { parseCount, parseDuration } from '../admin/names.ts';
import * as flags from '../commands/flags.ts';

/** The flags that both commands have for it. */
export interface FetchFlags {
  readonly timeout?: number;
  readonly maxMegabytes?: number;
  readonly allow?: readonly string[];
}

/** How `--timeout`, `--max-megabytes` and `--allow` read. */
export const fetchFlags = {
  timeout: {
    kind: 'parsed',
    parse: parseDuration,
    optional: true,
    placeholder: 'TIME',
    brief: 'How long fetching may take (60s)',
  },
  maxMegabytes: {
    kind: 'parsed',
    parse: parseCount,
    optional: true,
    placeholder: 'N',
    brief: 'What is longer is refused (64)',
  },
  allow: {
    ...flags.files('Hosts, addresses or ranges that may be reached although they are not public'),
    placeholder: 'HOST',
  },
} as const;

/** The bounds of a fetch. */
export function bounds({ timeout = 60, maxMegabytes = 64 }: FetchFlags): { timeoutMs: number; maxBytes: number } {
  return { timeoutMs: timeout * 1000, maxBytes: maxMegabytes * 1_000_000 };
}
