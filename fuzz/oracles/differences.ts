/** asn1js writes arcs of identifiers beyond 2^53 in a form of its own: of these it is only known that they are large. */
const largeArc = /\.(?:\{\{[0-9a-f]+\} - 80\}|\{[0-9a-f]+\}|[0-9]{16,})/g;

/** Collects what two readers see differently; an oracle that refuses an input has no say about it. */
export class Differences {
  private readonly found: string[] = [];

  same(what: string, ours: unknown, theirs: unknown): void {
    const [a, b] = [text(ours), text(theirs)].map((one) => one.replaceAll(largeArc, '.large')) as [string, string];
    if (a !== b) this.found.push(`${what}: ${a.slice(0, 200)} against ${b.slice(0, 200)}`);
  }

  get result(): string | undefined {
    return this.found.length === 0 ? undefined : this.found.join('; ');
  }
}

function text(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return JSON.stringify(value ?? null, (_, inner: unknown) =>
    inner instanceof Uint8Array ? Buffer.from(inner).toString('hex') : inner,
  );
}

/** What `ask` says, or undefined where it refuses. */
export function accepted<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/** A plain ArrayBuffer of the octets, which is what asn1js reads. */
export function plainBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
