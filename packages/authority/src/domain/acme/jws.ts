import { createHmac, timingSafeEqual, verify } from 'node:crypto';
import { decodeBase64url } from './base64url.ts';
import { signatureAlgorithms } from './jwk.ts';
import type { AcmeKey } from './jwk.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';

/** A JWS in the flattened JSON serialization, taken apart but not believed yet (RFC 8555, section 6.2). */
export interface Envelope {
  readonly algorithm: string;
  readonly url: string;
  /** Exactly one of `jwk` and `kid` is there. */
  readonly jwk: unknown;
  readonly kid: string | undefined;
  readonly nonce: string | undefined;
  /** As it was sent: empty for POST-as-GET. */
  readonly payload: string;
  readonly signingInput: string;
  readonly signature: Uint8Array;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON object, or undefined for whatever else the octets are. */
export function parseObject(text: string | Uint8Array | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(typeof text === 'string' ? text : utf8.decode(text));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Octets that are no UTF-8 are no JSON. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Takes a JWS apart, strictly: the flattened JSON serialization with exactly `protected`, `payload` and `signature`; a protected header
 * with `alg`, `url` and exactly one of `jwk` and `kid`; nothing critical.
 *
 * @param value the text of a request, or the object that stands for an inner JWS
 */
export function readEnvelope(value: unknown): AcmeOutcome<{ envelope: Envelope }> {
  const members = typeof value === 'string' ? parseObject(value) : value;
  if (!isObject(members)) return deny('malformed', 'the body is not a JWS in the flattened JSON serialization');
  const { protected: head, payload, signature, ...others } = members;
  const [other] = Object.keys(others);
  if (other !== undefined) return deny('malformed', `a JWS has no ${other.slice(0, 40)} here`);
  if (typeof head !== 'string' || typeof payload !== 'string' || typeof signature !== 'string') {
    return deny('malformed', 'protected, payload and signature are texts');
  }
  const header = parseObject(decodeBase64url(head));
  const signed = decodeBase64url(signature);
  if (header === undefined || signed === undefined || decodeBase64url(payload) === undefined) {
    return deny('malformed', 'protected, payload and signature are base64url without padding');
  }
  const { alg, url, jwk, kid, nonce } = header;
  // RFC 7797 would have the payload read in another way; it is critical wherever it stands.
  if ('crit' in header || 'b64' in header) return deny('malformed', 'no header parameter is critical here');
  if (typeof alg !== 'string' || typeof url !== 'string') return deny('malformed', 'alg and url are texts');
  if ((jwk === undefined) === (kid === undefined)) return deny('malformed', 'exactly one of jwk and kid is there');
  if (kid !== undefined && typeof kid !== 'string') return deny('malformed', 'kid is a text');
  if (nonce !== undefined && typeof nonce !== 'string') return deny('malformed', 'nonce is a text');
  const envelope = {
    algorithm: alg,
    url,
    jwk,
    kid,
    nonce,
    payload,
    signingInput: `${head}.${payload}`,
    signature: signed,
  };
  return { ok: true, envelope };
}

/** Whether `key` has signed it, with its own algorithm. */
export function checkSignature(envelope: Envelope, key: AcmeKey): AcmeOutcome<object> {
  const fault = algorithmFault(envelope);
  if (fault !== undefined) return fault;
  if (envelope.algorithm !== key.algorithm) return deny('malformed', `this key signs with ${key.algorithm}`);
  const digest = key.algorithm === 'EdDSA' ? null : key.algorithm === 'ES384' ? 'sha384' : 'sha256';
  const withKey = { key: key.key, dsaEncoding: 'ieee-p1363' as const };
  const holds = verify(digest, Buffer.from(envelope.signingInput), withKey, envelope.signature);
  return holds ? { ok: true } : deny('malformed', 'the signature does not hold');
}

/** An algorithm that no request is signed with here. */
export function algorithmFault(envelope: Envelope): ReturnType<typeof deny> | undefined {
  if (signatureAlgorithms.some((one) => one === envelope.algorithm)) return undefined;
  const detail = `a request is signed with ${signatureAlgorithms.join(', ')}`;
  return deny('badSignatureAlgorithm', detail, { algorithms: signatureAlgorithms });
}

const macDigests: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' };

/** Whether it carries the MAC of a shared secret (RFC 8555, section 7.3.4). */
export function checkMac(envelope: Envelope, secret: Uint8Array): boolean {
  const digest = Object.hasOwn(macDigests, envelope.algorithm) ? macDigests[envelope.algorithm] : undefined;
  if (digest === undefined) return false;
  const expected = createHmac(digest, secret).update(envelope.signingInput).digest();
  return expected.length === envelope.signature.length && timingSafeEqual(expected, envelope.signature);
}

/** Whether it asks and brings nothing (RFC 8555, section 6.3). */
export function isPostAsGet(envelope: Envelope): boolean {
  return envelope.payload === '';
}

/** The JSON object that it brings. */
export function readPayload(envelope: Envelope): AcmeOutcome<{ payload: JsonObject }> {
  const payload = parseObject(decodeBase64url(envelope.payload));
  return payload === undefined ? deny('malformed', 'the payload is not a JSON object') : { ok: true, payload };
}
