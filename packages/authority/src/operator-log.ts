import { destination, pino } from 'pino';
import type { Logger } from 'pino';

/** What the operator hears: JSON lines on stderr, in the form of the gateway's. */
export function operatorLog(level: string | undefined): Logger {
  return pino(
    {
      level: level ?? 'info',
      base: { role: 'authority', pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination(2),
  );
}
