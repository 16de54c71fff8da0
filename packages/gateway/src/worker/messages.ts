import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { StatusQuestionData, TrustUpdate } from '@countersign/trust';

/** A server certificate with its key, as PEM, under the id of its source in the configuration. */
export interface ServerCertificate {
  readonly id: string;
  readonly cert: string;
  readonly key: string;
}

/** An OCSP response to be stapled. */
export interface StapleData {
  /** SHA-256 of the certificate, hex. */
  readonly certificate: string;
  /** Undefined: there is none any more. */
  readonly der: Uint8Array | undefined;
  /** From when on it must not be shown, milliseconds since the epoch. */
  readonly freshUntil: number;
}

/** What the primary tells a worker: `setup`, then the trust there is, then `prepared`, then `listen` for each listener. */
export type ToWorker =
  | {
      readonly type: 'setup';
      /** The configuration as written; the worker compiles it as the primary did. */
      readonly config: unknown;
      readonly baseDir: string;
      readonly ticketKeys: Uint8Array;
      readonly certificates: readonly ServerCertificate[];
      readonly intermediates: readonly Uint8Array[];
      readonly staples: readonly StapleData[];
    }
  /** Everything that it has to know before it accepts has been said. */
  | { readonly type: 'prepared' }
  /** Comes with the bound socket. */
  | { readonly type: 'listen'; readonly listener: string }
  | { readonly type: 'ticketKeys'; readonly keys: Uint8Array }
  | { readonly type: 'certificate'; readonly certificate: ServerCertificate }
  | { readonly type: 'staple'; readonly staple: StapleData }
  /** Applied in order; the worker answers `applied` with the same number. */
  | { readonly type: 'trust'; readonly sequence: number; readonly update: TrustUpdate }
  | { readonly type: 'intermediates'; readonly certificates: readonly Uint8Array[] }
  | { readonly type: 'answer'; readonly query: number; readonly certificates: readonly Uint8Array[] }
  /** Whatever could be had about the certificates of a `status` query has been told before this. */
  | { readonly type: 'statusTold'; readonly query: number }
  | { readonly type: 'metrics'; readonly query: number }
  /** Other rules, to judge the live connections of a worker by that is about to be replaced. */
  | { readonly type: 'policies'; readonly config: unknown; readonly baseDir: string }
  /** Stop accepting, serve what is accepted, and end; at the latest after `withinMs`. */
  | { readonly type: 'drain'; readonly withinMs: number };

/** What a worker tells the primary. */
export type FromWorker =
  | { readonly type: 'prepared' }
  | { readonly type: 'listening'; readonly listener: string }
  /** It cannot go on: one line for the operator. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'applied'; readonly sequence: number }
  /** Intermediates of a path that was verified in a full handshake and that the worker did not know. */
  | { readonly type: 'intermediates'; readonly certificates: readonly Uint8Array[] }
  /** A resumed session's leaf has no path here: does anybody know its issuers? */
  | { readonly type: 'query'; readonly query: number; readonly leaf: Uint8Array }
  /** A connection waits for the status of certificates. */
  | {
      readonly type: 'status';
      readonly query: number;
      readonly bundle: string;
      readonly questions: readonly StatusQuestionData[];
    }
  /** The connection is gone. */
  | { readonly type: 'statusLeft'; readonly query: number }
  /** What is known of certificates in use will not be current for ever; nobody waits. */
  | { readonly type: 'statusDue'; readonly bundle: string; readonly questions: readonly StatusQuestionData[] }
  /** Nobody does: full handshakes are needed. */
  | { readonly type: 'renewTicketKeys' }
  | {
      readonly type: 'metrics';
      readonly query: number;
      readonly metrics: MetricObjectWithValues<MetricValue<string>>[];
    }
  /** The worker itself was asked to stop (SIGTERM): the primary decides in what order. */
  | { readonly type: 'terminating' };
