import type { Certificate } from '@countersign/pki';

export interface IntermediateStoreOptions {
  /** How many certificates are kept; those used longest ago go first. */
  readonly maxCount?: number;
  /** Octets of certificates that are kept. */
  readonly maxBytes?: number;
}

/**
 * Intermediates of paths that were verified, so that a client that sends only its leaf, or a resumed session that shows only
 * the leaf, is judged by what is known. Bounded, and shared between workers: what one learns, `remember` of the others
 * takes in. Being in here is no proof of anything; every path is validated anew.
 */
export class IntermediateStore {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  readonly #byDer = new Map<string, Certificate>();
  readonly #bySubject = new Map<string, Set<Certificate>>();
  #bytes = 0;

  constructor({ maxCount = 512, maxBytes = 2 * 1024 * 1024 }: IntermediateStoreOptions = {}) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#byDer.size;
  }

  /** Keeps a certificate, or marks it as just used. True when it was not known. */
  remember(certificate: Certificate): boolean {
    const key = keyOf(certificate);
    const known = this.#byDer.get(key);
    if (known !== undefined) {
      this.#byDer.delete(key);
      this.#byDer.set(key, known);
      return false;
    }
    this.#byDer.set(key, certificate);
    this.#bytes += certificate.der.length;
    const same = this.#bySubject.get(certificate.subject.key);
    if (same === undefined) this.#bySubject.set(certificate.subject.key, new Set([certificate]));
    else same.add(certificate);
    this.#trim();
    return true;
  }

  /** The certificates whose subject has this `Name.key`. */
  withSubject(nameKey: string): Iterable<Certificate> {
    return this.#bySubject.get(nameKey) ?? [];
  }

  /** Everything kept, DER, the one used longest ago first: what a new worker starts with. */
  export(): Uint8Array[] {
    return Array.from(this.#byDer.values(), (certificate) => certificate.der);
  }

  #trim(): void {
    for (const [key, certificate] of this.#byDer) {
      if (this.#byDer.size <= this.#maxCount && this.#bytes <= this.#maxBytes) return;
      this.#byDer.delete(key);
      this.#bytes -= certificate.der.length;
      const same = this.#bySubject.get(certificate.subject.key);
      same?.delete(certificate);
      if (same?.size === 0) this.#bySubject.delete(certificate.subject.key);
    }
  }
}

function keyOf(certificate: Certificate): string {
  return Buffer.from(certificate.der.buffer, certificate.der.byteOffset, certificate.der.length).toString('latin1');
}
