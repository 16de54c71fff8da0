// What is told while an administrator is waited for: one line, or one event.
import type { Waiting } from '@countersign/sdk';
import type { Output } from './output.ts';

/** Tells that a request waits, and how it is approved. */
export function waitsAloud(output: Output): (waiting: Waiting) => void {
  return ({ request, expiresAt }) => {
    const until = new Date(expiresAt).toISOString();
    output.object({ event: 'waiting', request, expiresAt: until });
    output.note(
      `countersign: waits until ${until} for an administrator: countersign requests approve ${request} (or deny)`,
    );
  };
}
