import { monitorEventLoopDelay } from 'node:perf_hooks';
import { PassphraseKeys } from '@countersign/trust';
import { dataFolder } from '../../packages/authority/src/adapters/data-folder.ts';
import { loadCas } from '../../packages/authority/src/adapters/signing-ca.ts';
import { openSqliteStore } from '../../packages/authority/src/adapters/sqlite/store.ts';
import { signFull } from '../../packages/authority/src/domain/crl/full.ts';
import { CrlPublisher } from '../../packages/authority/src/domain/crl/publisher.ts';

/** What a signature has cost, milliseconds. */
export interface Cost {
  readonly cpu: number;
  readonly clock: number;
}

export interface SigningFigures {
  readonly partitions: readonly Cost[];
  readonly full: Cost;
  /** Anybody else in the process waited for so long at most while the full CRL was made. */
  readonly longestTurnMs: number;
  /** Where the feed is. */
  readonly cursor: string;
}

/** Signs CRLs from the store of an authority that does not run, with nothing else going on in the process. */
export async function timeSigning(data: string, rounds: number): Promise<SigningFigures> {
  const folder = dataFolder(data);
  const store = openSqliteStore(folder.store);
  using keys = new PassphraseKeys('bench');
  const cas = await loadCas(folder, store, keys, Date.now());
  const [issuing] = cas.issuing;
  if (issuing === undefined) throw new Error('there is no issuing CA');
  const publisher = new CrlPublisher({
    store,
    clock: Date.now,
    after: () => () => undefined,
    cas: () => [issuing],
    onFailure: (error) => {
      throw error;
    },
  });
  const partitions: Cost[] = [];
  for (let i = 0; i < rounds + 2; i += 1) {
    const cost = await costOf(() => publisher.publish(issuing.keyHash, i % issuing.partitions));
    // The first ones compile.
    if (i >= 2) partitions.push(cost);
  }
  // The first one does not know yet how long it will be.
  await signFull(store, issuing, Date.now);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const full = await costOf(() => signFull(store, issuing, Date.now));
  delay.disable();
  const { epoch, seq } = await store.state();
  await publisher.close();
  await store.close();
  return { partitions, full, longestTurnMs: delay.max / 1e6, cursor: `${epoch}:${seq}` };
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const [cpu, clock] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000, clock: performance.now() - clock };
}
