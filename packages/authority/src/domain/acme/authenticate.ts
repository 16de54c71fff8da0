import { currentAccount } from './accounts.ts';
import type { AcmeContext } from './context.ts';
import type { AcmeKey } from './jwk.ts';
import { readJwk, storedKey } from './jwk.ts';
import { algorithmFault, checkSignature, readEnvelope } from './jws.ts';
import type { Envelope } from './jws.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';
import type { AcmeAccount } from './records.ts';

/** Where a request arrived. */
export interface Arrival {
  /** The URL that it has to be signed for. */
  readonly url: string;
  /** The id of the account that a URL names, where it is one of ours. */
  readonly accountOf: (url: string) => string | undefined;
}

/** A request that was signed. */
export interface Signed {
  readonly envelope: Envelope;
  readonly key: AcmeKey;
  /** Undefined where the request brought its key (newAccount, and revokeCert by the certificate's key). */
  readonly account: AcmeAccount | undefined;
}

/** By what a request may be signed: an account that is named, a key that it brings, either. */
export type SignedBy = 'account' | 'key' | 'either';

/**
 * Finds out who has signed a request (RFC 8555, sections 6.2 to 6.5): the envelope, what it may be signed by, the URL, the signature, and
 * last the nonce, so that nobody uses one up who cannot sign.
 */
export async function authenticate(
  context: AcmeContext,
  body: string,
  arrival: Arrival,
  by: SignedBy,
): Promise<AcmeOutcome<{ signed: Signed }>> {
  const read = readEnvelope(body);
  if (!read.ok) return read;
  const { envelope } = read;
  const fault = algorithmFault(envelope);
  if (fault !== undefined) return fault;
  if (by === 'account' && envelope.kid === undefined) return deny('malformed', 'this is signed by an account: kid');
  if (by === 'key' && envelope.kid !== undefined) return deny('malformed', 'this brings its key: jwk');
  if (envelope.url !== arrival.url) return deny('unauthorized', 'the request was signed for another URL');
  if (envelope.nonce === undefined) return deny('badNonce', 'there is no nonce');
  const signer: AcmeOutcome<Signer> =
    envelope.kid === undefined ? readJwk(envelope.jwk) : await accountKey(context, arrival, envelope.kid);
  if (!signer.ok) return signer;
  const holds = checkSignature(envelope, signer.key);
  if (!holds.ok) return holds;
  if (!(await context.nonces.use(envelope.nonce)))
    return deny('badNonce', 'this nonce is not one of ours, or not fresh');
  return { ok: true, signed: { envelope, key: signer.key, account: signer.account } };
}

interface Signer {
  readonly key: AcmeKey;
  readonly account?: AcmeAccount;
}

async function accountKey(context: AcmeContext, arrival: Arrival, kid: string): Promise<AcmeOutcome<Signer>> {
  const id = arrival.accountOf(kid);
  if (id === undefined) return deny('accountDoesNotExist', 'kid is not the URL of an account');
  const current = await currentAccount(context.store, id);
  if (!current.ok) return current;
  const key = storedKey(current.account);
  return key.ok ? { ok: true, key: key.key, account: current.account } : key;
}
