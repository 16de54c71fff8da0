import type {
  AuditAction,
  AuditActor,
  ProfileName,
  RecordedProfile,
  RevocationReason,
  San,
} from '@countersign/protocol';
import type { AcmeReader, AcmeWriter } from './acme/records.ts';

/** Milliseconds since the epoch (UTC). */
export type Clock = () => number;

/** Octets nobody can guess. */
export type Random = (length: number) => Uint8Array;

/** A certificate that was issued. Times are milliseconds since the epoch; digests are lower-case hex. */
export interface StoredCertificate {
  /** Place in the order of issuance. */
  readonly id: number;
  /** SHA-256 of the issuing CA's SubjectPublicKeyInfo. */
  readonly issuer: string;
  readonly serial: string;
  readonly name: string;
  readonly profile: RecordedProfile;
  readonly sans: readonly San[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly lifetimeSeconds: number;
  readonly issuedAt: number;
  readonly spkiSha256: string;
  readonly fingerprintSha256: string;
  /** Which partition of its issuer's CRL it is named in. */
  readonly partition: number;
  readonly der: Uint8Array;
  readonly revocation: { readonly reason: RevocationReason; readonly revokedAt: number } | undefined;
}

export type NewCertificate = Omit<StoredCertificate, 'id' | 'revocation'>;

/** What OCSP tells about a certificate. */
export type CertificateState = Pick<StoredCertificate, 'notAfter' | 'revocation'>;

/** A revoked certificate, as CRLs and snapshots list it. */
export interface StoredRevocation {
  readonly issuer: string;
  readonly serial: string;
  readonly reason: RevocationReason;
  readonly revokedAt: number;
  readonly notAfter: number;
}

/** An enrollment token. Only the hash of the token itself is kept. */
export interface StoredToken {
  readonly hash: string;
  readonly name: string;
  readonly profile: ProfileName;
  readonly sans: readonly San[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usedAt: number | undefined;
  readonly revokedAt: number | undefined;
}

/** A certificate of our own CAs. `id` is `root` or `issuing-N`, as in the names of its files and URLs. */
export interface StoredCa {
  readonly id: string;
  /** SHA-256 of its SubjectPublicKeyInfo. */
  readonly keyHash: string;
  readonly der: Uint8Array;
  readonly createdAt: number;
}

export interface StoredCrl {
  readonly issuer: string;
  readonly partition: number;
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly entries: number;
  readonly der: Uint8Array;
}

/** What the feed tells, before it has its cursor. */
export type FeedChange =
  | ({
      readonly type: 'revoked';
      /** The reason that it had before, where a hold became final. */
      readonly replaces?: RevocationReason | undefined;
    } & StoredRevocation)
  | ({ readonly type: 'released' } & StoredRevocation)
  | { readonly type: 'bundle'; readonly generation: number };

export type StoredFeedChange = FeedChange & { readonly seq: number };

export interface StoredAudit {
  readonly seq: number;
  readonly at: number;
  readonly action: AuditAction;
  readonly actor: AuditActor;
  readonly details: AuditDetails;
  readonly previousHash: string;
  readonly hash: string;
}

export type AuditDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What this store is: its epoch changes when a backup is restored, its generation with every change of the bundle. */
export interface StoreState {
  readonly epoch: string;
  readonly generation: number;
  /** The last event of the feed, in commit order. */
  readonly seq: number;
}

export interface CertificateFilter {
  readonly name?: string | undefined;
  readonly status?: 'valid' | 'revoked' | 'held' | 'expired' | undefined;
  readonly afterId: number;
  readonly limit: number;
}

/** Questions to the store. */
export interface StoreReader extends AcmeReader {
  state(): Promise<StoreState>;
  certificate(issuer: string, serial: string): Promise<StoredCertificate | undefined>;
  certificatesBySerial(serial: string): Promise<StoredCertificate[]>;
  certificateState(issuer: string, serial: string): Promise<CertificateState | undefined>;
  /** Those below `beforeId` that end at `endsFrom` or later, the newest first. */
  certificateStates(
    beforeId: number,
    endsFrom: number,
    limit: number,
  ): Promise<(CertificateState & Pick<StoredCertificate, 'id' | 'issuer' | 'serial'>)[]>;
  /** Those of `name` that have not expired at `now`. */
  certificatesByName(name: string, now: number): Promise<StoredCertificate[]>;
  nameIsKnown(name: string): Promise<boolean>;
  listCertificates(filter: CertificateFilter, now: number): Promise<StoredCertificate[]>;
  countCertificates(now: number): Promise<{ total: number; valid: number; revoked: number }>;
  /** Whether the key is in a certificate that is revoked or on hold. */
  keyIsRevoked(spkiSha256: string): Promise<boolean>;
  isRevoked(issuer: string, serial: string): Promise<boolean>;
  /** Revoked certificates of `issuer` and `partition` that end at `endsFrom` or later, by serial. */
  revocationsOf(issuer: string, partition: number, endsFrom: number): Promise<StoredRevocation[]>;
  /** Revoked certificates that end at `endsFrom` or later, by issuer, then serial, beginning behind `after`. */
  revocationsAfter(
    after: Pick<StoredRevocation, 'issuer' | 'serial'> | undefined,
    endsFrom: number,
    limit: number,
  ): Promise<StoredRevocation[]>;
  token(hash: string): Promise<StoredToken | undefined>;
  changesAfter(seq: number, limit: number): Promise<StoredFeedChange[]>;
  cas(): Promise<StoredCa[]>;
  crl(issuer: string, partition: number): Promise<StoredCrl | undefined>;
  /** The last number of any CRL of `issuer` and `partition`, those that a restore may have lost included; 0 before the first. */
  lastCrlNumber(issuer: string, partition: number): Promise<number>;
  auditTail(): Promise<{ seq: number; hash: string } | undefined>;
  auditAfter(seq: number, limit: number): Promise<StoredAudit[]>;
}

/** Changes, within one transaction. */
export interface StoreWriter extends StoreReader, AcmeWriter {
  addCertificate(certificate: NewCertificate): Promise<void>;
  revokeCertificate(id: number, reason: RevocationReason, revokedAt: number): Promise<void>;
  releaseCertificate(id: number): Promise<void>;
  addToken(token: Omit<StoredToken, 'usedAt' | 'revokedAt'>): Promise<void>;
  /** Uses the token up; false when it was used, revoked or has expired already. */
  useToken(hash: string, at: number, serial: string): Promise<boolean>;
  /** Closes the open tokens of `name`; how many there were. */
  revokeTokens(name: string, at: number): Promise<number>;
  /** Adds to the feed; its place there, which is commit order. */
  addChange(change: FeedChange, at: number): Promise<number>;
  addCa(ca: StoredCa): Promise<void>;
  setGeneration(generation: number): Promise<void>;
  /** A new history begins: see StoreState. CRL numbers go on from `crlNumbersFrom` at least. */
  beginEpoch(epoch: string, crlNumbersFrom: number): Promise<void>;
  saveCrl(crl: StoredCrl): Promise<void>;
  addAudit(record: StoredAudit): Promise<void>;
  /** Forgets changes made before `before`, and all but the last `most`; never the last one. How many there were. */
  pruneChanges(before: number, most: number): Promise<number>;
  /** Forgets tokens that had expired before `before`. How many there were. */
  pruneTokens(before: number): Promise<number>;
}

/**
 * Where everything is kept. Asynchronous throughout, so that a database in another process can stand behind it.
 *
 * `write` runs its work in one transaction and resolves after that is durable. Work that resolves to a refusal (`ok: false`) or
 * rejects leaves no trace.
 */
export interface Store extends StoreReader {
  /** Whether other nodes may have it open too. */
  readonly shared: boolean;
  write<T>(work: (tx: StoreWriter) => Promise<T>): Promise<T>;
  /** Several questions about one and the same moment. */
  view<T>(work: (tx: StoreReader) => Promise<T>): Promise<T>;
  /** Calls back after every durable write that changed the feed; the function that is returned ends that. */
  onChange(listener: () => void): () => void;
  /** The way to the other nodes, where the store is shared by several. */
  readonly channel?: NodeChannel | undefined;
  close(): Promise<void>;
}

/** Carries what nodes say to each other: to all that listen at that moment, itself included. */
export interface NodeChannel {
  /** Up to 7,000 octets. */
  send(text: string): Promise<void>;
  onMessage(listener: (text: string) => void): () => void;
  /** Whether the others are heard now. */
  connected(): boolean;
}

/** Calls back after `ms` milliseconds, once; the function that is returned calls it off. */
export type After = (ms: number, callback: () => void) => () => void;
