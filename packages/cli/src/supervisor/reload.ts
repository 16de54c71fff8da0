// SIGHUP: the configuration is read again.
import { explain } from '../explain.ts';
import { failureLine } from '../failure.ts';
import type { Output } from '../terminal/output.ts';

/** Tries another configuration and tells what came of it; what can't be used changes nothing. */
export async function reload(output: Output, take: () => Promise<unknown>): Promise<void> {
  try {
    await take();
    output.note('countersign: the configuration was read again');
  } catch (error) {
    output.note(`${failureLine(explain(error))}; everything stays as it was`);
  }
}
