/** A parser under attack. */
export interface FuzzTarget {
  readonly name: string;
  readonly form: 'der' | 'text';
  /** Inputs to start from, good ones and bad ones. */
  readonly seeds: () => readonly Uint8Array[];
  /** Parses, and looks at everything that the result offers. */
  readonly run: (bytes: Uint8Array) => unknown;
  /** Whether an error is one of those that the parser promises. */
  readonly expected: (error: unknown) => boolean;
  /** Asks somebody else; tells what they see differently, where both accept. */
  readonly compare?: (bytes: Uint8Array, parsed: unknown) => Promise<string | undefined> | string | undefined;
  /** Every how many accepted inputs `compare` is asked. */
  readonly compareEvery?: number;
}

/** A module with targets exports this. */
export interface TargetModule {
  readonly targets: readonly FuzzTarget[];
}

export interface Finding {
  /**
   * - `throw`: an error that the parser does not promise
   * - `slow`, `hang`: more time than the size of the input allows, or no end
   * - `memory`, `crash`: more memory than that, or the end of the whole thread
   * - `different`: somebody else reads it differently
   */
  readonly kind: 'throw' | 'slow' | 'hang' | 'memory' | 'crash' | 'different';
  readonly detail: string;
  readonly input: Uint8Array;
}

export interface FuzzReport {
  readonly target: string;
  readonly seed: number;
  readonly seeds: number;
  readonly iterations: number;
  readonly accepted: number;
  readonly compared: number;
  /** Different ways in which inputs were refused or accepted: how far the mutations have come. */
  readonly behaviours: number;
  readonly findings: readonly Finding[];
}
