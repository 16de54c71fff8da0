import { type Certificate, parseCertificate, PkiError } from '@countersign/pki';
import { IntermediateStore } from '@countersign/trust';

/** Longer chains of issuers are not looked for. */
const MAX_DEPTH = 8;

/**
 * The intermediates that some worker has verified a path with, so that all can judge a resumed session, whose handshake shows
 * only the leaf. Bounded; being in here is no proof of anything.
 */
export class SharedIntermediates {
  readonly #store = new IntermediateStore();

  /** Keeps what a worker reports. Those that were not known: tell the other workers. */
  add(certificates: readonly Uint8Array[]): readonly Uint8Array[] {
    return certificates.filter((der) => {
      const certificate = parse(der);
      return certificate !== undefined && this.#store.remember(certificate);
    });
  }

  /** Everything known: what a new worker starts with. */
  all(): readonly Uint8Array[] {
    return this.#store.export();
  }

  /** The issuers of a leaf, and theirs, as far as they are known. */
  issuersOf(leaf: Uint8Array): readonly Uint8Array[] {
    const found = new Set<Certificate>();
    let level = [parse(leaf)];
    for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
      const next: Certificate[] = [];
      for (const certificate of level) {
        if (certificate === undefined) continue;
        for (const issuer of this.#store.withSubject(certificate.issuer.key)) {
          if (found.has(issuer)) continue;
          found.add(issuer);
          next.push(issuer);
        }
      }
      level = next;
    }
    return [...found].map((certificate) => certificate.der);
  }
}

function parse(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}
