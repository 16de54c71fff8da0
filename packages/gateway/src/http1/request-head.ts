/** A request's head as it comes from a client: RFC 9112 sections 3 and 6.3. What could be read in two ways is not read at all. */
import {
  CONFUSABLE,
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  FORWARD,
  HOST,
  NEVER_HOP_BY_HOP,
  requestFieldKind,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
} from '../headers/names.ts';
import { withoutNamed } from '../headers/hop-by-hop.ts';
import { CHUNKED, type Framing, NO_BODY, parseLength } from './body.ts';
import { isToken } from './octets.ts';
import type { SectionScanner } from './section.ts';

export interface RequestHead {
  readonly method: string;
  readonly version: '1.0' | '1.1';
  /** Host as received, from the target where that has one. */
  readonly authority: string;
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
  /** Field lines that go on, each ended by CRLF. */
  readonly fields: string;
  readonly framing: Framing;
  readonly persistent: boolean;
  readonly expectsContinue: boolean;
  readonly acceptsTrailers: boolean;
  readonly upgrade: string | undefined;
}

export type RequestHeadResult =
  | { readonly ok: true; readonly head: RequestHead }
  | { readonly ok: false; readonly detail: string };

const REQUEST_LINE = /^([^ ]+) ([\u0021-\u007e]+) HTTP\/1\.([01])$/;
const ABSOLUTE = /^https:\/\/([^/?#]*)([^?#]*)(\?[^#]*)?$/i;
const ORIGIN = /^(\/[^?#]*)(\?[^#]*)?$/;
/** Protocols that would hide requests from us: RFC 9113 section 3.1, and versions of HTTP and TLS. */
const NOT_TUNNELLED = /^(h2c|h2|http|tls)(\/|$)/i;
/** Methods that are not the gateway's to pass: CONNECT opens tunnels, TRACE shows what only the upstream should see, PRI is HTTP/2. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'PRI']);

/** Reads what `scanner` has just completed. */
export function readRequestHead(scanner: SectionScanner): RequestHeadResult {
  const text = scanner.text;
  const line = REQUEST_LINE.exec(text.slice(0, scanner.startLineEnd));
  if (line === null) return refuse('a malformed request line');
  const method = line[1] as string;
  if (!isToken(method)) return refuse('a malformed method');
  if (REFUSED_METHODS.has(method)) return refuse(`${method} is not passed on`);
  const version = line[3] === '1' ? '1.1' : '1.0';

  let fields = '';
  let runStart = -1;
  let host: string | undefined;
  let length: number | undefined;
  let coding: string | undefined;
  let upgrade: string | undefined;
  let expect: string | undefined;
  let acceptsTrailers = false;
  const connection: string[] = [];

  for (let index = 0; index < scanner.count; index++) {
    const kind = requestFieldKind(scanner.name(index));
    if (kind === FORWARD) {
      if (runStart === -1) runStart = scanner.lineStart(index);
      continue;
    }
    if (runStart !== -1) {
      fields += text.slice(runStart, scanner.lineStart(index));
      runStart = -1;
    }
    switch (kind) {
      case HOST:
        if (host !== undefined) return refuse('a repeated Host');
        host = scanner.value(index);
        break;
      case CONTENT_LENGTH:
        if (length !== undefined) return refuse('a repeated Content-Length');
        length = parseLength(scanner.value(index));
        if (length === undefined) return refuse('a malformed Content-Length');
        break;
      case TRANSFER_ENCODING:
        if (coding !== undefined) return refuse('a repeated Transfer-Encoding');
        coding = scanner.value(index).toLowerCase();
        break;
      case CONNECTION:
        for (const option of scanner.value(index).toLowerCase().split(',')) connection.push(option.trim());
        break;
      case UPGRADE:
        upgrade = upgrade === undefined ? scanner.value(index) : `${upgrade}, ${scanner.value(index)}`;
        break;
      case EXPECT:
        if (expect !== undefined) return refuse('a repeated Expect');
        expect = scanner.value(index).toLowerCase();
        break;
      case TE:
        acceptsTrailers ||= /(^|,)[ \t]*trailers[ \t]*(,|$)/i.test(scanner.value(index));
        break;
      case CONFUSABLE:
        return refuse(`a field that some read as another (${scanner.name(index)})`);
      default:
    }
  }
  if (runStart !== -1) fields += text.slice(runStart, text.length - 2);

  if (host === undefined) return refuse('no Host');
  if (coding !== undefined) {
    if (length !== undefined) return refuse('both Content-Length and Transfer-Encoding');
    if (version === '1.0') return refuse('Transfer-Encoding in an HTTP/1.0 request');
    if (coding !== 'chunked') return refuse('a transfer coding other than chunked');
  }
  if (expect !== undefined && expect !== '100-continue') return refuse('an unknown expectation');

  let persistent = version === '1.1';
  let upgrades = false;
  let named: string[] | undefined;
  for (const option of connection) {
    if (option === 'close') persistent = false;
    else if (option === 'upgrade') upgrades = true;
    else if (NEVER_HOP_BY_HOP.has(option)) return refuse(`Connection names ${option}`);
    else if (option !== '' && option !== 'keep-alive' && option !== 'te') (named ??= []).push(option);
  }
  if (named !== undefined) fields = withoutNamed(fields, named);

  const target = readTarget(line[2] as string, host);
  if (typeof target === 'string') return refuse(target);
  const framing = coding !== undefined ? CHUNKED : (length ?? NO_BODY);
  return {
    ok: true,
    head: {
      method,
      version,
      ...target,
      fields,
      framing,
      persistent,
      // RFC 9110 section 10.1.1: an expectation in an HTTP/1.0 request, or without a body, is ignored.
      expectsContinue: expect !== undefined && version === '1.1' && (framing > 0 || framing === CHUNKED),
      acceptsTrailers: acceptsTrailers && version === '1.1',
      upgrade: upgrades && version === '1.1' && (framing === NO_BODY || framing === 0) ? wanted(upgrade) : undefined,
    },
  };
}

/** Origin-form and absolute-form, RFC 9112 section 3.2; in words what is wrong with any other. */
function readTarget(target: string, host: string): { authority: string; path: string; query: string } | string {
  const origin = ORIGIN.exec(target);
  if (origin !== null) return { authority: host, path: origin[1] as string, query: origin[2] ?? '' };
  const absolute = ABSOLUTE.exec(target);
  if (absolute === null) return 'a request target that is neither a path nor an https: URL';
  const [, authority = '', path = '', query = ''] = absolute;
  // RFC 9112 section 3.2.2 would have the target win over Host; a sender that says two things is not guessed at.
  if (authority.toLowerCase() !== host.toLowerCase()) return 'a Host other than that of the request target';
  return { authority, path: path === '' ? '/' : path, query };
}

/** An upgrade that may be passed on: RFC 9110 section 7.8 lets the others be ignored. */
function wanted(upgrade: string | undefined): string | undefined {
  if (upgrade === undefined || NOT_TUNNELLED.test(upgrade)) return undefined;
  return isToken(upgrade.replace('/', '')) ? upgrade : undefined;
}

function refuse(detail: string): RequestHeadResult {
  return { ok: false, detail };
}
