/** A CRL in use. */
export interface CrlFact {
  readonly bundle: string;
  readonly source: string;
  readonly kind: 'complete' | 'delta';
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch. */
  readonly nextUpdate: number;
  readonly entries: number;
  /** Its successor is overdue. */
  readonly isEnding: boolean;
}

/** A file or URL that CRLs come from. */
export interface CrlSourceFact {
  readonly bundle: string;
  readonly source: string;
  /** The last attempt went well. */
  readonly up: boolean;
  readonly failures: number;
}

/** The OCSP questions of one bundle. */
export interface OcspFact {
  readonly bundle: string;
  /** Answers that are kept. */
  readonly answers: number;
  readonly underWay: number;
  /** Responders that are left alone because they give no answers. */
  readonly resting: number;
  /** How many questions came to what, since the configuration was taken in. */
  readonly outcomes: readonly (readonly [string, number])[];
}
