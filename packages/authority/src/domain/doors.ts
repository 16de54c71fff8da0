import type { IssuedCertificate, ProfileName, San } from '@countersign/protocol';
import type { AuditActor } from '@countersign/protocol';
import type { Granted } from './approval/answer.ts';
import { admitBy } from './approval/basis.ts';
import { issue } from './issue.ts';
import type { IssuanceContext } from './issue.ts';
import { nameSet, parseTypedName } from './names.ts';
import type { NameSet, TypedName } from './names.ts';
import { refuse } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { StoredCertificate } from './ports.ts';
import { namesFor, profiles } from './profiles.ts';
import type { ValidityRequest } from './validity.ts';

/** What POST /v1/certificates asks for. */
export interface DirectRequest extends ValidityRequest {
  readonly name: string;
  readonly profile: ProfileName;
  readonly sans: readonly San[];
  readonly csr: string;
  readonly mustStaple?: boolean | undefined;
}

/** An administrator vouches for the names of the request itself, and for nothing that only the CSR asks for. */
export async function issueForAdmin(
  context: IssuanceContext,
  request: DirectRequest,
  actor: AuditActor,
): Promise<Outcome<{ issued: IssuedCertificate }>> {
  const proven = namesFor(profiles[request.profile], request.name, request.sans);
  if (!proven.ok) return proven;
  return issue(context, proven.names, { ...request, actor, action: 'certificate.issued', approval: 'given' });
}

/** What a gateway's own certificate proves: its subjectAltNames, each also as a common name, and its own name. */
function provenByGateway(gateway: StoredCertificate): NameSet {
  const names: TypedName[] = gateway.sans.map(({ type, value }) => ({ type, value }));
  const commonNames = [gateway.name, ...gateway.sans.map(({ value }) => value)];
  for (const text of commonNames) {
    const name = parseTypedName('cn', text);
    if (!('malformed' in name)) names.push(name);
  }
  return nameSet(names);
}

/** A gateway gets server certificates for its own names, with the profile's lifetime at most. */
export async function issueForGateway(
  context: IssuanceContext,
  request: DirectRequest,
  gateway: StoredCertificate,
): Promise<Outcome<Granted>> {
  if (request.profile !== 'server') return refuse('forbidden', 'a gateway gets certificates of profile server only');
  const { lifetimeSeconds = 0, notBefore, notAfter } = request;
  if (notBefore !== undefined || notAfter !== undefined || lifetimeSeconds > profiles.server.lifetimeSeconds) {
    return refuse('forbidden', "a gateway's certificates have the profile's lifetime at most");
  }
  const { name, serial, issuer } = gateway;
  const basis = { by: 'gateway', issuer, serial } as const;
  return issue(context, provenByGateway(gateway), {
    ...request,
    actor: { kind: 'gateway', name, serial },
    action: 'certificate.issued',
    admit: admitBy(basis),
    approval: { door: 'gateway', owner: gatewayOwner(gateway), basis },
  });
}

/** Whose a gateway's requests are: it renews its own certificate while they wait. */
function gatewayOwner({ name }: Pick<StoredCertificate, 'name'>): string {
  return `gateway:${name}`;
}

/** Whose requests whoever has this certificate may ask for. */
export function ownersOf(certificate: StoredCertificate): readonly string[] {
  const own = certificateOwner(certificate);
  return certificate.profile === 'gateway' ? [own, gatewayOwner(certificate)] : [own];
}

/** Whose the requests that came with a certificate of ours are. */
export function certificateOwner({ issuer, serial }: Pick<StoredCertificate, 'issuer' | 'serial'>): string {
  return `certificate:${issuer}:${serial}`;
}
