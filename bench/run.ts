// npm run bench -- SUITE [PART…] [--rounds N] [--milliseconds N] [--entries N] [--json]
import { globSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Result, Suite } from './harness/suite.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    milliseconds: { type: 'string', default: '200' },
    entries: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const suites = globSync('*.ts', { cwd: import.meta.dirname })
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => name !== 'run')
  .toSorted();
const [name = '', ...wanted] = positionals;
if (suites.includes(name)) await runSuite(name);
else {
  console.error(
    `npm run bench -- SUITE [PART…] [--rounds N] [--milliseconds N] [--entries N] [--json]; suites: ${suites.join(', ')}`,
  );
  process.exitCode = 2;
}

async function runSuite(suiteName: string): Promise<void> {
  const { suite } = (await import(`./${suiteName}.ts`)) as { suite: Suite };
  const parts = Object.entries(suite.parts).filter(([part]) => wanted.length === 0 || wanted.includes(part));
  if (parts.length < wanted.length) {
    console.error(`parts of ${suiteName}: ${Object.keys(suite.parts).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const entries = values.entries === undefined ? {} : { entries: Number(values.entries) };
  const options = { rounds: Number(values.rounds), milliseconds: Number(values.milliseconds), ...entries };
  if (!values.json) {
    console.log(
      `Node ${process.version}, OpenSSL ${process.versions.openssl}, ${cpus()[0]?.model ?? 'unknown processor'}`,
    );
  }
  for (const [part, run] of parts) {
    const result = await run(options);
    if (values.json) console.log(JSON.stringify({ suite: suiteName, part, ...result }));
    else print(part, result);
  }
}

function print(part: string, { name: title, rows, claims }: Result): void {
  const headers = ['', ...new Set(rows.flatMap(({ columns }) => Object.keys(columns)))];
  const lines = rows.map((row) => [row.name, ...headers.slice(1).map((header) => row.columns[header] ?? '')]);
  const widths = headers.map((header, i) => Math.max(header.length, ...lines.map((line) => line[i]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  console.log(`\n${title} (${part})\n${format(headers)}`);
  for (const line of lines) console.log(format(line));
  for (const { words, held } of claims) console.log(`${held ? 'held    ' : 'NOT HELD'}  ${words}`);
}
