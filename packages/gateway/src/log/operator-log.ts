import { destination, type Logger, pino } from 'pino';

/** What the operator hears: JSON lines on stderr, apart from the access log. */
export type OperatorLog = Pick<Logger, 'info' | 'warn' | 'error'>;

/**
 * The log of a process.
 *
 * @param role - `gateway` for the primary, `worker`
 */
export function createOperatorLog(role: string): OperatorLog {
  return pino(
    {
      base: { role, pid: process.pid },
      timestamp: pinoIsoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: what is said last before the end of a process is what matters most.
    destination({ fd: 2, sync: true }),
  );
}

function pinoIsoTime(): string {
  return `,"time":"${new Date().toISOString()}"`;
}
