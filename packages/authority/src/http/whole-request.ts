/** The head of a request in its simplest form. */
export interface SimpleHead {
  /** Its octets up to and including the empty line, one character each. */
  readonly text: string;
  readonly method: 'GET' | 'POST';
  /** A path without a query, as it was sent. */
  readonly target: string;
  /** In lower case. */
  readonly contentType: string | undefined;
  readonly contentLength: number;
}

/** A request that was read whole, and nothing beside it. */
export interface WholeRequest {
  readonly head: SimpleHead;
  /** One character an octet. */
  readonly body: string;
}

const headEnd = '\r\n\r\n';
const requestLine = /^(?<method>GET|POST) (?<target>\/[A-Za-z0-9/+=%._~-]*) HTTP\/1\.1$/u;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/u;
const value = /^[\t\x20-\x7e]*$/u;
const length = /^(?:0|[1-9][0-9]{0,4})$/u;

/**
 * What decides how long a message is, how its connection goes on, or under which condition it is answered: whoever sends one of these is
 * answered by node:http.
 */
const decisive =
  /^(?:transfer-encoding|expect|upgrade|connection|proxy-connection|http2-settings|te|trailer|range|if-.*)$/u;

/**
 * Reads octets (one character each) that are, all together, one request of HTTP/1.1 in its simplest form (RFC 9112, sections 2.1, 3, 5 and 6.2):
 * GET without a body or POST with one of a told length, and no field that changes how either is read. Undefined for everything else, be it good or
 * bad: it is left to node:http. So it is no mistake to be stricter here, and a grave one to read a request as another than node:http does.
 *
 * @param last - a head that was read before: clients repeat theirs
 */
export function readWholeRequest(text: string, last: SimpleHead | undefined): WholeRequest | undefined {
  const head = last !== undefined && text.startsWith(last.text) ? last : readHead(text);
  if (head === undefined || text.length - head.text.length !== head.contentLength) return undefined;
  return { head, body: text.slice(head.text.length) };
}

function readHead(text: string): SimpleHead | undefined {
  const end = text.indexOf(headEnd);
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const asked = requestLine.exec(first)?.groups;
  const fields = readFields(lines);
  const method = asked?.['method'];
  const target = asked?.['target'];
  // RFC 9112, section 3.2: without Host it is refused.
  if (fields === undefined || target === undefined || !fields.get('host')) return undefined;
  const contentLength = fields.get('content-length');
  const head = { text: text.slice(0, end + headEnd.length), target, contentType: fields.get('content-type') };
  if (method === 'POST' && contentLength !== undefined && length.test(contentLength)) {
    return { ...head, method, contentLength: Number(contentLength) };
  }
  return method === 'GET' && contentLength === undefined ? { ...head, method, contentLength: 0 } : undefined;
}

/** The fields in lower case; undefined where there is one that decides, one that is there twice, or one that is not well-formed. */
function readFields(lines: readonly string[]): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return undefined;
    const name = line.slice(0, colon).toLowerCase();
    const rest = line.slice(colon + 1);
    if (!token.test(name) || !value.test(rest) || fields.has(name)) return undefined;
    // Nothing but blanks and tabs is left of what trim takes away.
    const content = rest.trim().toLowerCase();
    // It is kept anyway (RFC 9112, section 9.3).
    const kept = name === 'connection' && content === 'keep-alive';
    if (decisive.test(name) && !kept) return undefined;
    fields.set(name, content);
  }
  return fields;
}
