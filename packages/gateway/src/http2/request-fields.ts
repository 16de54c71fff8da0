/** A request's fields as HTTP/2 has them, RFC 9113 section 8.3, made into what an upstream of any version is sent. */
import {
  CONFUSABLE,
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  FORWARD,
  HOST,
  KEEP_ALIVE,
  requestFieldKind,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
} from '../headers/names.ts';
import { CHUNKED, type Framing, NO_BODY, parseLength } from '../http1/body.ts';
import { isToken } from '../http1/octets.ts';

export interface Http2RequestHead {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
  /** Field lines as HTTP/1.1 writes them, each ended by CRLF. */
  readonly fields: string;
  readonly framing: Framing;
  readonly expectsContinue: boolean;
  readonly acceptsTrailers: boolean;
}

export type Http2RequestHeadResult =
  | { readonly ok: true; readonly head: Http2RequestHead }
  | { readonly ok: false; readonly detail: string };

/** What a field value is made of: a CR or LF in it would begin a line of its own upstream. */
const FIELD_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
const TARGET = /^(\/[\u0021\u0022\u0024-\u003e\u0040-\u007e]*)(\?[\u0021\u0022\u0024-\u007e]*)?$/;
const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'PRI']);

/**
 * @param raw names and values in turn, as they came
 * @param ended the stream carries no body
 */
export function readHttp2Request(raw: readonly string[], ended: boolean): Http2RequestHeadResult {
  const pseudo = new Map<string, string>();
  let host: string | undefined;
  let length: number | undefined;
  let expect: string | undefined;
  let acceptsTrailers = false;
  let cookie = '';
  let fields = '';

  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    if (!FIELD_VALUE.test(value)) return refuse('a control character in a field value');
    if (name.startsWith(':')) {
      if (pseudo.has(name)) return refuse(`a repeated ${name}`);
      pseudo.set(name, value);
      continue;
    }
    if (!isToken(name)) return refuse('a malformed field name');
    switch (requestFieldKind(name)) {
      case FORWARD:
        // RFC 9113 section 8.2.3: cookies may come in crumbs, and are one field for HTTP/1.1.
        if (name === 'cookie') cookie += cookie === '' ? value : `; ${value}`;
        else fields += `${name}: ${value}\r\n`;
        break;
      case HOST:
        if (host !== undefined) return refuse('a repeated host');
        host = value;
        break;
      case CONTENT_LENGTH:
        if (length !== undefined) return refuse('a repeated content-length');
        length = parseLength(value);
        if (length === undefined) return refuse('a malformed content-length');
        break;
      case EXPECT:
        if (expect !== undefined) return refuse('a repeated expect');
        expect = value.toLowerCase();
        break;
      case TE:
        if (value.toLowerCase() !== 'trailers') return refuse('te other than trailers');
        acceptsTrailers = true;
        break;
      case CONNECTION:
      case KEEP_ALIVE:
      case TRANSFER_ENCODING:
      case UPGRADE:
        return refuse(`${name} in HTTP/2`);
      case CONFUSABLE:
        return refuse(`a field that some read as another (${name})`);
      default:
    }
  }
  if (cookie !== '') fields += `cookie: ${cookie}\r\n`;

  const method = pseudo.get(':method') ?? '';
  if (!isToken(method)) return refuse('a malformed method');
  if (REFUSED_METHODS.has(method)) return refuse(`${method} is not passed on`);
  if (pseudo.get(':scheme') !== 'https') return refuse('a scheme other than https');
  if (pseudo.has(':protocol')) return refuse('extended CONNECT');
  const target = TARGET.exec(pseudo.get(':path') ?? '');
  if (target === null) return refuse('a malformed path');
  const authority = pseudo.get(':authority') ?? host;
  if (authority === undefined) return refuse('no authority');
  if (host !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
    return refuse('a host other than the authority');
  }
  if (expect !== undefined && expect !== '100-continue') return refuse('an unknown expectation');
  if (ended && length !== undefined && length > 0) return refuse('a content-length without content');
  let framing = length ?? CHUNKED;
  if (ended) framing = length === 0 ? 0 : NO_BODY;
  return {
    ok: true,
    head: {
      method,
      authority,
      path: target[1] as string,
      query: target[2] ?? '',
      fields,
      framing,
      expectsContinue: expect !== undefined && !ended,
      acceptsTrailers,
    },
  };
}

function refuse(detail: string): Http2RequestHeadResult {
  return { ok: false, detail };
}
