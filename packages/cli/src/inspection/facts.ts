// How the facts of a description are written.
import { createHash } from 'node:crypto';
import { toHex } from '@countersign/pki';

/** What `inspect` tells of one object; absent facts are left out. */
export type Description = Readonly<Record<string, unknown>>;

/** A moment as RFC 3339 has it. @param ms milliseconds since the epoch */
export function time(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** SHA-256, as hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Octets as hex, where there are any to tell. */
export function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : toHex(bytes);
}

/** An empty list is no fact. */
export function notEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** The facts that are there. */
export function present(facts: Description): Description {
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
}

/** Facts as lines for people, under what they are about; a list takes a line for each of its values. */
export function factLines(about: string, facts: Description): readonly string[] {
  const lines = Object.entries(facts).flatMap(([name, fact]) =>
    (Array.isArray(fact) ? fact : [fact]).map((one, at) => `  ${(at === 0 ? name : '').padEnd(20)}  ${String(one)}`),
  );
  return [about, ...lines];
}
