import { parseCertificate } from '@countersign/pki';
import type { IssuedCertificate } from '@countersign/protocol';
import { issue } from './issue.ts';
import type { IssuanceContext } from './issue.ts';
import { refuse } from './outcome.ts';
import type { Outcome, Refused } from './outcome.ts';
import type { StoredCertificate, StoreReader } from './ports.ts';
import { namesFor, profiles } from './profiles.ts';

function refused(certificate: StoredCertificate): Refused {
  const held = certificate.revocation?.reason === 'certificateHold';
  return refuse('renewal_refused', held ? 'the certificate is on hold' : 'the certificate was revoked: enroll anew');
}

/** Whether the store still stands by a certificate and its key. A hold that was released has left nothing behind. */
async function standsBy(store: StoreReader, certificate: StoredCertificate): Promise<boolean> {
  const { issuer, serial, spkiSha256 } = certificate;
  return !(await store.isRevoked(issuer, serial)) && !(await store.keyIsRevoked(spkiSha256));
}

/**
 * Renews the certificate that a connection has shown: the same names and profile, the lifetime it was issued for but not more than the
 * profile's, for the key of `csr`. It is the store that is asked, never a CRL: refuses with `renewal_refused` where the certificate or
 * its key is revoked, with `key_revoked` where the new key is.
 */
export async function renew(
  context: IssuanceContext,
  current: StoredCertificate,
  csr: string,
): Promise<Outcome<{ issued: IssuedCertificate }>> {
  if (!(await standsBy(context.store, current))) return refused((await reread(context, current)) ?? current);
  const { name, profile, sans, serial } = current;
  // No door issues these; nor can one be shown by a client, because of what it is for.
  if (profile === 'ocsp') return refuse('renewal_refused', "a responder's certificate is the authority's own");
  const proven = namesFor(profiles[profile], name, sans);
  if (!proven.ok) return proven;
  return issue(context, proven.names, {
    name,
    profile,
    sans,
    csr,
    mustStaple: parseCertificate(current.der).mustStaple,
    lifetimeSeconds: Math.min(current.lifetimeSeconds, profiles[profile].lifetimeSeconds),
    actor: { kind: 'holder', name, serial },
    action: 'certificate.renewed',
    admit: async (tx) => ((await standsBy(tx, current)) ? { ok: true } : refused(current)),
  });
}

function reread(context: IssuanceContext, certificate: StoredCertificate): Promise<StoredCertificate | undefined> {
  return context.store.certificate(certificate.issuer, certificate.serial);
}
