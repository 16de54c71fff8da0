// Configuration files of our own: a table says what may stand in one, and the same table is its JSON Schema.
import { parse } from 'yaml';
import { CliFailure } from '../failure.ts';

/** What a setting holds. */
export type SettingKind = 'text' | 'texts' | 'number' | 'flag';

/** One setting; a section holds settings of its own, `sections` any number of sections that the file itself names. */
export type Setting =
  | { readonly kind: SettingKind; readonly brief: string }
  | { readonly kind: 'section' | 'sections'; readonly brief: string; readonly settings: SettingTable };

/** The settings of a file, by name. */
export interface SettingTable {
  readonly [name: string]: Setting;
}

interface Values {
  readonly text: string;
  readonly texts: readonly string[];
  readonly number: number;
  readonly flag: boolean;
}

/** What a file of a table holds once it is checked. */
export type Settings<T extends SettingTable> = {
  readonly [K in keyof T]?: T[K] extends { readonly kind: 'section'; readonly settings: infer N extends SettingTable }
    ? Settings<N>
    : T[K] extends { readonly kind: 'sections'; readonly settings: infer N extends SettingTable }
      ? Readonly<Record<string, Settings<N>>>
      : T[K]['kind'] extends keyof Values
        ? Values[T[K]['kind']]
        : never;
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
  const setting = Object.hasOwn(table, key) ? table[key] : undefined;
  if (setting === undefined)
    throw invalidConfig(path, `${key} is not a setting; there are ${Object.keys(table).join(', ')}`);
  if (setting.kind === 'section' || setting.kind === 'sections') {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalidConfig(path, `${key}: expected an object`);
    if (setting.kind === 'section') return checkSettings(`${path}: ${key}`, setting.settings, { ...value });
    const named: SettingTable = Object.fromEntries(
      Object.keys(value).map((name) => [name, { ...setting, kind: 'section' }]),
    );
    return checkSettings(`${path}: ${key}`, named, { ...value });
  }
  if (kinds[setting.kind].holds(value)) return value;
  throw invalidConfig(path, `${key}: expected ${kinds[setting.kind].words}`);
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
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...objectSchema(table) };
}

function objectSchema(table: SettingTable): Readonly<Record<string, unknown>> {
  const properties = Object.entries(table).map(([key, setting]) => {
    const schema = schemaOf(setting);
    return [key, { ...schema, description: setting.brief }] as const;
  });
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}

function schemaOf(setting: Setting): object {
  if (setting.kind === 'section') return objectSchema(setting.settings);
  if (setting.kind === 'sections') return { type: 'object', additionalProperties: objectSchema(setting.settings) };
  return kinds[setting.kind].schema;
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
  flag: {
    words: 'true or false',
    schema: { type: 'boolean' },
    holds: (value: unknown): boolean => typeof value === 'boolean',
  },
  number: {
    words: 'a whole number above zero',
    schema: { type: 'integer', minimum: 1 },
    holds: (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value) && value > 0,
  },
} as const;
