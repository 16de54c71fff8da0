import type { CrlScope, StoreWriter } from '../ports.ts';
import type { CrlSigner } from './build.ts';
import { signShortFull } from './full.ts';
import { ListKeeper } from './list-keeper.ts';
import type { ListContext } from './list-keeper.ts';
import { signPartition } from './partition.ts';
import { crlIsDue } from './schedule.ts';
import type { Due } from './schedule.ts';
import { scopesOf } from './scopes.ts';

/** How many CRLs whose usual time has come are signed in one round: the others have time until the next. */
const soonLimit = 8;

export interface PublisherContext extends Omit<ListContext, 'onSigned'> {
  /** The CAs whose keys are here. */
  readonly cas: () => readonly CrlSigner[];
  /** Something was signed; `ms` is how long it took. */
  readonly onSigned?: (ca: CrlSigner, kind: 'partition' | 'full' | 'delta', ms: number) => void;
}

/** Signs every CRL of a CA that was just made, in the transaction that stores it. Its certificates will name `base`. */
export async function signFirstCrls(tx: StoreWriter, ca: CrlSigner, base: string, now: number): Promise<void> {
  await tx.addCrlBase(ca.keyHash, base, now);
  await signShortFull(tx, ca, () => now);
  for (let partition = 0; partition < ca.partitions; partition++) await signPartition(tx, ca, partition, now);
}

/** Signs CRLs when they are asked for, each at most once for everybody who asks while it has not begun, and in good time before they end. */
export class CrlPublisher {
  readonly #context: PublisherContext;
  readonly #waiting = new Map<string, Promise<void>>();
  readonly #keepers = new Map<string, ListKeeper>();
  readonly #bases = new Map<string, Promise<void>>();

  constructor(context: PublisherContext) {
    this.#context = context;
  }

  /**
   * Resolves when the partition's CRL shows everything that was stored before the call. Of a CA whose key is away nothing is signed.
   */
  publish(issuer: string, partition: number): Promise<void> {
    const key = `${issuer}/${partition}`;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const ca = this.#ca(issuer);
    if (ca === undefined) return Promise.resolve();
    const { store, clock, onSigned } = this.#context;
    const published = store
      .write(async (tx) => {
        // From here on a new call needs a new CRL.
        this.#waiting.delete(key);
        const from = clock();
        await signPartition(tx, ca, partition, from);
        return clock() - from;
      })
      .then((ms) => onSigned?.(ca, 'partition', ms));
    this.#waiting.set(key, published);
    return published.finally(() => {
      if (this.#waiting.get(key) === published) this.#waiting.delete(key);
    });
  }

  /** Resolves when the full CRL shows everything that was stored before the call, or where it is long the delta does. */
  async publishList(issuer: string): Promise<void> {
    const ca = this.#ca(issuer);
    if (ca !== undefined) await this.#keeper(ca).changed();
  }

  /**
   * Resolves when the CRLs of a CA are published in the name of `base` too: before the first certificate is issued that names it.
   */
  ensureBase(issuer: string, base: string): Promise<void> {
    const key = `${issuer} ${base}`;
    let ensured = this.#bases.get(key);
    if (ensured === undefined) {
      ensured = this.#addBase(issuer, base);
      this.#bases.set(key, ensured);
      // What has failed is tried again by the next.
      ensured.catch(() => this.#bases.delete(key));
    }
    return ensured;
  }

  /**
   * Signs every CRL that must not wait, and some of those whose usual time has come. Resolves when they are in force; what fails is told
   * to `onFailure`, and the others are signed all the same.
   */
  async refresh(): Promise<void> {
    for (const ca of this.#context.cas()) await this.#refreshCa(ca);
  }

  /** No more signatures; resolves when none is under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.close()));
    await Promise.allSettled(this.#waiting.values());
  }

  async #refreshCa(ca: CrlSigner): Promise<void> {
    const { onFailure } = this.#context;
    const due = await this.#due(ca);
    let soonLeft = soonLimit;
    const chosen = due.filter(({ when }) => when !== 'soon' || soonLeft-- > 0);
    const partitions = chosen.flatMap(({ scope }) => (typeof scope === 'number' ? [scope] : []));
    await Promise.all(partitions.map((partition) => this.publish(ca.keyHash, partition).catch(onFailure)));
    const whenOf = (kind: 'full' | 'delta') => chosen.find(({ scope }) => scope === kind)?.when;
    const keeper = this.#keeper(ca);
    // With the full CRL comes a new delta.
    if (whenOf('full') === 'now' || whenOf('full') === 'soon') await keeper.sign().catch(onFailure);
    else if (whenOf('full') === 'changed') await keeper.changed().catch(onFailure);
    else if (whenOf('delta') !== undefined) await keeper.signDelta().catch(onFailure);
  }

  /** Which CRLs of a CA have to be made anew, those first that end first. */
  async #due(ca: CrlSigner): Promise<{ scope: CrlScope; when: Due }[]> {
    const { store, clock } = this.#context;
    const [{ crlNumbersFrom }, crls, sequences] = await Promise.all([
      store.state(),
      store.crls(ca.keyHash),
      store.crlSequences(ca.keyHash),
    ]);
    const byScope = new Map(crls.map((crl) => [crl.scope, crl]));
    const changesIn = new Map(sequences.map(({ scope, changes }) => [scope, changes]));
    const now = clock();
    const due: { scope: CrlScope; when: Due }[] = [];
    for (const scope of [...scopesOf(ca), 'delta' as const]) {
      const changes = changesIn.get(scope === 'delta' ? 'full' : scope) ?? 0;
      const when = crlIsDue(byScope.get(scope), { changes, crlNumbersFrom }, now);
      if (when !== undefined) due.push({ scope, when });
    }
    const end = (scope: CrlScope): number => byScope.get(scope)?.nextUpdate ?? 0;
    return due.toSorted((a, b) => end(a.scope) - end(b.scope));
  }

  async #addBase(issuer: string, base: string): Promise<void> {
    const ca = this.#ca(issuer);
    if (ca === undefined) return;
    const { store, clock } = this.#context;
    await store.write(async (tx) => {
      // Counted as a change of every CRL, so that none is forgotten should this process end here.
      if (!(await tx.addCrlBase(issuer, base, clock()))) return;
      for (const scope of scopesOf(ca)) await tx.countCrlChange(issuer, scope);
    });
    const behind = (await this.#due(ca)).filter(({ when }) => when !== 'soon').map(({ scope }) => scope);
    const partitions = behind.filter((scope) => typeof scope === 'number');
    await Promise.all(partitions.map((partition) => this.publish(issuer, partition)));
    if (behind.includes('full')) await this.#keeper(ca).changed();
  }

  #ca(issuer: string): CrlSigner | undefined {
    return this.#context.cas().find(({ keyHash }) => keyHash === issuer);
  }

  #keeper(ca: CrlSigner): ListKeeper {
    let keeper = this.#keepers.get(ca.keyHash);
    if (keeper === undefined) {
      const { onSigned = () => undefined, ...context } = this.#context;
      keeper = new ListKeeper({ ...context, onSigned }, ca);
      this.#keepers.set(ca.keyHash, keeper);
    }
    return keeper;
  }
}
