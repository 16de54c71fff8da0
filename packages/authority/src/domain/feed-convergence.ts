import type { Convergence } from '@countersign/protocol';
import type { Acknowledgements } from './feed-acknowledgements.ts';
import type { OtherNodes } from './feed-nodes.ts';
import type { After, Clock } from './ports.ts';

/** How often another node that waits is told how far the gateways here are. */
const reportMs = 100;
/** How often at most: nobody waits for longer. */
const reports = 10;

export interface ConvergenceOptions {
  readonly clock: Clock;
  readonly after: After;
  readonly acknowledgements: Acknowledgements;
  readonly nodes: OtherNodes | undefined;
}

/** Resolves when every one of `gateways`, and every one of the other nodes, has acknowledged `seq`, or after `boundMs`. */
export async function settled(
  { clock, after, acknowledgements, nodes }: ConvergenceOptions,
  gateways: ReadonlySet<string>,
  seq: number,
  boundMs: number,
): Promise<Convergence> {
  const started = clock();
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    const there = (asked?.result() ?? []).every((one) => one.answered && one.converged >= one.gateways);
    if (there && acknowledgements.count(gateways, seq) === gateways.size) resolve();
  };
  const asked = nodes?.ask(seq, look);
  const endWatch = acknowledgements.watch(look);
  const callOff = after(boundMs, resolve);
  look();
  await promise;
  callOff();
  endWatch();
  asked?.end();
  const others = asked?.result() ?? [];
  return {
    gateways: others.reduce((sum, one) => sum + one.gateways, gateways.size),
    converged: others.reduce((sum, one) => sum + one.converged, acknowledgements.count(gateways, seq)),
    waitedMs: clock() - started,
    ...(others.length === 0 ? {} : { nodes: others }),
  };
}

/** Tells the other nodes how far the gateways here are, again and again until all are there or nobody waits any more. */
export async function report(
  { after, acknowledgements, nodes }: ConvergenceOptions,
  gateways: ReadonlySet<string>,
  seq: number,
): Promise<void> {
  for (let told = 0; told < reports; told += 1) {
    const converged = acknowledgements.count(gateways, seq);
    nodes?.report(seq, gateways.size, converged);
    if (converged === gateways.size) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const endWatch = acknowledgements.watch(() => {
      if (acknowledgements.count(gateways, seq) === gateways.size) resolve();
    });
    const callOff = after(reportMs, resolve);
    await promise;
    endWatch();
    callOff();
  }
}
