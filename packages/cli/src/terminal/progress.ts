// How far a long download is, for people who watch: one line of stderr that is written over and taken away at the end.
import type { FetchProgress } from '@countersign/trust';
import type { CliContext } from '../context.ts';

const width = 24;
const everyMs = 100;
/** What is there sooner than this needs no bar. */
const quietMs = 400;

/** A bar that shows itself on a terminal only, and only when the work takes its time. */
export interface ProgressBar {
  readonly update: FetchProgress;
  /** Takes it off the screen. */
  end(): void;
}

/**
 * Begins a bar.
 *
 * @example
 * const bar = progressBar(this, 'fetching ca.crl');
 * try { await fetchCrl(url, { onProgress: bar.update }); } finally { bar.end(); }
 */
export function progressBar(context: Pick<CliContext, 'process' | 'interactive' | 'now'>, label: string): ProgressBar {
  const { stderr } = context.process;
  const begun = context.now();
  let shownAt: number | undefined;
  return {
    update: (received, total) => {
      if (!context.interactive) return;
      const now = context.now();
      if (now - begun < quietMs || (shownAt !== undefined && now - shownAt < everyMs)) return;
      shownAt = now;
      stderr.write(`\r\u001B[K${label} ${progressText(received, total)}`);
    },
    end: () => {
      if (shownAt !== undefined) stderr.write('\r\u001B[K');
    },
  };
}

/** The state in words. @example progressText(3_000_000, 4_000_000) // '[##################      ]  75 % of 4.0 MB' */
export function progressText(received: number, total: number | undefined): string {
  if (total === undefined || !(total > 0)) return megabytes(received);
  const share = Math.min(1, received / total);
  const done = Math.round(share * width);
  return `[${'#'.repeat(done)}${' '.repeat(width - done)}] ${String(Math.round(share * 100)).padStart(3)} % of ${megabytes(total)}`;
}

function megabytes(octets: number): string {
  return `${(octets / 1e6).toFixed(1)} MB`;
}
