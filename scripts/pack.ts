// Packs every package as it is published: `npm run pack -- DIR`. Builds dist/ first; the manifests lose what only the
// repository needs and gain the versions of Node they run on, which in a workspace would only make noise.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
// pki and the SDK's client side run where applications run; what serves needs every certificate that a client presents.
const engines: Readonly<Record<string, string>> = {
  pki: '>=24.17',
  protocol: '>=24.17',
  sdk: '>=24.17',
  trust: '>=24.17',
};
const serving = '>=26.10';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly [field: string]: unknown;
}

const out = resolve(process.argv[2] ?? 'packed');
mkdirSync(out, { recursive: true });
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: root, stdio: 'inherit' });
for (const name of readdirSync(join(root, 'packages'))) pack(name);

function pack(name: string): void {
  const folder = join(root, 'packages', name);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  if (manifest.private === true) return;
  const staged = mkdtempSync(join(tmpdir(), 'countersign-pack-'));
  try {
    for (const part of ['dist', 'bin', 'README.md']) {
      const from = join(folder, part);
      if (existsSync(from))
        cpSync(from, join(staged, part), { recursive: true, filter: (file) => !file.endsWith('.tsbuildinfo') });
    }
    cpSync(join(root, 'LICENSE'), join(staged, 'LICENSE'));
    writeFileSync(join(staged, 'package.json'), `${JSON.stringify(published(name, manifest), undefined, 2)}\n`);
    execFileSync('npm', ['pack', '--silent', '--pack-destination', out], {
      cwd: staged,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

function published(name: string, manifest: Manifest): unknown {
  const { devDependencies: _, scripts: __, exports, ...rest } = manifest;
  const entries = Object.entries(exports).map(([entry, { 'countersign-source': ___, ...conditions }]) => [
    entry,
    conditions,
  ]);
  return {
    ...rest,
    exports: Object.fromEntries(entries) as unknown,
    engines: { node: engines[name] ?? serving },
  };
}
