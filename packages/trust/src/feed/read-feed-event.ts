import { TrustError } from '../errors.ts';
import { isRevocationReason } from '../revocation/revocation.ts';
import { readCursor } from './feed-event.ts';
import type { FeedBundle, FeedEvent, FeedRevocation } from './feed-event.ts';

type Fields = Readonly<Record<string, unknown>>;

const SHA256 = /^[0-9a-f]{64}$/;
const SERIAL = /^[0-9a-f]{2,40}$/;
const MAX_PEM = 1_000_000;
const DIGEST = /^\d{1,10}-[0-9a-f]{32}$/;

/**
 * Reads one line of the authority's feed, parsed as JSON, strictly: every field is of its form, and there is no other. What this
 * takes, the schema of the wire contract takes too; it needs no schema library, and a snapshot of a million revocations is read in
 * one walk.
 *
 * @throws TrustError `feed_malformed`
 * @example readFeedEvent({ type: 'heartbeat', cursor: '00112233445566aa:7', at: 1_800_000_000_000 })
 */
export function readFeedEvent(line: unknown): FeedEvent {
  const fields = fieldsOf(line, 'the line');
  switch (fields['type']) {
    case 'snapshot':
      return readSnapshot(fields);
    case 'revoked':
      only(fields, ['type', 'cursor', 'issuer', 'serial', 'reason', 'revokedAt', 'notAfter', 'hold']);
      return { type: 'revoked', cursor: cursor(fields), ...readRevocation(fields) };
    case 'released':
      only(fields, ['type', 'cursor', 'issuer', 'serial', 'reason', 'revokedAt', 'notAfter']);
      return { type: 'released', cursor: cursor(fields), ...readRevocation(fields) };
    case 'bundle':
      only(fields, ['type', 'cursor', 'bundle']);
      return { type: 'bundle', cursor: cursor(fields), bundle: readBundle(fields['bundle']) };
    case 'heartbeat': {
      only(fields, ['type', 'cursor', 'at', 'digest']);
      const digest = fields['digest'] === undefined ? {} : { digest: text(fields, 'digest', DIGEST) };
      return { type: 'heartbeat', cursor: cursor(fields), at: count(fields, 'at'), ...digest };
    }
    default:
      throw malformed('type is none of the feed');
  }
}

function readSnapshot(fields: Fields): FeedEvent {
  only(fields, ['type', 'cursor', 'epoch', 'seq', 'issuedAt', 'revocations', 'bundle', 'signature']);
  return {
    type: 'snapshot',
    cursor: cursor(fields),
    epoch: text(fields, 'epoch'),
    seq: count(fields, 'seq'),
    issuedAt: count(fields, 'issuedAt'),
    revocations: list(fields, 'revocations').map((entry) => {
      const read = fieldsOf(entry, 'a revocation');
      only(read, ['issuer', 'serial', 'reason', 'revokedAt', 'notAfter', 'hold']);
      return readRevocation(read);
    }),
    bundle: readBundle(fields['bundle']),
    signature: text(fields, 'signature'),
  };
}

function readRevocation(fields: Fields): FeedRevocation {
  const { reason, hold } = fields;
  if (typeof reason !== 'string' || !isRevocationReason(reason) || reason === 'removeFromCRL') {
    throw malformed('reason is none');
  }
  if (hold !== undefined && hold !== true) throw malformed('hold is not true');
  return {
    issuer: text(fields, 'issuer', SHA256),
    serial: text(fields, 'serial', SERIAL),
    reason,
    revokedAt: count(fields, 'revokedAt'),
    notAfter: count(fields, 'notAfter'),
    ...(hold === true ? { hold } : {}),
  };
}

function readBundle(value: unknown): FeedBundle {
  const fields = fieldsOf(value, 'the bundle');
  only(fields, ['anchors', 'intermediates', 'generation']);
  const texts = (name: string): string[] =>
    list(fields, name).map((one) => {
      if (typeof one !== 'string' || !one.startsWith('-----BEGIN ') || one.length > MAX_PEM) {
        throw malformed(`${name} holds something that is no PEM`);
      }
      return one;
    });
  return { anchors: texts('anchors'), intermediates: texts('intermediates'), generation: count(fields, 'generation') };
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${what} is no object`);
  return value as Fields;
}

function only(fields: Fields, allowed: readonly string[]): void {
  for (const name of Object.keys(fields)) if (!allowed.includes(name)) throw malformed('a field is of no meaning');
}

function cursor(fields: Fields): string {
  const value = text(fields, 'cursor');
  if (readCursor(value) === undefined) throw malformed('cursor is none');
  return value;
}

function text(fields: Fields, name: string, form?: RegExp): string {
  const value = own(fields, name);
  if (typeof value !== 'string' || form?.test(value) === false) throw malformed(`${name} is not of its form`);
  return value;
}

function count(fields: Fields, name: string): number {
  const value = own(fields, name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(`${name} is no number`);
  return value;
}

function list(fields: Fields, name: string): readonly unknown[] {
  const value = own(fields, name);
  if (!Array.isArray(value)) throw malformed(`${name} is no list`);
  return value;
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function malformed(detail: string): TrustError {
  return new TrustError('feed_malformed', `a line of the feed cannot be read: ${detail}`);
}
