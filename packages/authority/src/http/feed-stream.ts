import type { FastifyReply } from 'fastify';
import type { FeedHub, FeedSubscriber } from '../domain/feed-hub.ts';

/** How much may wait for a subscriber that does not read; a snapshot of a million revocations fits. */
const backlogLimitBytes = 256 << 20;

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
    const unsubscribe = await hub.subscribe(subscriber, {
      send: (line) => {
        response.write(`${line}\n`);
        return response.writableLength < backlogLimitBytes;
      },
      end: () => {
        // Whoever does not read would keep the rest for ever.
        if (response.writableLength > 0) response.destroy();
        else response.end();
      },
    });
    await gone;
    unsubscribe();
  } catch (error) {
    response.destroy(error instanceof Error ? error : undefined);
  }
}
