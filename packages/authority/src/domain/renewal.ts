import { parseCertificate } from '@countersign/pki';
import type { RequestDoor } from '@countersign/protocol';
import type { Granted } from './approval/answer.ts';
import { admitBy, refusedRenewal, standsBy } from './approval/basis.ts';
import { certificateOwner } from './doors.ts';
import { issue } from './issue.ts';
import type { IssuanceContext } from './issue.ts';
import { refuse } from './outcome.ts';
import type { Outcome, Refused } from './outcome.ts';
import type { StoredCertificate } from './ports.ts';
import { namesFor, profiles } from './profiles.ts';

/**
 * Renews the certificate that a connection has shown: the same names and profile, the lifetime it was issued for but not more than the
 * profile's, for the key of `csr`. It is the store that is asked, never a CRL: refuses with `renewal_refused` where the certificate or
 * its key is revoked, with `key_revoked` where the new key is. `tooLate` is the refusal of whatever was not asked for in time.
 */
export async function renew(
  context: IssuanceContext,
  current: StoredCertificate,
  csr: string,
  { door = 'renewal', tooLate }: { readonly door?: RequestDoor; readonly tooLate?: Refused | undefined } = {},
): Promise<Outcome<Granted>> {
  if (!(await standsBy(context.store, current))) return refusedRenewal((await reread(context, current)) ?? current);
  const { name, profile, sans, serial, issuer } = current;
  // No door issues these; nor can one be shown by a client, because of what it is for.
  if (profile === 'ocsp') return refuse('renewal_refused', "a responder's certificate is the authority's own");
  const proven = namesFor(profiles[profile], name, sans);
  if (!proven.ok) return proven;
  const basis = { by: 'holder', issuer, serial } as const;
  return issue(context, proven.names, {
    name,
    profile,
    sans,
    csr,
    mustStaple: parseCertificate(current.der).mustStaple,
    lifetimeSeconds: Math.min(current.lifetimeSeconds, profiles[profile].lifetimeSeconds),
    actor: { kind: 'holder', name, serial },
    action: 'certificate.renewed',
    admit: admitBy(basis),
    approval: { door, owner: certificateOwner(current), basis, isRenewal: true, tooLate },
  });
}

function reread(context: IssuanceContext, certificate: StoredCertificate): Promise<StoredCertificate | undefined> {
  return context.store.certificate(certificate.issuer, certificate.serial);
}
