import { cliReference } from './cli.ts';
import { errorReference } from './errors.ts';
import { schemas } from './schemas.ts';

/** Every file that is made from the code, by its path in the repository. */
export function generated(): Readonly<Record<string, string>> {
  const files: Record<string, string> = { 'docs/cli.md': cliReference(), 'docs/errors.md': errorReference() };
  for (const [name, schema] of Object.entries(schemas())) {
    files[`schemas/${name}`] = `${JSON.stringify(schema, undefined, 2)}\n`;
  }
  return files;
}
