// Writes what is made from the code: docs/cli.md, docs/errors.md and schemas/*.json. `npm run reference`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { generated } from './reference/generated.ts';

const root = new URL('../', import.meta.url);
mkdirSync(new URL('schemas/', root), { recursive: true });
for (const [path, text] of Object.entries(generated())) writeFileSync(new URL(path, root), text);
