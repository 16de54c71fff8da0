// The `dependencies` of a package are its arrows: this is the map they are held against.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '@countersign/testkit';

const arrows: Readonly<Record<string, readonly string[]>> = {
  pki: [],
  protocol: [],
  trust: ['pki'],
  sdk: ['pki', 'trust'],
  authority: ['pki', 'protocol', 'sdk', 'trust'],
  gateway: ['pki', 'protocol', 'sdk', 'trust'],
  agent: ['pki', 'protocol', 'sdk', 'trust'],
  cli: ['agent', 'authority', 'gateway', 'pki', 'protocol', 'sdk', 'trust'],
  testkit: ['pki', 'trust'],
};

// An application that installs one of these gets nothing besides them.
const withoutLibraries = ['pki', 'trust', 'sdk'];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = (name: string): Manifest =>
  JSON.parse(readFileSync(join(repository, 'packages', name, 'package.json'), 'utf8')) as Manifest;

test('the map names every package, and no other', () => {
  const folders = readdirSync(join(repository, 'packages'), { withFileTypes: true }).filter((one) => one.isDirectory());
  assert.deepEqual(folders.map(({ name }) => name).toSorted(), Object.keys(arrows).toSorted());
});

for (const [name, allowed] of Object.entries(arrows)) {
  test(`${name} depends on ${allowed.length === 0 ? 'no other package' : `nothing but ${allowed.join(', ')}`}`, () => {
    const { dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = manifest(name);
    const ours = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })
      .filter((one) => one.startsWith('@countersign/'))
      .map((one) => one.slice('@countersign/'.length))
      .toSorted();
    assert.deepEqual(
      ours.filter((one) => !allowed.includes(one)),
      [],
    );
  });
}

for (const name of withoutLibraries) {
  test(`${name} installs no library of others`, () => {
    const { dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = manifest(name);
    const others = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
    assert.deepEqual(
      others.filter((one) => !one.startsWith('@countersign/')),
      [],
    );
  });
}

test('packages of one release depend on each other at exactly that release', () => {
  const versions = new Set<string>();
  for (const name of Object.keys(arrows)) {
    const { version, dependencies = {}, license } = manifest(name);
    assert.equal(license, 'Apache-2.0', name);
    versions.add(version);
    for (const [one, range] of Object.entries(dependencies)) {
      assert.match(range, /^\d+\.\d+\.\d+$/u, `${name} -> ${one} is not an exact version`);
      if (one.startsWith('@countersign/')) versions.add(range);
    }
  }
  assert.equal(versions.size, 1);
});
