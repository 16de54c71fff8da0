import { nameToString, parseCertificate } from '@countersign/pki';
import type { ProfileName } from '@countersign/protocol';
import type { Granted } from '../approval/answer.ts';
import { admitBy } from '../approval/basis.ts';
import { sha256Hex } from '../ca.ts';
import { issue } from '../issue.ts';
import type { NameSet } from '../names.ts';
import { nameSet } from '../names.ts';
import { refuse } from '../outcome.ts';
import type { Outcome, Refused } from '../outcome.ts';
import type { StoredCertificate } from '../ports.ts';
import { namesFor, profiles } from '../profiles.ts';
import { renew } from '../renewal.ts';
import { redeemToken } from '../tokens.ts';
import type { TokenContext } from '../tokens.ts';
import { asksForSame, asksWithin } from './csr.ts';
import type { EstRequest } from './csr.ts';
import { factoryNames } from './factory.ts';
import type { FactoryCertificate } from './factory.ts';

/** By what somebody enrolls. */
export type EstCredential =
  | { readonly by: 'token'; readonly token: string }
  | {
      readonly by: 'certificate';
      readonly certificate: StoredCertificate;
      /** Why it is not renewed any more, unless that was asked for in time. */
      readonly tooLate?: Refused | undefined;
    }
  | { readonly by: 'factory'; readonly shown: FactoryCertificate };

/** What is asked for. */
export interface EstWish {
  readonly credential: EstCredential;
  readonly request: EstRequest;
  /** The profile that the label of the URL names; undefined where there is none. */
  readonly label: ProfileName | undefined;
  /** Whether it is simplereenroll: for exactly the names of the certificate that is shown. */
  readonly again: boolean;
  /** Makes the request that is certified in the place of the client's, when everything else about it is right. */
  readonly prepare?: (profile: ProfileName) => Promise<Outcome<{ csr: string }>>;
}

/** What a door holds against what the credentials grant; it says which request is certified. */
type Check = (profile: ProfileName, granted: NameSet) => Promise<Outcome<{ csr: string }>>;

/**
 * Enrollment over Secure Transport (RFC 7030, section 4.2): the credential proves the names and says the profile. A token gives what it
 * was made for, a certificate of ours its own names again, a factory's certificate what its rule says. The label of the URL chooses
 * nothing: it is held against the profile.
 */
export async function enrollByEst(
  context: TokenContext,
  { credential, request, label, again, prepare }: EstWish,
): Promise<Outcome<Granted>> {
  const check: Check = async (profile, granted) => {
    if (label !== undefined && label !== profile)
      return refuse('forbidden', `these credentials are for profile ${profile}, not for ${label}`);
    const within = asksWithin(request, granted);
    if (!within.ok) return within;
    return prepare === undefined ? { ok: true, csr: request.pem } : prepare(profile);
  };
  if (again && credential.by !== 'certificate')
    return refuse('no_credentials', 're-enrollment needs the certificate that is to be renewed, on this connection');
  switch (credential.by) {
    case 'token':
      return redeemToken(context, credential.token, request.pem, { door: 'est', check });
    case 'certificate':
      return byCertificate(context, credential, again ? sameAs(credential.certificate) : check);
    case 'factory':
      return byFactory(context, credential.shown, check);
  }

  function sameAs({ der, sans }: StoredCertificate): Check {
    return async (profile, granted) => {
      const same = asksForSame(request, nameToString(parseCertificate(der).subject), nameSet(sans));
      const within = await check(profile, granted);
      return within.ok && !same.ok ? same : within;
    };
  }
}

/** A certificate of ours proves its own names, and nothing of another profile. */
async function byCertificate(
  context: TokenContext,
  { certificate, tooLate }: EstCredential & { readonly by: 'certificate' },
  check: Check,
): Promise<Outcome<Granted>> {
  const { profile, name, sans } = certificate;
  if (profile === 'ocsp') return refuse('renewal_refused', "a responder's certificate is the authority's own");
  const own = namesFor(profiles[profile], name, sans);
  const checked = own.ok ? await check(profile, own.names) : own;
  return checked.ok ? renew(context, certificate, checked.csr, { door: 'est', tooLate }) : checked;
}

async function byFactory(context: TokenContext, shown: FactoryCertificate, check: Check): Promise<Outcome<Granted>> {
  const { profile, factory } = shown.rule;
  const told = factoryNames(shown);
  if (!told.ok) return told;
  const { name, sans } = told;
  const proven = namesFor(profiles[profile], name, sans);
  if (!proven.ok) return proven;
  const checked = await check(profile, proven.names);
  if (!checked.ok) return checked;
  const basis = { by: 'factory', name } as const;
  return issue(context, proven.names, {
    name,
    profile,
    sans,
    csr: checked.csr,
    actor: { kind: 'factory', name: factory, serial: shown.certificate.serialHex },
    action: 'certificate.issued',
    admit: admitBy(basis),
    approval: { door: 'est', owner: `factory:${sha256Hex(shown.certificate.der)}`, basis },
  });
}
