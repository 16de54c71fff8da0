/** A request for one certificate with a nonce and nothing else, each part as it is in the request, one character an octet. */
export interface NonceRequest {
  readonly certId: string;
  /** The whole extension with the nonce. */
  readonly nonce: string;
}

const sequenceTag = 0x30;
const octetStringTag = 0x04;
/** The extension's identifier: 1.3.6.1.5.5.7.48.1.2. */
const nonceOid = '\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x02';
/** RFC 9654, section 2.1. */
const maxNonceOctets = 128;

/**
 * Finds the parts of the request that nearly everybody sends who wants an answer of their own (RFC 6960, section 4.1; RFC 9654): one
 * CertID, not looked into, and a nonce that is not critical. Undefined for every other, which the parser has to read; so it is no mistake to be
 * stricter here than it.
 */
export function splitNonceRequest(request: string): NonceRequest | undefined {
  const body = inside(request, sequenceTag, 0, request.length);
  const tbs = inside(request, sequenceTag, body, request.length);
  const list = inside(request, sequenceTag, tbs, undefined);
  const listEnd = endOf(request, tbs);
  const one = inside(request, sequenceTag, list, listEnd);
  // The CertID is all that there is of the question.
  if (inside(request, sequenceTag, one, listEnd) === undefined || one === undefined || listEnd === undefined) {
    return undefined;
  }
  const extensions = inside(request, 0xa2, listEnd, request.length);
  const extension = inside(request, sequenceTag, extensions, request.length);
  const content = inside(request, sequenceTag, extension, request.length);
  if (extension === undefined || content === undefined || !request.startsWith(nonceOid, content)) return undefined;
  const value = inside(request, octetStringTag, content + nonceOid.length, request.length);
  const octets = inside(request, octetStringTag, value, request.length);
  if (octets === undefined) return undefined;
  const length = request.length - octets;
  if (length < 1 || length > maxNonceOctets) return undefined;
  return { certId: request.slice(one, listEnd), nonce: request.slice(extension) };
}

/** Where the content of the element at `at` begins; undefined where it has another tag, or where it is to end at `end` and does not. */
function inside(text: string, tag: number, at: number | undefined, end: number | undefined): number | undefined {
  if (at === undefined || text.charCodeAt(at) !== tag) return undefined;
  const found = endOf(text, at);
  return found === undefined || (end !== undefined && found !== end) ? undefined : at + headerOctets(text, at);
}

/** Where the element at `at` ends: of up to 255 octets of content, their number in its shortest form; undefined for every other. */
function endOf(text: string, at: number | undefined): number | undefined {
  if (at === undefined) return undefined;
  const first = text.charCodeAt(at + 1);
  if (first < 0x80) return at + 2 + first;
  const second = text.charCodeAt(at + 2);
  return first === 0x81 && second >= 0x80 ? at + 3 + second : undefined;
}

function headerOctets(text: string, at: number): number {
  return text.charCodeAt(at + 1) < 0x80 ? 2 : 3;
}
