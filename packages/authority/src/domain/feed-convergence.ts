import type { Convergence, NodeConvergence } from '@countersign/protocol';
import type { Acknowledgements } from './feed-acknowledgements.ts';
import type { NodeProgress, OtherNodes } from './feed-nodes.ts';
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

/** Who is connected to this node and acknowledges: ids. */
export interface Followers {
  readonly gateways: ReadonlySet<string>;
  readonly servers: ReadonlySet<string>;
}

/** How far they are. */
export interface Progress {
  readonly gateways: number;
  readonly converged: number;
  readonly servers: number;
  readonly serversConverged: number;
}

/** Resolves when every one of `followers`, and every one of the other nodes, has acknowledged `seq`, or after `boundMs`. */
export async function settled(
  { clock, after, acknowledgements, nodes }: ConvergenceOptions,
  followers: Followers,
  seq: number,
  boundMs: number,
): Promise<Convergence> {
  const started = clock();
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    const there = (asked?.result() ?? []).every((one) => one.answered && isThere(one));
    if (there && isThere(progressOf(acknowledgements, followers, seq))) resolve();
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
  const { gateways, converged, servers, serversConverged } = [
    progressOf(acknowledgements, followers, seq),
    ...others,
  ].reduce((sum, one) => ({
    gateways: sum.gateways + one.gateways,
    converged: sum.converged + one.converged,
    servers: sum.servers + one.servers,
    serversConverged: sum.serversConverged + one.serversConverged,
  }));
  return {
    gateways,
    converged,
    waitedMs: clock() - started,
    ...serversOf({ servers, serversConverged }),
    ...(others.length === 0 ? {} : { nodes: others.map(nodeConvergence) }),
  };
}

function progressOf(acknowledgements: Acknowledgements, { gateways, servers }: Followers, seq: number): Progress {
  return {
    gateways: gateways.size,
    converged: acknowledgements.count(gateways, seq),
    servers: servers.size,
    serversConverged: acknowledgements.count(servers, seq),
  };
}

function isThere({ gateways, converged, servers, serversConverged }: Progress): boolean {
  return converged >= gateways && serversConverged >= servers;
}

function nodeConvergence({ node, gateways, converged, answered, ...servers }: NodeProgress): NodeConvergence {
  return { node, gateways, converged, ...serversOf(servers), answered };
}

/** Where there are none nothing is said of them. */
function serversOf({ servers, serversConverged }: Pick<Progress, 'servers' | 'serversConverged'>) {
  return servers === 0 ? {} : { servers: { connected: servers, converged: serversConverged } };
}

/** Tells the other nodes how far those here are, again and again until all are there or nobody waits any more. */
export async function report(
  { after, acknowledgements, nodes }: ConvergenceOptions,
  followers: Followers,
  seq: number,
): Promise<void> {
  for (let told = 0; told < reports; told += 1) {
    const progress = progressOf(acknowledgements, followers, seq);
    nodes?.report(seq, progress);
    if (isThere(progress)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const endWatch = acknowledgements.watch(() => {
      if (isThere(progressOf(acknowledgements, followers, seq))) resolve();
    });
    const callOff = after(reportMs, resolve);
    await promise;
    endWatch();
    callOff();
  }
}
