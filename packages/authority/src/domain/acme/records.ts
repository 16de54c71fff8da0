import type { ProfileName } from '@countersign/protocol';
import type { AcmeProblem, Identifier } from './problem.ts';

// What is kept of ACME. Times are milliseconds since the epoch. Ids are unguessable, and are nobody's secret.

/** An account (RFC 8555, section 7.1.2). */
export interface AcmeAccount {
  readonly id: string;
  readonly status: 'valid' | 'deactivated';
  /** Of its key; no two accounts have the same. */
  readonly thumbprint: string;
  readonly jwk: string;
  readonly contact: readonly string[];
  readonly termsAgreed: boolean;
  /** The external account key that it was bound with. */
  readonly eab: string | undefined;
  readonly createdAt: number;
}

export const challengeTypes = ['http-01', 'dns-01', 'tls-alpn-01'] as const;
export type ChallengeType = (typeof challengeTypes)[number];

/** A way to prove an identifier (RFC 8555, section 7.1.5). */
export interface AcmeChallenge {
  readonly type: ChallengeType;
  readonly token: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  readonly validatedAt?: number;
  readonly error?: AcmeProblem;
}

/** Whether an identifier of an order is proven (RFC 8555, section 7.1.4). It belongs to its order alone. */
export interface AcmeAuthorization {
  /** Without the `*.` of a wildcard. */
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated';
  /** None where an administrator has vouched for the name with an external account key. */
  readonly challenges: readonly AcmeChallenge[];
}

/** A certificate, as orders name it. */
export interface CertificateId {
  readonly issuer: string;
  readonly serial: string;
}

/** An order with its authorizations (RFC 8555, section 7.1.3). */
export interface AcmeOrder {
  readonly id: string;
  readonly account: string;
  /** Counts its changes: what was changed in between is not overwritten. */
  readonly version: number;
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly createdAt: number;
  readonly expiresAt: number;
  /** From when on it is collected. */
  readonly keepUntil: number;
  readonly profile: ProfileName;
  /** Whether the client named the profile: only then the order tells it. */
  readonly profileNamed: boolean;
  readonly notBefore?: number | undefined;
  readonly notAfter?: number | undefined;
  readonly authorizations: readonly AcmeAuthorization[];
  readonly error?: AcmeProblem | undefined;
  readonly replaces?: CertificateId | undefined;
  readonly certificate?: CertificateId | undefined;
  /** While it is processing: what waits for an administrator, and since when. */
  readonly request?: { readonly id: string; readonly since: number } | undefined;
  /** While a challenge is being validated: until when nobody else needs to take that up. */
  readonly leaseUntil?: number | undefined;
  /** Which node is at it. */
  readonly leaseBy?: string | undefined;
}

/** What an external account key allows its accounts. */
export interface EabPolicy {
  /** Names that may be ordered; absent: every one that a challenge proves. See `patterns.ts`. */
  readonly allowed?: readonly string[] | undefined;
  /** Names that an administrator vouches for: no challenge. */
  readonly preauthorized: readonly string[];
  readonly profile: ProfileName;
  /** How many accounts can be bound with it; absent: any number. */
  readonly accounts?: number | undefined;
}

/** An external account key (RFC 8555, section 7.3.4). */
export interface EabKey {
  /** Its `kid`. */
  readonly id: string;
  readonly name: string;
  /** The MAC key, sealed. */
  readonly sealed: Uint8Array;
  readonly policy: EabPolicy;
  readonly createdAt: number;
  /** Until when accounts can be bound with it. */
  readonly expiresAt: number;
}

/** Questions of ACME to the store. */
export interface AcmeReader {
  acmeAccount(id: string): Promise<AcmeAccount | undefined>;
  acmeAccountByKey(thumbprint: string): Promise<AcmeAccount | undefined>;
  acmeOrder(id: string): Promise<AcmeOrder | undefined>;
  /** Ids of an account's orders, oldest first, after the order `after`. */
  acmeOrdersOf(account: string, after: string | undefined, limit: number): Promise<string[]>;
  /** Orders that are neither valid nor invalid and have not expired at `now`. */
  acmeOpenOrders(account: string, now: number): Promise<number>;
  /** Orders of an account with this certificate, or with authorizations that still count at `now`. */
  acmeOrdersWithAuthority(account: string, now: number, limit: number): Promise<AcmeOrder[]>;
  acmeOrderOfCertificate(certificate: CertificateId): Promise<AcmeOrder | undefined>;
  /** Whether an order that is not invalid replaces the certificate. */
  acmeIsReplaced(certificate: CertificateId): Promise<boolean>;
  /** Orders with a challenge under validation whose lease has ended at `now`, or that `node` has. */
  acmeUnattended(now: number, node: string | undefined, limit: number): Promise<AcmeOrder[]>;
  eabKey(id: string): Promise<EabKey | undefined>;
  eabKeys(): Promise<EabKey[]>;
  acmeAccountsBound(eab: string): Promise<number>;
}

/** Changes of ACME, within one transaction. */
export interface AcmeWriter {
  /** False where another account has the key. */
  addAcmeAccount(account: AcmeAccount): Promise<boolean>;
  /** False where another account has the key. */
  changeAcmeAccount(account: AcmeAccount): Promise<boolean>;
  addAcmeOrder(order: AcmeOrder): Promise<void>;
  /**
   * Puts an order in the place of the one with the version before; false where that has been changed. Whose it is, when it was placed
   * and what it replaces stays.
   */
  changeAcmeOrder(order: AcmeOrder): Promise<boolean>;
  addEabKey(key: EabKey): Promise<void>;
  /** False where there is none. */
  removeEabKey(id: string): Promise<boolean>;
  /** Those of `nonces` that nobody has claimed before. */
  claimAcmeNonces(nonces: readonly string[], expiresAt: number): Promise<ReadonlySet<string>>;
  /** Removes what has had its time: orders past `keepUntil`, nonces past their expiry. How many orders. */
  collectAcme(now: number): Promise<number>;
}
