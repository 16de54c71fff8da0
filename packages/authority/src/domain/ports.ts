import type {
  AuditAction,
  AuditActor,
  ProfileName,
  RecordedProfile,
  RevocationReason,
  San,
} from '@countersign/protocol';
import type { AcmeReader, AcmeWriter } from './acme/records.ts';
import type { RequestReader, RequestWriter } from './approval/records.ts';
import type { BlockReader, BlockWriter } from './blocks.ts';

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
  readonly revocation: Revocation | undefined;
}

/** That and why something was revoked. Times are milliseconds since the epoch. */
export interface Revocation {
  readonly reason: RevocationReason;
  readonly revokedAt: number;
  /** Since when the key is known or suspected to have been compromised (RFC 5280, section 5.3.2). */
  readonly invalidityDate?: number | undefined;
}

export type NewCertificate = Omit<StoredCertificate, 'id' | 'revocation'>;

/** What OCSP tells about a certificate. */
export type CertificateState = Pick<StoredCertificate, 'notAfter' | 'revocation'>;

/** A revoked certificate, as CRLs and snapshots list it. */
export interface StoredRevocation extends Revocation {
  readonly issuer: string;
  readonly serial: string;
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
  /** The request that waits for an administrator with it, and that it is good for alone. */
  readonly request: string | undefined;
}

/** A certificate of our own CAs. `id` is `root` or `issuing-N`, as in the names of its files and URLs. */
export interface StoredCa {
  readonly id: string;
  /** SHA-256 of its SubjectPublicKeyInfo. */
  readonly keyHash: string;
  readonly der: Uint8Array;
  readonly createdAt: number;
  /** Into how many partitions its CRL is divided, for as long as it lives; of the root none. */
  readonly partitions: number;
  readonly revocation: Revocation | undefined;
}

/** What a CRL of a CA covers: one partition, everything, or what has changed since a full CRL. */
export type CrlScope = number | 'full' | 'delta';

/** A CRL in force, without its octets. */
export interface StoredCrl {
  readonly issuer: string;
  readonly scope: CrlScope;
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly entries: number;
  /** How long its encoding is. */
  readonly bytes: number;
  /** The last event of the feed that it shows. */
  readonly seq: number;
  /** How many of the scope's changes it shows: see `CrlSequence`. */
  readonly shown: number;
  /** Of a delta: the full CRL whose holders can use it. */
  readonly base?: CrlBase;
}

/** The full CRL that a delta goes on from. */
export interface CrlBase {
  readonly number: number;
  readonly seq: number;
  /** Its thisUpdate. */
  readonly at: number;
}

/** The numbers of a scope's CRLs; full and delta CRLs have one sequence (RFC 5280, section 5.2.3). */
export interface CrlSequence {
  readonly scope: number | 'full';
  /** The last that was given out. */
  readonly number: number;
  /** How many changes there have been that a CRL of this scope has to show. */
  readonly changes: number;
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
export type RevocationChange = StoredFeedChange & { readonly type: 'revoked' | 'released' };

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
  /** Up to here a restore may have lost numbers of CRLs: those in force are above. */
  readonly crlNumbersFrom: number;
}

export interface CertificateFilter {
  readonly name?: string | undefined;
  readonly status?: 'valid' | 'revoked' | 'held' | 'expired' | undefined;
  readonly afterId: number;
  readonly limit: number;
}

/** Questions to the store. */
export interface StoreReader extends AcmeReader, BlockReader, RequestReader {
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
  /** Revoked certificates of `issuer` and `partition` that end at `endsFrom` or later, by serial: the first `limit` behind `afterSerial`. */
  revocationsOf(
    issuer: string,
    partition: number,
    endsFrom: number,
    afterSerial: string,
    limit: number,
  ): Promise<StoredRevocation[]>;
  /** Revoked certificates that end at `endsFrom` or later, by issuer, then serial, beginning behind `after`. */
  revocationsAfter(
    after: Pick<StoredRevocation, 'issuer' | 'serial'> | undefined,
    endsFrom: number,
    limit: number,
  ): Promise<StoredRevocation[]>;
  token(hash: string): Promise<StoredToken | undefined>;
  changesAfter(seq: number, limit: number): Promise<StoredFeedChange[]>;
  cas(): Promise<StoredCa[]>;
  /** What was revoked and released of `issuer` after the event `seq`, in that order. */
  revocationChanges(issuer: string, afterSeq: number, limit: number): Promise<RevocationChange[]>;
  crl(issuer: string, scope: CrlScope): Promise<StoredCrl | undefined>;
  /** Every CRL in force of `issuer`. */
  crls(issuer: string): Promise<StoredCrl[]>;
  /** A part of a CRL's encoding; undefined where there is none, or no more. */
  crlPiece(issuer: string, scope: CrlScope, number: number, piece: number): Promise<Uint8Array | undefined>;
  crlSequences(issuer: string): Promise<CrlSequence[]>;
  /** How many changes there have been that a CRL of the scope has to show. */
  crlChanges(issuer: string, scope: number | 'full'): Promise<number>;
  /** The bases of URLs that certificates of `issuer` name, newest first. */
  crlBases(issuer: string): Promise<string[]>;
  auditTail(): Promise<{ seq: number; hash: string } | undefined>;
  auditAfter(seq: number, limit: number): Promise<StoredAudit[]>;
}

/** Changes, within one transaction. */
export interface StoreWriter extends StoreReader, AcmeWriter, BlockWriter, RequestWriter {
  addCertificate(certificate: NewCertificate): Promise<void>;
  revokeCertificate(id: number, revocation: Revocation): Promise<void>;
  releaseCertificate(id: number): Promise<void>;
  addToken(token: Omit<StoredToken, 'usedAt' | 'revokedAt' | 'request'>): Promise<void>;
  /** Uses the token up; false when it was used, revoked or has expired already, or is bound to another request than `request`. */
  useToken(hash: string, at: number, serial: string | undefined, request?: string): Promise<boolean>;
  /** Binds the token to a request that waits; false when it is bound, used, revoked or has expired already. */
  bindToken(hash: string, at: number, request: string): Promise<boolean>;
  /** Closes the open tokens of `name`, and those that wait with a request; how many there were. */
  revokeTokens(name: string, at: number): Promise<number>;
  /** Adds to the feed; its place there, which is commit order. */
  addChange(change: FeedChange, at: number): Promise<number>;
  addCa(ca: Omit<StoredCa, 'revocation'>): Promise<void>;
  revokeCa(id: string, revocation: Revocation): Promise<void>;
  setGeneration(generation: number): Promise<void>;
  /** A new history begins: see StoreState. CRL numbers go on from `crlNumbersFrom` at least. */
  beginEpoch(epoch: string, crlNumbersFrom: number): Promise<void>;
  /** Counts a change that the next CRL of this scope has to show. */
  countCrlChange(issuer: string, scope: number | 'full'): Promise<void>;
  /** Takes the next number of a sequence: above any that was ever given out, those that a restore may have lost included. */
  nextCrlNumber(issuer: string, scope: number | 'full'): Promise<number>;
  addCrlPiece(issuer: string, scope: CrlScope, number: number, piece: number, der: Uint8Array): Promise<void>;
  /** Puts a CRL in force whose pieces are there, unless one with a higher number is; what nobody can read any more is removed, or after a long one left to `dropCrlPieces`. */
  saveCrl(crl: StoredCrl): Promise<boolean>;
  /** Removes at most `limit` pieces of lists that nobody can read any more; how many there were. To remove a long one at once keeps everybody waiting. */
  dropCrlPieces(issuer: string, scope: CrlScope, limit: number): Promise<number>;
  /** Remembers a base of URLs; false when it was known. */
  addCrlBase(issuer: string, base: string, since: number): Promise<boolean>;
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
  /** Several questions about one and the same moment, or very many: writes go on meanwhile, and everybody else has a turn between two of them. */
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
