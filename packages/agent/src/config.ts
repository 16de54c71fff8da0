import { z } from 'zod';

/** Kept as written; an absolute path, or one that starts at the folder of the configuration file. */
const path = (words: string) => z.string().min(1).max(4096).describe(words);

const hookSchema = z
  .array(z.string().min(1).max(4096))
  .min(1)
  .describe(
    'A command and its arguments, started without a shell, with COUNTERSIGN_IDENTITY, COUNTERSIGN_CERT, COUNTERSIGN_KEY and COUNTERSIGN_CA in its environment.',
  );

const identitySchema = z
  .strictObject({
    folder: path('Folder of NAME.crt, NAME.key and ca.crt.').optional(),
    files: z
      .strictObject({
        cert: path('The certificate and its intermediates.'),
        key: path('Its key, readable by its owner only.'),
        ca: path('The roots.'),
      })
      .optional()
      .describe('The three files by name, instead of a folder.'),
    url: z
      .url({ protocol: /^https$/u })
      .optional()
      .describe("The authority. Absent: the token's, while enrolling; then where it was enrolled."),
    tokenFile: path(
      'File with an enrollment token; needed while there is no certificate. It is read anew at each try.',
    ).optional(),
    key: z
      .enum(['p256', 'p384', 'ed25519', 'rsa2048', 'rsa3072', 'ml-dsa-65'])
      .optional()
      .describe('The kind of key to make. Absent: p256.'),
    onRenewed: hookSchema.optional(),
  })
  .refine(
    (identity) => (identity.folder === undefined) !== (identity.files === undefined),
    'give either folder or files',
  )
  .describe('One identity of this machine.');

/** The agent's configuration as written. */
export const agentConfigSchema = z
  .strictObject({
    identities: z
      .record(
        z.string().regex(/^[A-Za-z0-9*][A-Za-z0-9.*_-]{0,63}$/u, 'a name that can be a file name'),
        identitySchema,
      )
      .refine((identities) => Object.keys(identities).length > 0, 'name at least one identity')
      .describe('The identities, by the name of their files.'),
    log: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).optional().describe('Absent: info.'),
  })
  .describe('Configuration of the Countersign agent');

/** One identity of the configuration. */
export type IdentityConfig = z.output<typeof agentConfigSchema>['identities'][string];

/** The JSON Schema (draft 2020-12) of the agent's configuration. */
export function agentJsonSchema(): unknown {
  return z.toJSONSchema(agentConfigSchema, { target: 'draft-2020-12' });
}
