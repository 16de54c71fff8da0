// An authority in a process of its own: `node authority-process.ts DATA`. It tells how long its turns are when it is asked.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startAuthority } from '@countersign/authority';
import type { AuthorityListens, LongestTurn } from './authority.ts';

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const authority = await startAuthority({
  dataDir: process.argv[2] ?? '',
  passphrase: 'bench',
  listen: '127.0.0.1:0',
  http: '127.0.0.1:0',
  // So that certificates which were made before it ran name the same place.
  publicHttp: 'http://ca.example',
  logLevel: 'error',
});
process.on('message', () => {
  const longestTurnMs = delay.max / 1e6;
  delay.reset();
  process.send?.({ longestTurnMs } satisfies LongestTurn);
});
process.on('disconnect', () => {
  void authority.close().finally(() => process.exit(0));
});
const portOf = (address: string): number => Number(address.split(':').at(-1));
const { http, admin } = authority.listen;
process.send?.({ http: portOf(http), admin } satisfies AuthorityListens);
