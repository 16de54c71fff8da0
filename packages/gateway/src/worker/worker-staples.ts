import { sha256Hex } from '@countersign/trust';
import type { StapleData } from './messages.ts';

/** The OCSP responses that a worker staples, by the certificate that they are about. */
export class WorkerStaples {
  readonly #now: () => number;
  readonly #byCertificate = new Map<string, { readonly der: Buffer; readonly freshUntil: number }>();

  /** @param now - wall clock, milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** There is another for a certificate, or none any more. */
  take({ certificate, der, freshUntil }: StapleData): void {
    if (der === undefined) this.#byCertificate.delete(certificate);
    else this.#byCertificate.set(certificate, { der: Buffer.from(der), freshUntil });
  }

  /** The response for a certificate (DER), where there is one that holds still: an expired one is worse than none. */
  of(certificate: Uint8Array): Buffer | null {
    if (this.#byCertificate.size === 0) return null;
    const staple = this.#byCertificate.get(sha256Hex(certificate));
    return staple !== undefined && this.#now() < staple.freshUntil ? staple.der : null;
  }
}
