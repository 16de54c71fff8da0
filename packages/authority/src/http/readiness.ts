import type { Store } from '../domain/ports.ts';
import type { PublicRoute } from './public.ts';

/** How long the store may take to answer before the node counts as not ready, and how long an answer is good for everybody who asks. */
const patienceMs = 1000;
const keptMs = 250;

/** What is asked of the time. */
export interface ReadinessTime {
  /** Milliseconds that only go forward. */
  readonly elapsed: () => number;
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** Why this node is not to be sent anything now, or undefined when it is ready. However many ask at once, the store is asked once. */
export function readinessOf(store: Store, { elapsed, after }: ReadinessTime): () => Promise<string | undefined> {
  let known: { readonly answer: Promise<string | undefined>; until: number } | undefined;

  async function ask(): Promise<string | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<string>();
    const callOff = after(patienceMs, () => resolve('the store does not answer in time'));
    const answered = store.state().then(
      () => (store.channel?.connected() === false ? 'the other nodes are not heard' : undefined),
      () => 'the store does not answer',
    );
    return Promise.race([answered, late]).finally(callOff);
  }

  return () => {
    if (known === undefined || elapsed() > known.until) {
      const next = { answer: ask(), until: Number.POSITIVE_INFINITY };
      known = next;
      void next.answer.then(() => {
        next.until = elapsed() + keptMs;
      });
    }
    return known.answer;
  };
}

/** `/healthz`: the process lives. `/readyz`: it can do its work, for load balancers. */
export function readinessRoutes(notReady: () => Promise<string | undefined>): readonly PublicRoute[] {
  const route = (path: string, why: () => Promise<string | undefined>): PublicRoute => ({
    prefix: path,
    methods: ['GET', 'HEAD'],
    answer: async (exchange) => {
      exchange.request.resume();
      if (exchange.path !== path) return false;
      const reason = await why();
      const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
      exchange.response.writeHead(reason === undefined ? 200 : 503, headers).end(`${reason ?? 'ok'}\n`);
      return true;
    },
  });
  return [route('/healthz', async () => undefined), route('/readyz', notReady)];
}
