/** A response's head as it comes from an HTTP/1.1 upstream: RFC 9112 sections 4 and 6.3, read strictly. */
import { CHUNKED, type Framing, NO_BODY, parseLength, UNTIL_CLOSE } from '../http1/body.ts';
import type { SectionScanner } from '../http1/section.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  DATE,
  DROP,
  FORWARD,
  KEEP_ALIVE,
  responseFieldKind,
  TRANSFER_ENCODING,
  UPGRADE,
} from '../headers/names.ts';
import { withoutNamed } from '../headers/hop-by-hop.ts';
import type { UpstreamResponse } from './exchange.ts';

export interface ResponseHead extends UpstreamResponse {
  readonly framing: Framing;
  /** The connection may carry another request after this response. */
  readonly persistent: boolean;
  /** `Keep-Alive: timeout=`, in milliseconds. */
  readonly keepAliveMs: number | undefined;
  readonly upgrade: string | undefined;
}

export type ResponseHeadResult =
  | { readonly ok: true; readonly head: ResponseHead }
  | { readonly ok: false; readonly detail: string };

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([\t\u0020-\u00ff]*))?$/;

/** Reads what `scanner` has just completed, the answer to a request with `method`. */
export function readResponseHead(scanner: SectionScanner, method: string): ResponseHeadResult {
  const match = STATUS_LINE.exec(scanner.text.slice(0, scanner.startLineEnd));
  if (match === null) return refuse('a malformed status line');
  const status = Number(match[2]);
  let persistent = match[1] === '1';
  let fields = '';
  let runStart = -1;
  let hasDate = false;
  let length: number | undefined;
  let coding: string | undefined;
  let upgrade: string | undefined;
  let keepAliveMs: number | undefined;
  let named: string[] | undefined;

  const text = scanner.text;
  for (let index = 0; index < scanner.count; index++) {
    const kind = responseFieldKind(scanner.name(index));
    if (kind === FORWARD || kind === DATE) {
      if (kind === DATE) hasDate = true;
      if (runStart === -1) runStart = scanner.lineStart(index);
      continue;
    }
    if (runStart !== -1) {
      fields += text.slice(runStart, scanner.lineStart(index));
      runStart = -1;
    }
    if (kind === DROP) continue;
    const value = scanner.value(index);
    if (kind === CONTENT_LENGTH) {
      const parsed = parseLength(value);
      if (parsed === undefined || length !== undefined) return refuse('a malformed or repeated Content-Length');
      length = parsed;
    } else if (kind === TRANSFER_ENCODING) {
      if (coding !== undefined) return refuse('a repeated Transfer-Encoding');
      coding = value.toLowerCase();
    } else if (kind === CONNECTION) {
      for (const option of value.toLowerCase().split(',')) {
        const name = option.trim();
        if (name === 'close') persistent = false;
        else if (name !== '' && name !== 'keep-alive' && name !== 'upgrade') (named ??= []).push(name);
      }
    } else if (kind === UPGRADE) {
      upgrade = value;
    } else if (kind === KEEP_ALIVE) {
      const seconds = /(?:^|[\s,;])timeout=([0-9]{1,6})/i.exec(value)?.[1];
      if (seconds !== undefined) keepAliveMs = Number(seconds) * 1000;
    }
  }
  if (runStart !== -1) fields += text.slice(runStart, text.length - 2);
  if (named !== undefined) fields = withoutNamed(fields, named);

  const mayHaveBody = status >= 200 && status !== 204 && status !== 304 && method !== 'HEAD';
  if (coding !== undefined) {
    if (length !== undefined) return refuse('both Content-Length and Transfer-Encoding');
    if (coding !== 'chunked') return refuse('an unknown transfer coding');
    if (match[1] === '0') return refuse('Transfer-Encoding in an HTTP/1.0 response');
    if (status < 200 || status === 204) return refuse('Transfer-Encoding in a response without a body');
  }
  let framing = NO_BODY;
  if (mayHaveBody) {
    if (coding !== undefined) framing = CHUNKED;
    else framing = length ?? UNTIL_CLOSE;
  }
  if (status < 200 || status === 204) length = undefined;
  if (framing === UNTIL_CLOSE) persistent = false;
  const reason = match[3] ?? '';
  return {
    ok: true,
    head: { status, reason, fields, hasDate, length, hasBody: mayHaveBody, framing, persistent, keepAliveMs, upgrade },
  };
}

function refuse(detail: string): ResponseHeadResult {
  return { ok: false, detail };
}
