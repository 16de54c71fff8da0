import type { TLSSocket } from 'node:tls';
import { parseCertificate } from '@countersign/pki';
import { judge } from '@countersign/trust';
import type { TrustState } from '@countersign/trust';
import type { FactoryCertificate, FactoryRule } from '../../domain/est/factory.ts';
import type { Clock } from '../../domain/ports.ts';
import type { RefusedCaller } from '../caller.ts';
import { ProblemError } from '../problem.ts';

/** A factory: who has signed its devices' certificates, and what these prove. */
export interface Factory {
  readonly rule: FactoryRule;
  /** Holds the one bundle of this factory, under its name. */
  readonly trust: TrustState;
}

/** Knows the certificates that factories have given to their devices. They count for EST alone, and never elsewhere. */
export class FactoryCallers {
  readonly #factories: readonly Factory[];
  readonly #clock: Clock;
  readonly #leafOn: (socket: TLSSocket) => Uint8Array | undefined;

  constructor(factories: readonly Factory[], clock: Clock, leafOn: (socket: TLSSocket) => Uint8Array | undefined) {
    this.#factories = factories;
    this.#clock = clock;
    this.#leafOn = leafOn;
  }

  /**
   * The factory's certificate that a connection has shown, after it was refused as one of ours. Throws ProblemError with what the
   * factory that knows it says, or else with the first refusal.
   */
  shownBy(socket: object, refused: RefusedCaller): FactoryCertificate {
    const leaf = this.#leafOn(socket as TLSSocket);
    let told: Pick<RefusedCaller, 'code' | 'detail'> = refused;
    // What is of our own CAs is no factory's.
    if (leaf === undefined || refused.code !== 'untrusted_issuer') throw new ProblemError(told.code, told.detail);
    for (const { rule, trust } of this.#factories) {
      const policy = { id: 'est', bundles: [rule.factory] };
      const verdict = judge({ presented: [leaf], resumed: false }, policy, trust, this.#clock());
      if (verdict.ok) return { rule, certificate: parseCertificate(leaf) };
      if (verdict.code !== 'untrusted_issuer') told = verdict;
    }
    throw new ProblemError(told.code, told.detail);
  }
}
