import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { nodeCrypto } from '@countersign/trust';
import { newResponderKey } from '../adapters/responder-key.ts';
import { OcspResponder } from '../domain/ocsp/ocsp-responder.ts';
import { Presigning } from '../domain/ocsp/presigning.ts';
import type { OcspFigures } from '../metrics.ts';
import type { Core } from './core.ts';
import type { AuthorityOptions } from './options.ts';

/** The OCSP responder as it runs. */
export interface RunningOcsp {
  readonly responder: OcspResponder;
  readonly presigning: Presigning;
  /** Looks after responders and answers; to be called every minute or so, and when there is another CA. */
  keep(): Promise<void>;
  /** For the metrics. */
  figures(): OcspFigures;
  close(): Promise<void>;
}

const defaultCacheBytes = 64 << 20;

/** Starts the responder: its certificates are there when this resolves, its answers follow in the background. */
export async function startOcsp(core: Core, options: AuthorityOptions): Promise<RunningOcsp> {
  const { store, clock, cas, hub, log } = core;
  const random = options.random ?? randomBytes;
  const context = { store, clock, random, crypto: nodeCrypto, cas };
  const cacheBytes = options.ocspCacheBytes ?? defaultCacheBytes;
  const responder = new OcspResponder({ context, newKey: newResponderKey, cacheBytes });
  const presigning = new Presigning({
    responder,
    context,
    elapsed: () => performance.now(),
    turn: () => nextTurn(),
    failed: (error) =>
      log.error({ err: error }, 'cannot sign OCSP answers ahead, they are signed when they are asked for'),
  });
  const stopWatching = hub.watch((change) => presigning.change(change));
  const keep = async (): Promise<void> => {
    await responder.responders.keep();
    presigning.begin();
  };
  await keep();
  return {
    responder,
    presigning,
    keep,
    figures: () => ({
      answers: responder.counts(),
      cachedAnswers: responder.cache.size,
      cacheBytes: responder.cache.bytes,
      responders: responder.responders
        .list()
        .map(({ issuer, certificate }) => ({ ca: issuer.id, notAfter: certificate.notAfter })),
    }),
    close: async () => {
      stopWatching();
      await presigning.close();
    },
  };
}
