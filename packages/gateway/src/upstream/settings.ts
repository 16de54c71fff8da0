/** Where an upstream is, read from its URL once. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';

/** As the configuration has it. */
export interface UpstreamSettings {
  /** `http:`, `https:`, `h2c:` (HTTP/2 without TLS) with a host, or `unix:` with the path of a socket. */
  readonly url: URL;
  /** PEM file of the CAs that an `https:` upstream may have; undefined: the public CAs. */
  readonly caFile: string | undefined;
  /** The name that the certificate of an `https:` upstream must have; undefined: the URL's host. */
  readonly serverName: string | undefined;
}

/** A setting that leads nowhere; `code` is `upstream_url` or `upstream_ca`. */
export class UpstreamSettingsError extends Error {
  override readonly name = 'UpstreamSettingsError';
  readonly code: 'upstream_url' | 'upstream_ca';

  constructor(code: 'upstream_url' | 'upstream_ca', message: string) {
    super(message);
    this.code = code;
  }
}

export interface UpstreamTarget {
  /** For logs: without credentials. */
  readonly name: string;
  readonly protocol: 'http1' | 'h2c';
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Before every path; no slash at its end. */
  readonly basePath: string;
  readonly tls: UpstreamTls | undefined;
}

export interface UpstreamTls {
  readonly secureContext: SecureContext;
  /** Undefined where the upstream is named by its address. */
  readonly serverName: string | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'h2c:': 80 };

/** @throws {UpstreamSettingsError} where the URL is none of those kinds, or the CA file cannot be used */
export function readSettings(settings: UpstreamSettings): UpstreamTarget {
  const { url } = settings;
  if (url.protocol === 'unix:') {
    const path = decodeURIComponent(url.pathname);
    if (!path.startsWith('/'))
      throw new UpstreamSettingsError('upstream_url', `${url.href}: unix: needs an absolute path`);
    return { name: `unix:${path}`, protocol: 'http1', address: { path }, basePath: '', tls: undefined };
  }
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined || url.hostname === '') {
    throw new UpstreamSettingsError('upstream_url', `${url.href} is not the URL of an upstream`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? defaultPort : Number(url.port);
  return {
    name: `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`,
    protocol: url.protocol === 'h2c:' ? 'h2c' : 'http1',
    address: { host, port },
    basePath: url.pathname.replace(/\/+$/, ''),
    tls: url.protocol === 'https:' ? readTls(settings, host) : undefined,
  };
}

function readTls(settings: UpstreamSettings, host: string): UpstreamTls {
  const name = settings.serverName ?? host;
  return {
    secureContext: createSecureContext({ minVersion: 'TLSv1.2', ...readCa(settings.caFile) }),
    serverName: isIP(name) === 0 ? name : undefined,
  };
}

function readCa(file: string | undefined): { ca?: string } {
  if (file === undefined) return {};
  let ca: string;
  try {
    ca = readFileSync(file, 'latin1');
  } catch (error) {
    throw new UpstreamSettingsError('upstream_ca', `${file}: ${(error as Error).message}`);
  }
  // OpenSSL takes a file without certificates for an empty list and then trusts nobody, which shows only at the first request.
  if (!ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new UpstreamSettingsError('upstream_ca', `${file}: no certificate in it`);
  return { ca };
}
