import { compileConfig } from '../../packages/gateway/src/config/compile.ts';
import { GatewayConfigError } from '../../packages/gateway/src/config/errors.ts';
import { formatAddress, parseAddress } from '../../packages/gateway/src/config/address.ts';
import { normalizeNamePattern } from '../../packages/gateway/src/config/server-name.ts';
import { DEFAULT_HTTP_OPTIONS } from '../../packages/gateway/src/connection.ts';
import { readHttp2Request } from '../../packages/gateway/src/http2/request-fields.ts';
import { SectionScanner } from '../../packages/gateway/src/http1/section.ts';
import { formatAuthority, parseAuthority } from '../../packages/gateway/src/routing/host.ts';
import { normalisePath, withoutParameters } from '../../packages/gateway/src/routing/path.ts';
import type { FuzzTarget } from '../target.ts';
import { isRefusal, Refusal, textOf, textSeeds } from './refusal.ts';

const { limits } = DEFAULT_HTTP_OPTIONS;

/** Lines `name: value` are the fields of a stream; a first octet says whether it ends with them. */
function runHttp2(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString('latin1');
  const raw = text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':', 1);
    return [colon < 0 ? line : line.slice(0, colon), colon < 0 ? '' : line.slice(colon + 1).trimStart()];
  });
  const read = readHttp2Request(raw, text.length % 2 === 0);
  if (!read.ok) throw new Refusal(read.detail);
  const { method, path, query, authority, fields } = read.head;
  // What an HTTP/1.1 upstream is sent holds one head, no more and no less.
  const head = Buffer.from(`${method} ${path}${query} HTTP/1.1\r\nHost: ${authority}\r\n${fields}\r\n`, 'latin1');
  const scanner = new SectionScanner(
    { ...limits, requestLine: 1 << 20, fieldLine: 1 << 20, fieldSection: 1 << 20, fieldCount: 1 << 16 },
    true,
  );
  if (scanner.scan(head, 0) !== head.length)
    throw new Error(`written for HTTP/1.1 it is not one head: ${scanner.fault}`);
  if (scanner.text.slice(0, scanner.startLineEnd).split(' ').length !== 3) throw new Error('another request line');
  return read.head;
}

const http2 = [
  ':method: GET\n:scheme: https\n:authority: a.test\n:path: /a?b\naccept: */*',
  ':method: POST\n:scheme: https\n:authority: a.test\n:path: /\ncontent-length: 5\ncookie: a=b\ncookie: c=d',
  ':method: GET\n:scheme: https\n:path: /\nhost: a.test\nte: trailers\nexpect: 100-continue',
  ':method: CONNECT\n:authority: a.test:1\n:protocol: websocket',
];

/** Every normal form is its own normal form, and what is written is read as it was. */
function runNames(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  const authority = parseAuthority(text);
  const pattern = normalizeNamePattern(text);
  const address = parseAddress(text);
  const path = normalisePath(text);
  if (pattern !== undefined && normalizeNamePattern(pattern) !== pattern)
    throw new Error('another name the second time');
  if (authority !== undefined) sameAuthority(authority);
  if (address !== undefined) {
    const again = parseAddress(formatAddress(address));
    if (again?.host !== address.host || again.port !== address.port) throw new Error('another address the second time');
  }
  if (path.ok) samePath(path.path);
  if (authority === undefined && pattern === undefined && address === undefined && !path.ok)
    throw new Refusal(path.detail);
  return [authority, pattern, address, path];
}

function sameAuthority(authority: { readonly host: string; readonly port: number | undefined }): void {
  const again = parseAuthority(formatAuthority(authority));
  if (again?.host !== authority.host || again.port !== authority.port) throw new Error('another host the second time');
}

function samePath(path: string): void {
  const again = normalisePath(path);
  if (!again.ok || again.path !== path) throw new Error('another path the second time');
  // No server that decodes it, or drops parameters, leaves the folder that a rule was matched for.
  for (const reading of [path, withoutParameters(path) ?? path]) {
    const decoded = reading.replaceAll(/%[0-9A-F]{2}/gu, (escape) =>
      String.fromCodePoint(Number.parseInt(escape.slice(1), 16)),
    );
    if (decoded.split(/[/\\]/u).some((segment) => segment === '.' || segment === '..'))
      throw new Error(`it leaves its folder: ${decoded}`);
  }
}

const config = {
  listeners: [
    {
      listen: '127.0.0.1:0',
      hosts: [
        {
          names: ['a.test', '*.b.test'],
          certificate: { files: { cert: 'c.pem', key: 'k.pem' } },
          trust: ['p'],
          clientCert: 'optional',
          routes: [{ path: '/x', upstream: 'http://127.0.0.1:1', allow: [{ dns: 'a.test' }] }],
        },
      ],
    },
  ],
  bundles: { p: { files: ['ca.pem'], revocation: { mode: 'off' } } },
  timeouts: { header: '5s' },
};

function runConfig(bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes));
  } catch {
    throw new Refusal('no JSON');
  }
  return compileConfig(value, '/nowhere');
}

export const httpNameTargets: readonly FuzzTarget[] = [
  { name: 'http2-request', form: 'text', seeds: () => textSeeds(http2), run: runHttp2, expected: isRefusal },
  {
    name: 'http-names',
    form: 'text',
    seeds: () =>
      textSeeds([
        'a.test',
        'A.Test.:8443',
        '[::1]:443',
        '10.0.0.1:1',
        '*.a.test',
        'bücher.test',
        '/a/b',
        '/a;x=1/%7eb/%C3%A4',
        '/a/..;/b',
        '/[x]|^',
        '*:9443',
      ]),
    run: runNames,
    expected: isRefusal,
  },
  {
    name: 'gateway-config',
    form: 'text',
    seeds: () => textSeeds([JSON.stringify(config), JSON.stringify({ listeners: [] }), '{}']),
    run: runConfig,
    expected: (error) => error instanceof GatewayConfigError || isRefusal(error),
  },
];
