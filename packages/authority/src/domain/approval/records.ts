import type { AuditAction, AuditActor, ProfileName, RequestDoor, RequestStatus, San } from '@countersign/protocol';
import type { TypedName } from '../names.ts';
import type { Basis } from './basis.ts';

/** A request that waits, or waited, for an administrator. Times are milliseconds since the epoch. */
export interface StoredRequest {
  readonly id: string;
  readonly status: RequestStatus;
  readonly door: RequestDoor;
  /** Whose requests are counted together, and who is told what became of them: `token:HASH`, `certificate:ISSUER:SERIAL`, …. */
  readonly owner: string;
  /** Of what is asked for: the same owner asking for the same has one request. */
  readonly digest: string;
  readonly createdAt: number;
  /** Until when it can be approved. */
  readonly expiresAt: number;
  /** From when on it is forgotten. */
  readonly keepUntil: number;
  readonly name: string;
  readonly profile: ProfileName;
  readonly sans: readonly San[];
  /** The names that the door has proven. */
  readonly proven: readonly TypedName[];
  readonly csr: string;
  readonly spkiSha256: string;
  readonly notBefore?: number | undefined;
  readonly notAfter?: number | undefined;
  readonly lifetimeSeconds?: number | undefined;
  readonly mustStaple: boolean;
  readonly actor: AuditActor;
  readonly action: AuditAction & ('certificate.issued' | 'certificate.renewed');
  readonly basis: Basis;
  readonly decision?: Decision | undefined;
  /** What it got. */
  readonly certificate?: { readonly issuer: string; readonly serial: string } | undefined;
}

/** What an administrator has said. */
export interface Decision {
  readonly by: AuditActor;
  readonly at: number;
  /** Of a denial. */
  readonly reason?: string | undefined;
}

export interface RequestFilter {
  readonly status?: RequestStatus | undefined;
  /** The last of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Questions about requests. */
export interface RequestReader {
  request(id: string): Promise<StoredRequest | undefined>;
  requestOf(owner: string, digest: string): Promise<StoredRequest | undefined>;
  /** Oldest first. One that has expired and is not marked yet counts as expired. */
  listRequests(filter: RequestFilter, now: number): Promise<StoredRequest[]>;
  /** How many of an owner are kept, whatever became of them. */
  countRequestsOf(owner: string): Promise<number>;
  /** How many wait, expired ones that are not marked yet included. */
  countPendingRequests(): Promise<number>;
  /** Those that wait although their time is over, at most `limit`. */
  overdueRequests(now: number, limit: number): Promise<StoredRequest[]>;
}

/** Changes of requests, within one transaction. */
export interface RequestWriter {
  addRequest(request: StoredRequest): Promise<void>;
  /** Puts what was decided in the place of a request that waits; false where none waits. */
  settleRequest(request: StoredRequest): Promise<boolean>;
  removeRequest(id: string): Promise<void>;
  /** Forgets what has been kept long enough. How many there were. */
  pruneRequests(now: number): Promise<number>;
}
