import { parseCertificate, PkiError } from '@countersign/pki';
import type { AuditActor, Principal } from '@countersign/protocol';
import type { VerdictCode } from '@countersign/trust';
import type { TLSSocket } from 'node:tls';
import { profiles } from '../domain/profiles.ts';
import type { CaSet } from '../domain/ca.ts';
import type { Clock, Store, StoredCertificate } from '../domain/ports.ts';

/** Who calls. */
export type Caller =
  | { readonly kind: 'local' }
  | { readonly kind: 'certificate'; readonly certificate: StoredCertificate }
  | { readonly kind: 'none' };

/** A certificate that does not count: never taken for none. */
export interface RefusedCaller {
  readonly kind: 'refused';
  readonly code: VerdictCode;
  readonly detail: string;
}

/** As which principals somebody may call. */
export function principalsOf(caller: Caller): ReadonlySet<Principal> {
  if (caller.kind === 'local') return new Set(['admin', 'anyone', 'token']);
  if (caller.kind === 'none') return new Set(['anyone', 'token']);
  const { profile } = caller.certificate;
  const own: Principal[] = profile === 'admin' || profile === 'gateway' ? [profile] : [];
  return new Set<Principal>(['anyone', 'token', 'holder', ...own]);
}

/** Who it was, for the audit log. */
export function actorOf(caller: Caller): AuditActor {
  if (caller.kind !== 'certificate') return { kind: 'local' };
  const { name, serial, profile } = caller.certificate;
  return { kind: profile === 'admin' || profile === 'gateway' ? profile : 'holder', name, serial };
}

/**
 * Knows who stands behind each connection. What the peer has shown is read once, when the handshake ends; whether it counts is asked
 * at every request, of the store: only octets that this authority itself has issued and still stands by are anybody's.
 */
export class Callers {
  readonly #shown = new WeakMap<TLSSocket, Uint8Array | undefined>();
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #cas: () => CaSet;

  constructor(store: Store, clock: Clock, cas: () => CaSet) {
    this.#store = store;
    this.#clock = clock;
    this.#cas = cas;
  }

  /** To be called at the end of each handshake. */
  remember(socket: TLSSocket): void {
    this.#shown.set(socket, socket.getPeerX509Certificate()?.raw);
  }

  /** Who calls on a connection now. */
  async callerOn(socket: TLSSocket): Promise<Caller | RefusedCaller> {
    const leaf = this.#shown.get(socket);
    if (leaf === undefined) return { kind: 'none' };
    let serial: string;
    try {
      serial = parseCertificate(leaf).serialHex;
    } catch (error) {
      if (error instanceof PkiError) return refused('malformed_certificate', error.message);
      throw error;
    }
    const known = (await this.#store.certificatesBySerial(serial)).find(({ der }) => Buffer.from(der).equals(leaf));
    if (known === undefined) return refused('untrusted_issuer', 'this authority has not issued it');
    return this.#judge(known);
  }

  #judge(certificate: StoredCertificate): Caller | RefusedCaller {
    const now = this.#clock();
    const issuer = this.#cas().issuing.find(({ keyHash }) => keyHash === certificate.issuer);
    if (issuer === undefined || issuer.certificate.notAfter < now)
      return refused('expired', 'its issuing CA has ended');
    if (now < certificate.notBefore) return refused('not_yet_valid', 'it is not valid yet');
    if (certificate.notAfter < now) return refused('expired', 'it has expired');
    if (!profiles[certificate.profile].usages.includes('clientAuth')) {
      return refused('wrong_usage', `a certificate of profile ${certificate.profile} is for servers only`);
    }
    if (certificate.revocation !== undefined)
      return refused('revoked', `it was revoked (${certificate.revocation.reason})`);
    return { kind: 'certificate', certificate };
  }
}

function refused(code: VerdictCode, detail: string): RefusedCaller {
  return { kind: 'refused', code, detail };
}
