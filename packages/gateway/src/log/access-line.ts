import type { TLSSocket } from 'node:tls';
import type { AccessEntry, ClientIdentity, Peer } from '../connection.ts';

/** What one field may hold of what a stranger sent. */
const MAX_TEXT = 512;
/** What JSON leaves as it is, and a terminal or a log reader may not: C1, line separators, direction marks. */
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** JSON of a text that may come from a stranger: bounded, on one line, printable. */
export function quote(text: string): string {
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return JSON.stringify(bounded).replaceAll(UNPRINTABLE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

/** What all lines of a connection have in common, made once: who is at the other end. */
export function connectionFields(
  remote: string,
  socket: Pick<TLSSocket, 'getProtocol' | 'isSessionReused'>,
  sni: string | undefined,
  peer: Peer,
): string {
  const fields = [`"remote":${quote(remote)}`, `"tls":${quote(socket.getProtocol() ?? '')}`];
  if (socket.isSessionReused()) fields.push('"resumed":true');
  if (sni !== undefined) fields.push(`"sni":${quote(sni)}`);
  if (peer.kind !== 'none') {
    const identity = identityFields(peer.identity ?? {});
    fields.push(`"client":{"verdict":${quote(peer.kind === 'accepted' ? 'accepted' : peer.code)}${identity}}`);
  }
  return fields.join(',');
}

function identityFields(identity: Partial<ClientIdentity>): string {
  const parts: string[] = [];
  for (const [name, value] of [
    ['subject', identity.subject],
    ['name', identity.name],
    ['profile', identity.profile],
    ['serial', identity.serialHex],
    ['fingerprintSha256', identity.fingerprintSha256],
  ] as const) {
    if (value !== undefined) parts.push(`,"${name}":${quote(value)}`);
  }
  const names = (identity.sans ?? []).slice(0, 8).filter((san) => typeof san.value === 'string');
  if (names.length > 0)
    parts.push(`,"sans":[${names.map((san) => quote(`${san.type}:${String(san.value)}`)).join(',')}]`);
  return parts.join('');
}

/** The line of one request. */
export function accessLine(entry: AccessEntry, connection: string): string {
  let line = `{"event":"request","time":"${new Date(entry.time).toISOString()}","correlationId":${quote(entry.correlationId)},${connection}`;
  line += `,"protocol":"${entry.protocol}","status":${entry.status}`;
  if (entry.method !== undefined) line += `,"method":${quote(entry.method)}`;
  if (entry.host !== undefined) line += `,"host":${quote(entry.host)}`;
  if (entry.path !== undefined) line += `,"path":${quote(entry.path)}`;
  if (entry.code !== undefined) line += `,"code":"${entry.code}"`;
  if (entry.detail !== undefined) line += `,"detail":${quote(entry.detail)}`;
  if (entry.route !== undefined) line += `,"route":${quote(entry.route)}`;
  if (entry.upstream !== undefined) line += `,"upstream":${quote(entry.upstream)}`;
  line += `,"bytesIn":${entry.bytesIn},"bytesOut":${entry.bytesOut},"durationMs":${Math.round(entry.durationMs * 1000) / 1000}`;
  return entry.complete ? `${line}}` : `${line},"complete":false}`;
}
