/** What a parser refuses by value is thrown for the loop, with its reason: nothing else may be thrown. */
export class Refusal extends Error {}

export function isRefusal(error: unknown): boolean {
  return error instanceof Refusal;
}

export function textSeeds(texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => new TextEncoder().encode(text));
}

/** The text of an input. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
