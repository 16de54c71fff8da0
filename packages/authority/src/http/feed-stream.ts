import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FeedHub } from '../domain/feed-hub.ts';
import type { FeedSink, FeedSubscriber } from '../domain/feed-subscription.ts';

/** How long a subscriber may take no octet of what waits for it. */
const stallMs = 30_000;

/** Streams the feed as the response, until either side ends it. */
export async function streamFeed(
  hub: FeedHub,
  subscriber: FeedSubscriber,
  reply: FastifyReply,
  mediaType: string,
): Promise<void> {
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, { 'content-type': mediaType, 'cache-control': 'no-store' });
  response.flushHeaders();
  const gone = new Promise<void>((resolve) => {
    response.once('close', resolve);
  });
  try {
    const unsubscribe = await hub.subscribe(subscriber, sinkOf(response));
    await gone;
    unsubscribe();
  } catch (error) {
    response.destroy(error instanceof Error ? error : undefined);
  }
}

function sinkOf(response: ServerResponse): FeedSink {
  return {
    send: (octets) => {
      response.write(octets);
    },
    get backlog() {
      return response.writableLength;
    },
    ready: async () => {
      const stalled = AbortSignal.timeout(stallMs);
      while (response.writableNeedDrain && !response.destroyed) {
        await Promise.race([once(response, 'drain', { signal: stalled }), once(response, 'close')]).catch(
          () => undefined,
        );
        if (stalled.aborted) return false;
      }
      return !response.destroyed;
    },
    end: () => {
      // Whoever does not read would keep the rest for ever.
      if (response.writableLength > 0) response.destroy();
      else response.end();
    },
  };
}

/** Answers with the snapshot of this moment. */
export async function sendSnapshot(hub: FeedHub, reply: FastifyReply): Promise<FastifyReply> {
  const { pieces } = await hub.snapshot();
  return reply.type('application/json').send(Readable.from(pieces, { objectMode: false }));
}
