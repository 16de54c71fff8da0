import type { ConfigProblem } from './errors.ts';

/** What the reading of one configuration gathers on its way. */
export interface Reading {
  /** Folder that relative paths start at. */
  readonly baseDir: string;
  readonly hasAuthority: boolean;
  readonly bundleNames: ReadonlySet<string>;
  readonly problems: ConfigProblem[];
  readonly warnings: string[];
  /** How often each key of a host was given. */
  readonly keys: Map<string, number>;
}
