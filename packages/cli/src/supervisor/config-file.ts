// `start --config FILE`: the flags of `start` as YAML, and beside them whatever the gateway's own configuration may say.
import { dirname } from 'node:path';
import { parse } from 'yaml';
import { readUserFile } from '../admin/target.ts';
import { CliFailure } from '../failure.ts';

/** The flags that a file may set; on the command line they win. */
const flagKeys = {
  upstream: 'text',
  gateway: 'text',
  authority: 'text',
  http: 'text',
  admin: 'text',
  publicHttp: 'text',
  workers: 'number',
  names: 'texts',
  trust: 'texts',
} as const;

/** Parts of the gateway's configuration that `start` knows better. */
const reserved = new Set(['state']);

/** What a file says. */
export interface StartFile {
  readonly flags: Readonly<Partial<Record<keyof typeof flagKeys, unknown>>>;
  /** The rest, for the gateway; undefined when there is none. */
  readonly gatewayConfig: Readonly<Record<string, unknown>> | undefined;
  /** Where relative paths of the file start. */
  readonly baseDir: string;
}

/**
 * Reads a configuration file of `start`. The gateway checks its own part when it starts.
 *
 * @throws CliFailure (exit 2) for what is no YAML, or sets a flag to something else than it takes.
 */
export function readStartFile(path: string): StartFile {
  const whole = parseYaml(path, readUserFile(path));
  const flags: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(whole)) {
    const kind = (flagKeys as Readonly<Record<string, 'text' | 'texts' | 'number'>>)[key];
    const gatewaysOwn = key === 'authority' || key === 'admin' ? typeof value === 'object' : false;
    if (kind === undefined || gatewaysOwn) {
      if (reserved.has(key)) throw invalid(path, `${key}: start decides this itself`);
      rest[key] = value;
    } else flags[key] = checked(path, key, kind, value);
  }
  return { flags, gatewayConfig: Object.keys(rest).length === 0 ? undefined : rest, baseDir: dirname(path) };
}

/** A YAML file whose whole is an object. @throws CliFailure (exit 2). */
export function parseYaml(path: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parse(text, { prettyErrors: true, strict: true, uniqueKeys: true });
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalid(path, 'it has to be an object');
}

function checked(path: string, key: string, kind: 'text' | 'texts' | 'number', value: unknown): unknown {
  const right =
    kind === 'number'
      ? Number.isSafeInteger(value) && Number(value) > 0
      : kind === 'text'
        ? typeof value === 'string'
        : Array.isArray(value) && value.every((one) => typeof one === 'string');
  if (right) return value;
  const words = { number: 'a number above zero', text: 'a text', texts: 'a list of texts' }[kind];
  throw invalid(path, `${key}: expected ${words}`);
}

function invalid(path: string, why: string): CliFailure {
  return new CliFailure({ code: 'config_invalid', message: `${path}: ${why}`, exit: 2 });
}
