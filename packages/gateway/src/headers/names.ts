/**
 * What becomes of a field on its way through: decided by its name alone, in every spelling that an upstream might read as
 * the same. CGI and its descendants map `-`, `_`, `.` and every other mark to one character, so names are compared with all marks as `-`.
 */

export type FieldKind = number;
export const FORWARD: FieldKind = 0;
/** Never passed on: it is ours to say, or belongs to one hop. */
export const DROP: FieldKind = 1;
/** A spelling that some servers read as a framing field: a message with it is refused. */
export const CONFUSABLE: FieldKind = 2;
export const HOST: FieldKind = 3;
export const CONTENT_LENGTH: FieldKind = 4;
export const TRANSFER_ENCODING: FieldKind = 5;
export const CONNECTION: FieldKind = 6;
export const UPGRADE: FieldKind = 7;
export const EXPECT: FieldKind = 8;
export const TE: FieldKind = 9;
export const DATE: FieldKind = 10;
export const KEEP_ALIVE: FieldKind = 11;

/** RFC 9110 section 7.6.1, and what older proxies added. */
const HOP_BY_HOP = ['proxy-connection', 'proxy-authorization', 'http2-settings'];

/** Fields by which a service might be told who its client is, or where a request came from. */
export const IDENTITY_NAMES: readonly string[] = [
  'forwarded',
  'proxy',
  'x-real-ip',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-original-host',
  'x-host',
  'x-arr-ssl',
];
export const IDENTITY_PREFIXES: readonly string[] = [
  'client-cert',
  'client-dn',
  'client-verify',
  'countersign-',
  'ssl-',
  'tls-client',
  'x-amzn-mtls-',
  'x-arr-clientcert',
  'x-client-cert',
  'x-client-dn',
  'x-client-fingerprint',
  'x-client-issuer',
  'x-client-san',
  'x-client-serial',
  'x-client-subject',
  'x-client-verif',
  'x-forwarded-',
  'x-mtls-',
  'x-ssl-',
  'x-tls-client',
  'cf-client-cert',
];

const FRAMING: ReadonlyMap<string, FieldKind> = new Map([
  ['host', HOST],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['upgrade', UPGRADE],
  ['expect', EXPECT],
  ['te', TE],
  ['keep-alive', KEEP_ALIVE],
]);

const DROPPED: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...IDENTITY_NAMES]);

/** A response's own names that are ours to say. */
const RESPONSE_DROPPED: ReadonlySet<string> = new Set(['proxy-connection', 'http2-settings']);

/** Fields that must not be taken from a trailer section, RFC 9110 section 6.5.1. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...FRAMING.keys(),
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'max-forwards',
  'pragma',
  'range',
  'set-cookie',
  'trailer',
  'via',
]);

const KNOWN_LIMIT = 4096;

/** Remembers what was decided for a spelling; forgets all when a client floods it. */
function remembering(decide: (name: string) => FieldKind): (name: string) => FieldKind {
  const known = new Map<string, FieldKind>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const kind = decide(name);
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(name, kind);
    return kind;
  };
}

/** Lower case, every mark a `-`. */
function canonical(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
}

function isIdentity(canonicalName: string): boolean {
  return DROPPED.has(canonicalName) || IDENTITY_PREFIXES.some((prefix) => canonicalName.startsWith(prefix));
}

/** Kind of a request's field. */
export const requestFieldKind: (name: string) => FieldKind = remembering((name) => {
  const framing = FRAMING.get(name.toLowerCase());
  if (framing !== undefined) return framing;
  const plain = canonical(name);
  if (FRAMING.has(plain)) return CONFUSABLE;
  return isIdentity(plain) ? DROP : FORWARD;
});

/** Kind of a response's field. Names with `Countersign-` are ours in a response too. */
export const responseFieldKind: (name: string) => FieldKind = remembering((name) => {
  const lower = name.toLowerCase();
  const framing = FRAMING.get(lower);
  if (framing !== undefined) return framing === HOST || framing === EXPECT || framing === TE ? DROP : framing;
  if (lower === 'date') return DATE;
  if (RESPONSE_DROPPED.has(lower)) return DROP;
  return canonical(name).startsWith('countersign-') ? DROP : FORWARD;
});

/** FORWARD or DROP for a field of a trailer section, either way. */
export const trailerFieldKind: (name: string) => FieldKind = remembering((name) => {
  const plain = canonical(name);
  return NOT_IN_TRAILERS.has(plain) || isIdentity(plain) ? DROP : FORWARD;
});

/** Field names a `Connection` field may not name: taking them away would change what the message is, or whose. */
export const NEVER_HOP_BY_HOP: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'expect']);
