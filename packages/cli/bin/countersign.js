#!/usr/bin/env node
// The launcher. Plain JavaScript that an old Node can parse: it finds a Node that can run Countersign, and in the
// repository it asks for the TypeScript sources (the condition below); the published package runs dist/.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CONDITION = '--conditions=countersign-source';
const NEEDED = [26, 10];
const self = fileURLToPath(import.meta.url);
const here = dirname(self);
const sources = existsSync(join(here, '../src/main.ts'));

const [major, minor] = process.versions.node.split('.').map(Number);
const newEnough = major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
const conditioned = !sources || process.execArgv.includes(CONDITION);

if (newEnough && conditioned) {
  if (sources) {
    // Stripping types costs a second of every command otherwise; children inherit the place. It lies in the repository,
    // where nobody else can put code, never in the shared temporary folder.
    process.env.NODE_COMPILE_CACHE ??= join(here, '../../../node_modules/.cache/countersign');
    (await import('node:module')).enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
  }
  const { main } = await import(sources ? '../src/main.ts' : '../dist/main.js');
  await main(process.argv.slice(2));
} else {
  const bundled = join(here, '../../../node_modules/node/bin/node');
  const node = newEnough ? process.execPath : bundled;
  if (!newEnough && !(sources && existsSync(bundled))) {
    process.stderr.write(
      `countersign needs Node ${NEEDED.join('.')} or newer; this is ${process.versions.node}.\n` +
        (sources
          ? 'Run `npm ci` in the repository (without --ignore-scripts): it installs the right Node beside the sources.\n'
          : 'Install a newer Node, or run `npx --package node@26 --package countersign countersign`.\n'),
    );
    process.exit(1);
  }
  const args = [...(sources ? [CONDITION] : []), self, ...process.argv.slice(2)];
  // execve keeps the process: signals, exit code and parent stay right. An old Node has none; there a child is minded.
  if (typeof process.execve === 'function') process.execve(node, [node, ...args], process.env);
  const child = spawn(node, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
