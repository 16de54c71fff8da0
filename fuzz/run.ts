// npm run fuzz -- [--seconds N] [--seed N] [PARSER…]        fuzzes the parsers (all), each for so long (60 s)
// npm run fuzz -- --input FILE PARSER                       tries one input again
// npm run fuzz -- --list                                    names the parsers
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runSideBySide } from './run-targets.ts';
import type { Finding, FuzzReport } from './target.ts';
import { targets } from './targets/index.ts';

const module = new URL('./targets/index.ts', import.meta.url).href;
const findingsFolder = join(import.meta.dirname, 'findings');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    input: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

const known = targets.map(({ name }) => name);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no such parser: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  process.exitCode = 2;
} else if (values.list) console.log(known.join('\n'));
else if (values.input !== undefined) await tryAgain(values.input, positionals[0] ?? '');
else await fuzzAll(positionals.length > 0 ? positionals : known, Number(values.seconds), Number(values.seed));

async function tryAgain(file: string, name: string): Promise<void> {
  const target = targets.find((one) => one.name === name);
  if (target === undefined) throw new Error('--input needs the name of a parser');
  const bytes = new Uint8Array(readFileSync(file));
  const parsed: unknown = await target.run(bytes);
  console.log('accepted', await target.compare?.(bytes, parsed));
}

async function fuzzAll(names: readonly string[], seconds: number, seed: number): Promise<void> {
  console.log(`seed ${seed}, ${seconds} s each`);
  const reports = await runSideBySide({
    module,
    targets: names,
    seed,
    iterations: Infinity,
    seconds,
    onReport: tell,
  });
  const failed = reports.flatMap(({ findings }) => findings).length;
  console.log(`${names.length} parsers, ${failed} findings`);
  if (failed > 0) process.exitCode = 1;
}

function tell(report: FuzzReport): void {
  const { target, seeds, iterations, accepted, compared, behaviours, findings } = report;
  console.log(
    `${target}: ${iterations} inputs from ${seeds} seeds, ${accepted} accepted, ${compared} compared, ${behaviours} behaviours, ${findings.length} findings`,
  );
  for (const finding of findings) console.log(`  ${finding.kind}: ${finding.detail}\n  ${keep(target, finding)}`);
}

/** Writes the input where it can be tried again. */
function keep(target: string, { input }: Finding): string {
  mkdirSync(findingsFolder, { recursive: true });
  const file = join(findingsFolder, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 16)}`);
  writeFileSync(file, input);
  return `npm run fuzz -- --input ${file} ${target}`;
}
