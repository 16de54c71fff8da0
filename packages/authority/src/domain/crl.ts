import { authorityKeyId, buildCrl, crlNumber } from '@countersign/pki';
import type { Signer } from '@countersign/pki';
import { keyIdentifier } from './ca.ts';
import type { Ca } from './ca.ts';
import type { Store, StoredCrl, StoreWriter } from './ports.ts';

const hour = 3_600_000;

/** How long CRLs last, and when they are made anew though nothing was revoked. */
export interface CrlSchedule {
  readonly nextUpdate: (now: number) => number;
  readonly refreshAfterMs: number;
}

/** Issuing CAs: three days, anew every twelve hours, so that the authority may be away for two days without a gap. */
export const issuingCrlSchedule: CrlSchedule = { nextUpdate: (now) => now + 72 * hour, refreshAfterMs: 12 * hour };

/** The root, whose key is away: thirteen months. */
export const rootCrlSchedule: CrlSchedule = {
  nextUpdate: (now) => {
    const date = new Date(now);
    return date.setUTCMonth(date.getUTCMonth() + 13);
  },
  refreshAfterMs: Number.POSITIVE_INFINITY,
};

/** From how long before its end on the root's CRL raises an alarm. */
export const rootCrlAlarmMs = 90 * 24 * hour;

/** Whether a CRL is to be made anew: its time has come, or the clock says that it is from the future. */
export function crlIsDue(crl: StoredCrl | undefined, schedule: CrlSchedule, now: number): boolean {
  return crl === undefined || now - crl.thisUpdate >= schedule.refreshAfterMs || now < crl.thisUpdate - hour;
}

/**
 * Signs the CRL of one partition as of now and stores it, its number one above any that was ever served. An expired certificate stays
 * until one CRL made after its end has shown it (RFC 5280, section 3.3).
 */
export async function signCrl(
  tx: StoreWriter,
  ca: Ca & { readonly signer: Signer },
  partition: number,
  now: number,
  schedule: CrlSchedule,
): Promise<StoredCrl> {
  const issuer = ca.keyHash;
  const previous = await tx.crl(issuer, partition);
  const endsFrom = Math.min(previous?.thisUpdate ?? now, now - hour);
  const revocations = await tx.revocationsOf(issuer, partition, endsFrom);
  const number = (await tx.lastCrlNumber(issuer, partition)) + 1;
  const thisUpdate = Math.floor(now / 1000) * 1000;
  const nextUpdate = schedule.nextUpdate(thisUpdate);
  const { subject, subjectKeyId, spki } = ca.certificate;
  const der = await buildCrl(
    {
      issuer: subject,
      thisUpdate,
      nextUpdate,
      entries: revocations.map(({ serial, revokedAt, reason }) => ({
        serialNumber: serial,
        revocationDate: revokedAt,
        reason,
      })),
      extensions: [authorityKeyId(subjectKeyId ?? keyIdentifier(spki.bits)), crlNumber(number)],
    },
    ca.signer,
  );
  const crl: StoredCrl = { issuer, partition, number, thisUpdate, nextUpdate, entries: revocations.length, der };
  await tx.saveCrl(crl);
  return crl;
}

/** Signs CRLs when they are asked for, each at most once for everybody who asks while it has not begun. */
export class CrlPublisher {
  readonly #store: Store;
  readonly #clock: () => number;
  readonly #cas: () => readonly (Ca & { readonly signer: Signer })[];
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(store: Store, clock: () => number, cas: () => readonly (Ca & { readonly signer: Signer })[]) {
    this.#store = store;
    this.#clock = clock;
    this.#cas = cas;
  }

  /** Resolves when a CRL with everything that was stored before the call is stored. Of a CA whose key is away nothing is signed. */
  publish(issuer: string, partition: number): Promise<void> {
    const key = `${issuer}/${partition}`;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const ca = this.#cas().find(({ keyHash }) => keyHash === issuer);
    if (ca === undefined) return Promise.resolve();
    const published = this.#store.write(async (tx) => {
      // From here on a new call needs a new CRL.
      this.#waiting.delete(key);
      await signCrl(tx, ca, partition, this.#clock(), issuingCrlSchedule);
    });
    this.#waiting.set(key, published);
    return published.finally(() => {
      if (this.#waiting.get(key) === published) this.#waiting.delete(key);
    });
  }

  /** Signs every CRL whose time has come. */
  async refresh(): Promise<void> {
    for (const { keyHash } of this.#cas()) {
      const crl = await this.#store.crl(keyHash, 0);
      // After a restore the number is below what may have been served: nobody would take that CRL for the newest.
      const outdated = crl !== undefined && crl.number < (await this.#store.lastCrlNumber(keyHash, 0));
      if (outdated || crlIsDue(crl, issuingCrlSchedule, this.#clock())) await this.publish(keyHash, 0);
    }
  }
}
