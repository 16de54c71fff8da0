import { createHash } from 'node:crypto';
import { DEFAULT_HTTP_OPTIONS } from '../../packages/gateway/src/connection.ts';
import { BodyReader, CHUNKED } from '../../packages/gateway/src/http1/body.ts';
import { readRequestHead } from '../../packages/gateway/src/http1/request-head.ts';
import { FAULT, MORE, SectionScanner } from '../../packages/gateway/src/http1/section.ts';
import { readResponseHead } from '../../packages/gateway/src/upstream/response-head.ts';
import { readWholeRequest } from '../../packages/authority/src/http/whole-request.ts';
import type { WholeRequest } from '../../packages/authority/src/http/whole-request.ts';
import { compareRequests, compareWholeRequest } from '../oracles/node-http.ts';
import type { ReadRequest } from '../oracles/node-http.ts';
import type { FuzzTarget } from '../target.ts';
import { isRefusal, Refusal, textSeeds } from './refusal.ts';

const { limits } = DEFAULT_HTTP_OPTIONS;
const maxMessages = 64;

/** What was read of one connection: whole messages, and why it went no further. */
interface Reading {
  readonly messages: readonly ReadRequest[];
  readonly fault: string;
}

type Head = { readonly key: string; readonly method: string; readonly target: string; readonly framing: number };
type HeadReader = (scanner: SectionScanner) => Head | string;

/** Feeds a connection's octets as `pieces`, in the way the gateway reads them. */
function readConnection(pieces: readonly Buffer[], readHead: HeadReader, opening = ''): Reading {
  const scanner = new SectionScanner(limits, true, opening);
  const messages: ReadRequest[] = [];
  let body = createHash('sha256');
  const reader = new BodyReader(limits, (data) => body.update(data));
  let head: Head | undefined;
  const finish = ({ key, method, target, framing }: Head): void => {
    const trailers = framing === CHUNKED ? (reader.trailers?.text ?? '') : '';
    messages.push({ key, method, target, trailers, body: body.digest('hex'), octets: reader.received });
    body = createHash('sha256');
  };
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length && messages.length < maxMessages) {
      if (head === undefined) {
        const next = scanner.scan(piece, at);
        if (next === FAULT) return { messages, fault: scanner.fault };
        if (next === MORE) break;
        const read = readHead(scanner);
        if (typeof read === 'string') return { messages, fault: read };
        at = next;
        head = read;
        reader.begin(read.framing);
      } else {
        const next = reader.read(piece, at);
        if (next === FAULT) return { messages, fault: reader.fault };
        at = next;
      }
      if (reader.complete) {
        finish(head);
        head = undefined;
      }
    }
  }
  if (head !== undefined && reader.close()) finish(head);
  return { messages, fault: head === undefined && !scanner.begun ? '' : 'cut off' };
}

const requestHead: HeadReader = (scanner) => {
  const read = readRequestHead(scanner);
  if (!read.ok) return read.detail;
  const { head } = read;
  return { key: JSON.stringify(head), method: head.method, target: head.path + head.query, framing: head.framing };
};

const responseHead: HeadReader = (scanner) => {
  const read = readResponseHead(scanner, 'GET');
  if (!read.ok) return read.detail;
  return { key: JSON.stringify(read.head), method: '', target: String(read.head.status), framing: read.head.framing };
};

/** The same octets in other pieces, which their content decides. */
function inPieces(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let state = bytes.length;
  for (let at = 0; at < bytes.length;) {
    state = (Math.imul(state ^ (bytes[at] as number), 0x01000193) >>> 0) + 1;
    const length = 1 + (state % 11);
    pieces.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  return pieces;
}

function runConnection(bytes: Uint8Array, readHead: HeadReader): Reading {
  const octets = Buffer.from(bytes);
  const whole = readConnection([octets], readHead);
  const pieces = readConnection(inPieces(octets), readHead);
  if (JSON.stringify(whole) !== JSON.stringify(pieces)) throw new Error('in other pieces it is something else');
  if (whole.messages.length === 0) throw new Refusal(whole.fault);
  return whole;
}

const plain = 'GET /a?b=c HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n';
const chunks = '5\r\nhello\r\n3;x="y"\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n';
const requests = [
  plain,
  plain + plain,
  `POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello${plain}`,
  `POST /p HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n${chunks}${plain}`,
  'PUT https://a.test/x HTTP/1.1\r\nhost: a.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok',
  'GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n',
  'GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close, x-secret\r\nX-Secret: 1\r\nX-Kept: 2\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a.test\r\n folded: 1\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
];
const responses = [
  'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\nok',
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
  'HTTP/1.1 204 \r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
  'HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nuntil the end',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
];

/** A chunked body alone: what follows it is not its own. */
function runChunked(bytes: Uint8Array): unknown {
  const read = (pieces: readonly Buffer[]): unknown => {
    const body = createHash('sha256');
    const reader = new BodyReader(limits, (data) => body.update(data), 1 << 20);
    reader.begin(CHUNKED);
    let taken = 0;
    for (const piece of pieces) {
      const next = reader.read(piece, 0);
      if (next === FAULT) return reader.fault;
      taken += next;
      if (reader.complete) return [body.digest('hex'), reader.received, reader.trailers?.text, taken];
    }
    return 'cut off';
  };
  const octets = Buffer.from(bytes);
  const whole = read([octets]);
  if (JSON.stringify(whole) !== JSON.stringify(read(inPieces(octets)))) throw new Error('in pieces it is another body');
  if (typeof whole === 'string') throw new Refusal(whole);
  return whole;
}

const wholeRequests = [
  'GET /ocsp/MEEwPzA9MDswOTAJBgUrDgMCGgUABBQ%3D HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n',
  'POST /ocsp HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/ocsp-request\r\nContent-Length: 5\r\n\r\n0\x03\0\x01\0',
  'POST /ocsp HTTP/1.1\r\nhost:a\r\nConnection: Keep-Alive\r\ncontent-length:\t5 \r\nX: \r\n\r\nhello',
];
const remembered = [undefined, ...wholeRequests.map((text) => readWholeRequest(text, undefined)?.head)];

/** What the authority reads past node:http: the same whatever head came before it. */
function runWhole(bytes: Uint8Array): WholeRequest {
  const text = Buffer.from(bytes).toString('latin1');
  const [whole, ...others] = remembered.map((head) => readWholeRequest(text, head));
  for (const other of others) {
    if (JSON.stringify(other) !== JSON.stringify(whole)) throw new Error('after another head it is something else');
  }
  if (whole === undefined) throw new Refusal(String(text.split('\r\n').length));
  return whole;
}

export const http1Targets: readonly FuzzTarget[] = [
  {
    name: 'http1-request',
    form: 'text',
    seeds: () => textSeeds(requests),
    run: (bytes) => runConnection(bytes, requestHead),
    expected: isRefusal,
    compare: (bytes, parsed) => compareRequests(bytes, (parsed as Reading).messages),
    compareEvery: 32,
  },
  {
    name: 'http1-response',
    form: 'text',
    seeds: () => textSeeds(responses),
    run: (bytes) => runConnection(bytes, responseHead),
    expected: isRefusal,
  },
  {
    name: 'http1-chunked',
    form: 'text',
    seeds: () =>
      textSeeds([chunks, '0\r\n\r\n', 'A\r\n0123456789\r\n00\r\n\r\nmore', '1\r\nx\r\n0\r\na: b\r\nc: d\r\n\r\n']),
    run: runChunked,
    expected: isRefusal,
  },
  {
    name: 'http1-whole-request',
    form: 'text',
    seeds: () => textSeeds([...wholeRequests, ...requests]),
    run: runWhole,
    expected: isRefusal,
    compare: (bytes, parsed) => compareWholeRequest(bytes, parsed as WholeRequest),
    compareEvery: 4,
  },
];
