import type { AcmePolicy } from '../acme/context.ts';
import { completeHeldOrder } from '../acme/settle-order.ts';
import { recordAudit } from '../audit.ts';
import type { Certification } from '../certify.ts';
import { refuse } from '../outcome.ts';
import type { Outcome, Refused } from '../outcome.ts';
import type { StoredCertificate, StoredToken, StoreReader } from '../ports.ts';

/** What a request rests on: looked at again in the transaction that stores the certificate, however long that is after. */
export type Basis =
  | { readonly by: 'token'; readonly hash: string; readonly name: string }
  /** The certificate of a gateway, which vouches for its own names. */
  | { readonly by: 'gateway'; readonly issuer: string; readonly serial: string }
  /** The certificate that is renewed. */
  | { readonly by: 'holder'; readonly issuer: string; readonly serial: string }
  | { readonly by: 'factory'; readonly name: string }
  | { readonly by: 'acme'; readonly order: string };

/** A request that has waited, and what holds for ACME by now. */
interface Held {
  readonly request: string;
  readonly acme: AcmePolicy | undefined;
}

/** Where a node offers no ACME of its own. */
const openPolicy: AcmePolicy = { requireEab: false, profiles: [] };

/** Why a token cannot be redeemed, or undefined while it can. One that waits for an administrator does so however long that takes. */
export function tokenFault(token: StoredToken | undefined, now: number, request?: string): Refused | undefined {
  if (token === undefined) return refuse('token_invalid', 'this authority has made no such token');
  if (token.usedAt !== undefined) return refuse('token_used', 'a token is redeemed once');
  if (token.revokedAt !== undefined) return refuse('token_revoked', 'it was closed when its name was revoked');
  if (token.request !== request)
    return refuse('token_used', 'a token is redeemed once, and a request with another key waits for approval with it');
  if (request === undefined && token.expiresAt < now)
    return refuse('token_expired', `it was good until ${new Date(token.expiresAt).toISOString()}`);
  return undefined;
}

/** Why a certificate that was revoked is not renewed. */
export function refusedRenewal(certificate: Pick<StoredCertificate, 'revocation'>): Refused {
  const held = certificate.revocation?.reason === 'certificateHold';
  return refuse('renewal_refused', held ? 'the certificate is on hold' : 'the certificate was revoked: enroll anew');
}

/** Whether the store still stands by a certificate and its key. A hold that was released has left nothing behind. */
export async function standsBy(store: StoreReader, certificate: StoredCertificate): Promise<boolean> {
  const { issuer, serial, spkiSha256 } = certificate;
  return !(await store.isRevoked(issuer, serial)) && !(await store.keyIsRevoked(spkiSha256));
}

/**
 * A door's condition in the transaction that stores its certificate: whether everything still stands that the request rests on. It uses a
 * token up. `held` tells of a request that has waited.
 */
export function admitBy(basis: Basis, held?: Held): NonNullable<Certification['admit']> {
  const request = held?.request;
  return async (tx, serial, now, certificate): Promise<Outcome<object>> => {
    switch (basis.by) {
      case 'token': {
        const { hash, name } = basis;
        if (!(await tx.useToken(hash, now, serial, request)))
          return tokenFault(await tx.token(hash), now, request) ?? refuse('token_used', 'a token is redeemed once');
        await recordAudit(tx, now, 'token.redeemed', { kind: 'token', name }, { name, serial });
        return { ok: true };
      }
      case 'gateway':
        return (await tx.isRevoked(basis.issuer, basis.serial))
          ? refuse('forbidden', "the gateway's certificate was revoked")
          : { ok: true };
      case 'holder': {
        const current = await tx.certificate(basis.issuer, basis.serial);
        if (current === undefined) return refuse('renewal_refused', 'the certificate is not known any more');
        return (await standsBy(tx, current)) ? { ok: true } : refusedRenewal(current);
      }
      case 'factory':
        // Whether its name is blocked is asked of every certificate.
        return { ok: true };
      case 'acme':
        return completeHeldOrder({ policy: held?.acme ?? openPolicy }, tx, basis.order, certificate, now);
    }
  };
}
