import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../domain/ports.ts';

/** The world around an operation; what is not given is the real one. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The surroundings with nothing left out. */
export function surroundings(options: Surroundings): Required<Surroundings> {
  return { clock: options.clock ?? Date.now, random: options.random ?? ((length) => randomBytes(length)) };
}

/** Where CRLs and CA certificates are published unless something else is said. */
export const defaultPublicHttp = 'http://127.0.0.1:8080';
