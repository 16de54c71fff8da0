import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { anyCertificate, anyOf, compileAllow, type Rule } from './allow.ts';
import type { CertificateSource, HostConfig, RouteConfig, UpstreamConfig } from './config.ts';
import type { Reading } from './reading.ts';
import type { AllowEntry, GatewayConfigShape, UpstreamEntry } from './schema.ts';
import { normalizeNamePattern } from './server-name.ts';

type HostEntry = GatewayConfigShape['listeners'][number]['hosts'][number];
type RouteEntry = NonNullable<HostEntry['routes']>[number];

/** Turns one entry of `hosts` into a policy; what is wrong with it goes to the reading's problems. */
export function compileHost(entry: HostEntry, path: string, listen: string, reading: Reading): HostConfig {
  const names = compileNames(entry.names, `${path}.names`, reading);
  const clientCert = entry.clientCert ?? 'required';
  const hostRule = compileRule(entry.allow, `${path}.allow`, reading) ?? anyCertificate;
  if (entry.allow === undefined) {
    reading.warnings.push(
      `${path} (${names.join(', ')}): no allow list, so every valid certificate of its CAs may come in`,
    );
  }
  const entries: readonly RouteEntry[] = entry.routes ?? [{ path: '/', upstream: entry.upstream ?? '' }];
  const rules = entries.map((route, at) => compileRule(route.allow, `${path}.routes[${at}].allow`, reading));
  // A route with a rule of its own replaces the host's; the connection then admits whom any route may admit, and each route decides.
  const mixed = rules.some((rule) => rule !== undefined);
  const effective = rules.map((rule) => rule ?? hostRule);
  const routes = entries.map((route, at): RouteConfig => {
    const where = entry.routes === undefined ? `${path}.upstream` : `${path}.routes[${at}].upstream`;
    return {
      id: `${names[0] ?? ''}${route.path}`,
      path: compilePath(route.path, `${path}.routes[${at}].path`, reading),
      // A rule names certificates: unless it is said otherwise beside it, nobody comes in without one.
      clientCert: route.clientCert ?? (route.allow === undefined ? clientCert : 'required'),
      permits: mixed ? effective[at] : undefined,
      upstream: compileUpstream(route.upstream, where, reading),
    };
  });
  const seen = new Set<string>();
  for (const [at, route] of routes.entries()) {
    if (seen.has(route.path)) reading.problems.push({ path: `${path}.routes[${at}].path`, message: 'is there twice' });
    seen.add(route.path);
  }
  return {
    id: createHash('sha256')
      .update(JSON.stringify([listen, entry]))
      .digest('hex')
      .slice(0, 16),
    key: uniqueKey(`${listen} ${names.join(',')}`, reading),
    names,
    certificate: compileCertificate(entry, names, `${path}.certificate`, reading),
    clientCert,
    trust: compileTrust(entry.trust, `${path}.trust`, reading),
    permits: mixed ? anyOf(effective) : hostRule,
    routes,
  };
}

/** Two listeners may be written alike (port 0). */
function uniqueKey(key: string, reading: Reading): string {
  const count = (reading.keys.get(key) ?? 0) + 1;
  reading.keys.set(key, count);
  return count === 1 ? key : `${key} ${count}`;
}

function compileNames(names: readonly string[], path: string, reading: Reading): readonly string[] {
  return names.map((name, at) => {
    const normal = normalizeNamePattern(name);
    if (normal === undefined) {
      reading.problems.push({
        path: `${path}[${at}]`,
        message: `${JSON.stringify(name)} is no host name, wildcard or IP address`,
      });
    }
    return normal ?? name;
  });
}

function compileRule(allow: readonly AllowEntry[] | undefined, path: string, reading: Reading): Rule | undefined {
  if (allow === undefined) return undefined;
  const rules: Rule[] = [];
  for (const [at, entry] of allow.entries()) {
    const compiled = compileAllow([entry]);
    if (compiled.ok) rules.push(compiled.rule);
    else reading.problems.push({ path: `${path}[${at}]`, message: compiled.problem });
  }
  return anyOf(rules);
}

function compileTrust(trust: readonly string[] | undefined, path: string, reading: Reading): readonly string[] {
  if (trust === undefined) {
    if (!reading.hasAuthority) {
      reading.problems.push({
        path,
        message: 'is needed where there is no authority: the bundles whose CAs clients may have',
      });
    }
    return ['own'];
  }
  for (const [at, name] of trust.entries()) {
    if (!reading.bundleNames.has(name)) {
      const known = [...reading.bundleNames].join(', ') || 'none';
      reading.problems.push({
        path: `${path}[${at}]`,
        message: `there is no bundle ${JSON.stringify(name)} (there is: ${known})`,
      });
    }
  }
  return [...new Set(trust)];
}

function compileCertificate(
  entry: HostEntry,
  hostNames: readonly string[],
  path: string,
  reading: Reading,
): CertificateSource {
  const source = entry.certificate;
  if ('files' in source) {
    const cert = resolve(reading.baseDir, source.files.cert);
    const key = resolve(reading.baseDir, source.files.key);
    return { id: `files:${cert}:${key}`, from: 'files', cert, key };
  }
  if (!reading.hasAuthority) {
    reading.problems.push({
      path: `${path}.authority`,
      message: 'there is no authority in this configuration; use files',
    });
  }
  const wanted = source.authority.names ?? hostNames;
  const names = compileNames(wanted, `${path}.authority.names`, reading).filter((name) => name !== '*');
  if (names.length === 0) {
    reading.problems.push({
      path: `${path}.authority.names`,
      message: 'name at least one name that the certificate is for',
    });
  }
  const sorted = [...new Set(names)].toSorted();
  const mustStaple = source.authority.mustStaple === true;
  const id = `authority:${sorted.join(',')}${mustStaple ? ' must-staple' : ''}`;
  return { id, from: 'authority', names: sorted, mustStaple };
}

/** A route's path is matched against normalised paths, so it has to be one. */
function compilePath(path: string, where: string, reading: Reading): string {
  const segments = path.split('/');
  const normal =
    /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*$/u.test(path) &&
    !path.includes('//') &&
    !segments.some((segment) => segment === '.' || segment === '..');
  if (!normal) {
    reading.problems.push({ path: where, message: 'is no plain path: no `//`, `.`, `..`, escapes or query' });
  }
  return path;
}

const UPSTREAM_PROTOCOLS: ReadonlySet<string> = new Set(['http:', 'https:', 'h2c:', 'unix:']);

function compileUpstream(entry: UpstreamEntry, path: string, reading: Reading): UpstreamConfig {
  const options = typeof entry === 'string' ? { url: entry } : entry;
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
  if (url === undefined || !UPSTREAM_PROTOCOLS.has(url.protocol)) {
    reading.problems.push({ path, message: `${JSON.stringify(options.url)} is no http:, https:, h2c: or unix: URL` });
  } else if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    reading.problems.push({ path, message: 'the URL of an upstream has no query, fragment or credentials' });
  }
  return {
    url: url ?? new URL('http://invalid.invalid/'),
    caFile: options.ca === undefined ? undefined : resolve(reading.baseDir, options.ca),
    serverName: options.serverName,
  };
}
