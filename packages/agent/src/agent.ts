// A machine's identities, all of them looked after by one process.
import { pino, type Logger } from 'pino';
import { agentConfigSchema } from './config.ts';
import { AgentError } from './errors.ts';
import { keepIdentity, type KeptIdentity } from './kept-identity.ts';

/** How an agent is started. */
export interface AgentOptions {
  /** The configuration, as parsed from YAML or JSON. */
  readonly config: unknown;
  /** Folder that relative paths of the configuration start at. */
  readonly baseDir: string;
  /** Where it tells what happens; absent: JSON lines on stderr. */
  readonly log?: Logger;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** A running agent. */
export interface Agent {
  readonly identities: readonly KeptIdentity[];
  /** Resolves when every identity has a certificate. */
  readonly ready: Promise<void>;
  stop(): void;
}

/**
 * Looks after the identities of a configuration: enrolls what is not there, renews at two thirds of each lifetime, and runs
 * the hooks. What fails is logged and tried again.
 *
 * @throws AgentError `config_invalid`
 * @example
 * const agent = startAgent({ config: { identities: { web: { folder: 'id', tokenFile: 'token' } } }, baseDir: '/etc/countersign' });
 * await agent.ready;
 */
export function startAgent(options: AgentOptions): Agent {
  const checked = agentConfigSchema.safeParse(options.config);
  if (!checked.success) {
    const problems = checked.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`);
    throw new AgentError('config_invalid', problems.join('; '));
  }
  const { identities: wanted, log: level } = checked.data;
  const log = options.log ?? pino({ name: 'agent', level: level ?? 'info' }, pino.destination(2));
  const around = { baseDir: options.baseDir, now: options.now ?? Date.now, random: options.random ?? Math.random };
  const identities = Object.entries(wanted).map(([name, config]) =>
    keepIdentity(name, config, around, {
      onEnrolled: ({ leaf }) =>
        log.info({ identity: name, serial: leaf.serialHex, notAfter: time(leaf.notAfter) }, 'enrolled'),
      onRenewed: ({ leaf }) =>
        log.info({ identity: name, serial: leaf.serialHex, notAfter: time(leaf.notAfter) }, 'renewed'),
      onWaiting: ({ request, expiresAt }) =>
        log.info({ identity: name, request, until: time(expiresAt) }, 'waits for the approval of an administrator'),
      onFailed: (error, nextAt) => {
        const { code, message } = error as { code?: unknown; message?: unknown };
        log.warn({ identity: name, code, nextAt: nextAt === undefined ? undefined : time(nextAt) }, String(message));
      },
    }),
  );
  return {
    identities,
    ready: Promise.all(identities.map(({ ready }) => ready)).then(() => undefined),
    stop: () => {
      for (const identity of identities) identity.stop();
    },
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
