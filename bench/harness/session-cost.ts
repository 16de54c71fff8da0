import { readdirSync, readFileSync } from 'node:fs';

/** What a server's processes have used so far, and hold now. */
export interface SessionCost {
  /** User and system time of all of them, milliseconds. */
  readonly cpuMs: number;
  /** Resident memory, shared pages counted by their share (PSS), bytes. */
  readonly bytes: number;
}

/** Sums over the processes of a session, from /proc (Linux). */
export function sessionCost(session: number): SessionCost {
  let cpuMs = 0;
  let bytes = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^[0-9]+$/u.test(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // The name in brackets may hold anything; what follows the last one is columns.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(fields[3]) !== session) continue;
      cpuMs += threadsMs(pid);
      bytes += pssBytes(pid);
    } catch {
      continue; // It has ended meanwhile.
    }
  }
  return { cpuMs, bytes };
}

/** Nanoseconds on a processor of each thread: finer than the ticks of `stat`. */
function threadsMs(pid: string): number {
  let ms = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    ms += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  }
  return ms;
}

function pssBytes(pid: string): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return Number(/^Pss:\s+(?<kilobytes>[0-9]+)/mu.exec(rollup)?.groups?.['kilobytes'] ?? 0) * 1024;
}

/** Resident memory of each process of a session that is not its first (the workers), bytes. */
export function workersResident(session: number): readonly number[] {
  const resident: number[] = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^[0-9]+$/u.test(pid) || Number(pid) === session) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(fields[3]) !== session) continue;
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      resident.push(Number(/^VmRSS:\s+(?<kilobytes>[0-9]+)/mu.exec(status)?.groups?.['kilobytes'] ?? 0) * 1024);
    } catch {
      continue; // It has ended meanwhile.
    }
  }
  return resident;
}
