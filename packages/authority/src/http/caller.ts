import type { TLSSocket } from 'node:tls';
import { equalOctets, parseCertificate } from '@countersign/pki';
import type { AuditActor, Principal } from '@countersign/protocol';
import { anchorOf, judge, nodeCrypto, TrustState } from '@countersign/trust';
import type { Verdict, VerdictCode } from '@countersign/trust';
import type { AdministratorScope, AdministratorScopes } from '../domain/administrators.ts';
import { ruleOf } from '../domain/approval/rules.ts';
import type { ProfileRules } from '../domain/approval/rules.ts';
import { certificateOwner } from '../domain/doors.ts';
import { refuse } from '../domain/outcome.ts';
import type { Refused } from '../domain/outcome.ts';
import { issuersOf } from '../domain/ca.ts';
import type { CaSet } from '../domain/ca.ts';
import type { Clock, Store, StoredCertificate } from '../domain/ports.ts';

/** Who calls. */
export type Caller =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'certificate';
      readonly certificate: StoredCertificate;
      /** Why it is not renewed any more; it has asked for that before, and is told what came of it. */
      readonly tooLate?: Refused | undefined;
      /** Of an administrator who has bounds: he makes tokens within them, and nothing else. */
      readonly scope?: AdministratorScope | undefined;
    }
  | { readonly kind: 'none' };

/** A certificate that does not count: never taken for none. */
export interface RefusedCaller {
  readonly kind: 'refused';
  readonly code: VerdictCode;
  readonly detail: string;
}

/** Profiles that are principals of their own. Servers and peers may listen to the feed: they judge their clients by it. */
const PRINCIPAL_PROFILES = ['admin', 'gateway', 'server', 'peer'] as const satisfies readonly Principal[];

/** As which principals somebody may call. */
export function principalsOf(caller: Caller): ReadonlySet<Principal> {
  if (caller.kind === 'local') return new Set(['admin', 'anyone', 'token']);
  if (caller.kind === 'none') return new Set(['anyone', 'token']);
  const { profile } = caller.certificate;
  const isBound = caller.scope !== undefined;
  const own = isBound ? (['registrar'] as const) : PRINCIPAL_PROFILES.filter((principal) => principal === profile);
  return new Set<Principal>(['anyone', 'token', 'holder', ...own]);
}

/** Who it was, for the audit log. */
export function actorOf(caller: Caller): AuditActor {
  if (caller.kind !== 'certificate') return { kind: 'local' };
  const { name, serial, profile } = caller.certificate;
  return { kind: profile === 'admin' || profile === 'gateway' ? profile : 'holder', name, serial };
}

/** The bounds of an administrator who has some. */
export function scopeOf(caller: Caller): AdministratorScope | undefined {
  return caller.kind === 'certificate' ? caller.scope : undefined;
}

const policy = { id: 'api', bundles: ['own'] };
/** A server has no certificate to be a client with, and shows the one that it is to renew. */
const serverPolicy = { id: 'api-server', bundles: ['own'], purpose: 'server' } as const;

/** A trust state of our own CAs and nothing else. Revocation is not asked here: the store knows it better than any index. */
function trustIn(cas: CaSet): TrustState {
  const state = new TrustState({ crypto: nodeCrypto });
  const intermediates = issuersOf(cas).map(({ certificate }) => certificate);
  state.setBundle({ name: 'own', anchors: [anchorOf(cas.root.certificate)], intermediates, own: true });
  return state;
}

/**
 * Knows who stands behind each connection. What the peer has shown is read once, when the handshake ends; whether it counts is judged
 * at every request: by the same verdict as everywhere, then by the store, for only octets that this authority itself has issued and
 * still stands by are anybody's.
 */
export class Callers {
  readonly #shown = new WeakMap<TLSSocket, Uint8Array | undefined>();
  /** What the store has of it, once it was asked: of that only the state can change. */
  readonly #known = new WeakMap<TLSSocket, StoredCertificate>();
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #cas: () => CaSet;
  readonly #rules: ProfileRules;
  readonly #scopes: AdministratorScopes;
  #trust: { readonly cas: CaSet; readonly state: TrustState } | undefined;

  constructor(
    store: Store,
    clock: Clock,
    cas: () => CaSet,
    rules: ProfileRules = {},
    scopes: AdministratorScopes = new Map(),
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#cas = cas;
    this.#rules = rules;
    this.#scopes = scopes;
  }

  /** To be called at the end of each handshake. */
  remember(socket: TLSSocket): void {
    this.#shown.set(socket, socket.getPeerX509Certificate()?.raw);
  }

  /** The certificate that a connection has shown, whatever it is worth. */
  leafOn(socket: TLSSocket): Uint8Array | undefined {
    return this.#shown.get(socket);
  }

  /**
   * Who calls on a connection now. `renews`: it is about the renewal of this very certificate, which a profile may allow for a while after
   * its end, and answers for longer where that was asked for in time and waits; for everything else an expired certificate is nobody's.
   */
  async callerOn(socket: TLSSocket, renews = false): Promise<Caller | RefusedCaller> {
    const leaf = this.#shown.get(socket);
    if (leaf === undefined) return { kind: 'none' };
    const now = this.#clock();
    const today = this.#judge(leaf, now);
    const lateRenewal = renews && !today.ok && today.code === 'expired';
    // When it ended everything else has to have been right with it.
    const at = lateRenewal ? Math.min(parseCertificate(leaf).notAfter, now) : now;
    const verdict = lateRenewal ? this.#judge(leaf, at) : today;
    if (!verdict.ok) return refused(verdict.code, verdict.detail);
    const certificate = await this.#stored(socket, leaf, verdict.identity);
    if (certificate === undefined) {
      return refused('untrusted_issuer', 'the store does not know it: a backup from before it was issued was restored');
    }
    if (certificate.revocation !== undefined)
      return refused('revoked', `it was revoked (${certificate.revocation.reason})`);
    const scope = certificate.profile === 'admin' ? this.#scopes.get(certificate.name) : undefined;
    if (!lateRenewal || this.#isWithinGrace(certificate, now)) return { kind: 'certificate', certificate, scope };
    const why = `it ended at ${new Date(certificate.notAfter).toISOString()}, too long ago to be renewed`;
    const mayWait = this.#isOfStandingCa(certificate) && (await this.#hasAsked(certificate));
    return mayWait
      ? { kind: 'certificate', certificate, scope, tooLate: refuse('renewal_refused', why) }
      : refused('expired', why);
  }

  /** What the store has of a certificate now, where it has these very octets. */
  async #stored(
    socket: TLSSocket,
    leaf: Uint8Array,
    { issuerKeyHash, serialHex }: { readonly issuerKeyHash: string; readonly serialHex: string },
  ): Promise<StoredCertificate | undefined> {
    const known = this.#known.get(socket);
    if (known !== undefined) {
      const state = await this.#store.certificateState(issuerKeyHash, serialHex);
      return state && { ...known, ...state };
    }
    const certificate = await this.#store.certificate(issuerKeyHash, serialHex);
    if (certificate === undefined || !equalOctets(certificate.der, leaf)) return undefined;
    this.#known.set(socket, certificate);
    return certificate;
  }

  #judge(leaf: Uint8Array, now: number): Verdict {
    const peer = { presented: [leaf], resumed: false };
    const asClient = judge(peer, policy, this.#trustNow(), now);
    const forServers = !asClient.ok && asClient.code === 'wrong_usage';
    return forServers ? judge(peer, serverPolicy, this.#trustNow(), now) : asClient;
  }

  #isWithinGrace(certificate: StoredCertificate, now: number): boolean {
    const { profile, notAfter } = certificate;
    if (profile === 'ocsp') return false;
    const { renewalGraceSeconds } = ruleOf(this.#rules, profile);
    return this.#isOfStandingCa(certificate) && now <= notAfter + renewalGraceSeconds * 1000;
  }

  #isOfStandingCa({ issuer }: StoredCertificate): boolean {
    return issuersOf(this.#cas()).find(({ keyHash }) => keyHash === issuer)?.revoked === false;
  }

  async #hasAsked(certificate: StoredCertificate): Promise<boolean> {
    return (await this.#store.countRequestsOf(certificateOwner(certificate))) > 0;
  }

  #trustNow(): TrustState {
    const cas = this.#cas();
    if (this.#trust?.cas !== cas) this.#trust = { cas, state: trustIn(cas) };
    return this.#trust.state;
  }
}

function refused(code: VerdictCode, detail: string): RefusedCaller {
  return { kind: 'refused', code, detail };
}
