// One process runs this package's unit tests: `npm test` starts this file, and it imports every test beside it.
import { globSync } from 'node:fs';

for (const file of globSync('**/*.test.ts', { cwd: import.meta.dirname }).toSorted()) {
  await import(`./${file}`);
}
