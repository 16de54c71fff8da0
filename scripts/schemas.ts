// Writes schemas/*.json from the schemas that the programs read their configuration by. Run by `npm run schemas`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { gatewayJsonSchema } from '../packages/gateway/src/config/json-schema.ts';

const folder = new URL('../schemas/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('gateway.schema.json', folder), `${JSON.stringify(gatewayJsonSchema(), undefined, 2)}\n`);
