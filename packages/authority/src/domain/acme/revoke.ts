import { parseCertificate, PkiError } from '@countersign/pki';
import { revocationReasonNumbers } from '@countersign/protocol';
import type { AuditActor, RevocationReason } from '@countersign/protocol';
import type { StoredCertificate } from '../ports.ts';
import { keyHashOf } from '../ca.ts';
import type { AcmeContext } from './context.ts';
import { decodeBase64url } from './base64url.ts';
import { nameOf } from './identifiers.ts';
import type { AcmeKey } from './jwk.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';
import type { AcmeAccount } from './records.ts';

/** Reasons that holders may give (RFC 5280, section 5.3.1): what only a CA or an administrator can say is not among them. */
const holderReasons: readonly RevocationReason[] = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
];

/** A revocation that its asker may have. */
export interface Revocation {
  readonly certificate: StoredCertificate;
  readonly reason: RevocationReason;
  readonly actor: AuditActor;
}

/**
 * Whether somebody may revoke a certificate, and for what reason (RFC 8555, section 7.6): the account that ordered it, an account that has
 * proven all its names, whoever has its key.
 */
export async function readRevocation(
  context: AcmeContext,
  payload: Readonly<Record<string, unknown>>,
  key: AcmeKey,
  account: AcmeAccount | undefined,
): Promise<AcmeOutcome<Revocation>> {
  const { certificate: text, reason: number = 0 } = payload;
  const der = typeof text === 'string' ? decodeBase64url(text) : undefined;
  if (der === undefined) return deny('malformed', 'certificate is a certificate in base64url');
  const reason = holderReasons.find((one) => revocationReasonNumbers[one] === number);
  if (reason === undefined) {
    const numbers = holderReasons.map((one) => `${revocationReasonNumbers[one]} ${one}`).join(', ');
    return deny('badRevocationReason', `a reason is one of ${numbers}`);
  }
  const certificate = await findCertificate(context, der);
  if (certificate === undefined) return deny('malformed', 'the certificate is not of this authority', { status: 404 });
  const may =
    account === undefined
      ? keyHashOf(key.spki) === certificate.spkiSha256
      : await accountMayRevoke(context, account, certificate);
  if (!may) return deny('unauthorized', 'neither the account nor the key has to do with this certificate');
  const before = certificate.revocation?.reason;
  if (before !== undefined && before !== 'certificateHold') {
    return deny('alreadyRevoked', 'the certificate was revoked already');
  }
  const { name, serial } = certificate;
  const actor: AuditActor =
    account === undefined ? { kind: 'holder', name, serial } : { kind: 'acme', name: account.id };
  return { ok: true, certificate, reason, actor };
}

async function findCertificate(context: AcmeContext, der: Uint8Array): Promise<StoredCertificate | undefined> {
  try {
    const { serialHex } = parseCertificate(der);
    const found = await context.store.certificatesBySerial(serialHex);
    return found.find((one) => Buffer.from(one.der).equals(der));
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}

/** How many orders of an account are looked through for names that it has proven. */
const ordersLimit = 1000;

async function accountMayRevoke(
  context: AcmeContext,
  account: AcmeAccount,
  { issuer, serial, sans }: StoredCertificate,
): Promise<boolean> {
  const order = await context.store.acmeOrderOfCertificate({ issuer, serial });
  if (order?.account === account.id) return true;
  const orders = await context.store.acmeOrdersWithAuthority(account.id, context.clock(), ordersLimit);
  const proven = orders.flatMap(({ authorizations }) =>
    authorizations.filter(({ status }) => status === 'valid').map(nameOf),
  );
  const has = new Set(proven.map(({ type, value }) => `${type}:${value}`));
  return sans.length > 0 && sans.every(({ type, value }) => has.has(`${type}:${value}`));
}
