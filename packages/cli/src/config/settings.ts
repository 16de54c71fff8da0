// Configuration files of our own: a table says what may stand in one, and the same table is its JSON Schema.
import { parse } from 'yaml';
import { CliFailure } from '../failure.ts';

/** What a setting holds. */
export type SettingKind = 'text' | 'texts' | 'number';

/** The settings of a file, by name. */
export type SettingTable = Readonly<Record<string, { readonly kind: SettingKind; readonly brief: string }>>;

/** What a file of a table holds once it is checked. */
export type Settings<T extends SettingTable> = {
  readonly [K in keyof T]?: T[K]['kind'] extends 'number'
    ? number
    : T[K]['kind'] extends 'texts'
      ? readonly string[]
      : string;
};

/** A YAML file whose whole is an object. @throws CliFailure `config_invalid` (exit 2). */
export function parseYaml(path: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parse(text, { prettyErrors: true, strict: true, uniqueKeys: true });
  } catch (error) {
    throw invalidConfig(path, error instanceof Error ? error.message : String(error));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalidConfig(path, 'it has to be an object');
}

/** The value of one setting. @throws CliFailure `config_invalid` (exit 2) when it is of another kind. */
export function checkSetting(path: string, table: SettingTable, key: string, value: unknown): unknown {
  const kind = table[key]?.kind;
  if (kind === undefined)
    throw invalidConfig(path, `${key} is not a setting; there are ${Object.keys(table).join(', ')}`);
  if (kinds[kind].holds(value)) return value;
  throw invalidConfig(path, `${key}: expected ${kinds[kind].words}`);
}

/** All settings of a file. @throws CliFailure `config_invalid` (exit 2). */
export function checkSettings<T extends SettingTable>(
  path: string,
  table: T,
  values: Readonly<Record<string, unknown>>,
): Settings<T> {
  const checked = Object.entries(values).map(([key, value]) => [key, checkSetting(path, table, key, value)] as const);
  return Object.fromEntries(checked) as Settings<T>;
}

/** The JSON Schema (draft 2020-12) of a table. */
export function settingsSchema(title: string, table: SettingTable): Readonly<Record<string, unknown>> {
  const properties = Object.entries(table).map(([key, { kind, brief }]) => [
    key,
    { ...kinds[kind].schema, description: brief },
  ]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    type: 'object',
    properties: Object.fromEntries(properties) as unknown,
    additionalProperties: false,
  };
}

/** A configuration that can't be followed. */
export function invalidConfig(path: string, why: string): CliFailure {
  return new CliFailure({ code: 'config_invalid', message: `${path}: ${why}`, exit: 2 });
}

const kinds = {
  text: {
    words: 'a text',
    schema: { type: 'string' },
    holds: (value: unknown): boolean => typeof value === 'string',
  },
  texts: {
    words: 'a list of texts',
    schema: { type: 'array', items: { type: 'string' } },
    holds: (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  },
  number: {
    words: 'a whole number above zero',
    schema: { type: 'integer', minimum: 1 },
    holds: (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value) && value > 0,
  },
} as const;
