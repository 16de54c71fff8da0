// One of the 3 processes in which `npm test` runs this package's tests.
import { dirname } from 'node:path';
import { importPart } from '@countersign/testkit';

await importPart(dirname(import.meta.dirname), 1, 3);
