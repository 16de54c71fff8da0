import { z } from 'zod';
import { cursorSchema } from './feed.ts';
import { sha256HexSchema, timestampSchema } from './names.ts';

/** Answer of GET /v1/health. */
export const healthSchema = z.strictObject({ status: z.literal('ok'), version: z.string() });
export type Health = z.infer<typeof healthSchema>;

/** Something an operator should mend. */
export const warningSchema = z.strictObject({ code: z.string(), message: z.string() });
export type Warning = z.infer<typeof warningSchema>;

const caSchema = z.strictObject({
  /** `root`, `issuing-1`, … as in the file names of DATA/ca. */
  id: z.string(),
  subject: z.string(),
  serial: z.string(),
  notAfter: timestampSchema,
  fingerprintSha256: sha256HexSchema,
  /** Whether its key lies in DATA. */
  online: z.boolean(),
  crl: z
    .strictObject({ number: z.int(), thisUpdate: timestampSchema, nextUpdate: timestampSchema, entries: z.int() })
    .optional(),
});

const gatewayStatusSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  connectedAt: timestampSchema,
  acknowledged: cursorSchema.optional(),
  workers: z.int(),
});

/** GET /v1/status. */
export const statusSchema = z.strictObject({
  version: z.string(),
  pid: z.int(),
  startedAt: timestampSchema,
  listen: z.record(z.string(), z.string()),
  cursor: cursorSchema,
  generation: z.int(),
  root: caSchema,
  issuing: z.array(caSchema),
  certificates: z.strictObject({ total: z.int(), valid: z.int(), revoked: z.int() }),
  /** How many requests wait for an administrator. */
  requestsWaiting: z.int(),
  /** Those of this node. */
  gateways: z.array(gatewayStatusSchema),
  /** Servers of the SDK that judge by the feed of this node. */
  servers: z.array(gatewayStatusSchema).optional(),
  /** The other nodes of the same store. */
  nodes: z.array(z.strictObject({ name: z.string(), gateways: z.int(), servers: z.int().optional() })).optional(),
  warnings: z.array(warningSchema),
});
export type Status = z.infer<typeof statusSchema>;
