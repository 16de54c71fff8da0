import { z } from 'zod';

/** The parts of a running Countersign. */
export const processRoles = ['supervisor', 'authority', 'gateway', 'worker'] as const;
/** One of {@link processRoles}. */
export const processRoleSchema = z.enum(processRoles);
export type ProcessRole = z.infer<typeof processRoleSchema>;

/** Where a process listens: `host:port` with the real port, or the path of a Unix socket. */
export const listenSchema = z.strictObject({
  authority: z.string().optional(),
  http: z.string().optional(),
  /** The listener that asks for no client certificate. */
  enroll: z.string().optional(),
  /** The authority's admin socket, or the gateway's admin listener. */
  admin: z.string().optional(),
  gateway: z.array(z.string()).optional(),
});
export type Listen = z.infer<typeof listenSchema>;

/** A child tells its supervisor that everything it was asked to listen on does. */
export const listeningEventSchema = z.strictObject({
  event: z.literal('listening'),
  role: processRoleSchema,
  pid: z.int(),
  listen: listenSchema,
});
export type ListeningEvent = z.infer<typeof listeningEventSchema>;

/** A child cannot start, or cannot go on: one line for the user, and whether another try could help. */
export const failedEventSchema = z.strictObject({
  event: z.literal('failed'),
  role: processRoleSchema,
  pid: z.int(),
  code: z.string(),
  message: z.string(),
  retry: z.boolean(),
});
export type FailedEvent = z.infer<typeof failedEventSchema>;

/** What a child says over IPC. */
export const processEventSchema = z.discriminatedUnion('event', [listeningEventSchema, failedEventSchema]);
export type ProcessEvent = z.infer<typeof processEventSchema>;

/** The first message of a supervisor to its child: `options` are the child's own start options, passphrases among them. */
export const startCommandSchema = z.strictObject({ command: z.literal('start'), options: z.unknown() });
export type StartCommand = z.infer<typeof startCommandSchema>;
