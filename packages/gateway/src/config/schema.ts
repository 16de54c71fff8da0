import { z } from 'zod';
import { address, bytes, duration, file, text } from './fields.ts';
import { crlSourceSchema, revocationSchema, stalenessSchema, staplingSchema } from './revocation-schema.ts';

/**
 * The gateway's configuration as people write it (YAML or JSON). Every field says in `describe` what it does and what it is
 * when absent; the published JSON Schema is made from this. {@link compileConfig} turns it into policies.
 */

export const allowSchema = z
  .strictObject({
    profile: text('The profile recorded in a certificate of our own authority.').optional(),
    name: text('The common name, exactly.').optional(),
    dns: text('A DNS name of the certificate; one leading `*.` stands for exactly one label.').optional(),
    uri: text(
      'A URI of the certificate, exactly; for SPIFFE ids `/*` at the end stands for any path below.',
    ).optional(),
    email: text('An email address of the certificate; the part before @ exactly.').optional(),
    spkiSha256: text('SHA-256 of the public key (SubjectPublicKeyInfo), in hex or base64.').optional(),
    issuer: text(
      "The issuer's distinguished name as `countersign inspect` prints it, or SHA-256 of the issuing CA's public key in hex.",
    ).optional(),
  })
  .refine((rule) => Object.values(rule).some((value) => value !== undefined), 'name at least one property')
  .describe(
    'Properties of a certificate; all of one entry must hold. Certificates of profile admin count only where the entry names that profile.',
  );

const allowListSchema = z
  .array(allowSchema)
  .min(1)
  .describe('Who may come in: any one entry is enough. Absent: every valid certificate, but those of profile admin.');

const clientCertSchema = z
  .enum(['required', 'optional'])
  .describe('Whether a request needs a client certificate. A certificate that is not acceptable is refused in both.');

const upstreamSchema = z
  .union([
    text('The URL of the service: http:, https:, h2c: (HTTP/2 without TLS) or unix:.'),
    z.strictObject({
      url: text('The URL of the service: http:, https:, h2c: (HTTP/2 without TLS) or unix:.'),
      ca: file(
        'PEM file of the CAs that an https: upstream may have. Absent: the public CAs that Node ships.',
      ).optional(),
      serverName: text(
        'The name that the certificate of an https: upstream must have. Absent: the host of the URL.',
      ).optional(),
    }),
  ])
  .describe('Where requests go.');

const routeSchema = z.strictObject({
  path: z.string().startsWith('/').describe('Path prefix, matched on whole segments; the longest wins.'),
  clientCert: clientCertSchema.optional(),
  allow: allowListSchema.optional(),
  upstream: upstreamSchema,
});

const certificateSchema = z
  .union([
    z.strictObject({
      authority: z.strictObject({
        names: z.array(text('A DNS name or IP address.')).min(1).optional().describe('Absent: the names of the host.'),
        mustStaple: z
          .boolean()
          .optional()
          .describe(
            'Whether the certificate demands of every client that it comes with an OCSP response. Absent: false.',
          ),
      }),
    }),
    z.strictObject({
      files: z.strictObject({
        cert: file('PEM: the certificate, then its intermediates.'),
        key: file('PEM: its private key.'),
      }),
    }),
  ])
  .describe(
    'The certificate that the host shows: from the authority, renewed by itself, or from files, read again when they change.',
  );

const hostSchema = z
  .strictObject({
    names: z
      .array(text('A DNS name, `*.` and a name for one label, an IP address, or `*` for any.'))
      .min(1)
      .describe('The hosts that are served.'),
    certificate: certificateSchema,
    clientCert: clientCertSchema.optional(),
    trust: z
      .array(text('A bundle.'))
      .min(1)
      .optional()
      .describe('The bundles whose CAs clients may have. Absent: own, where there is an authority.'),
    allow: allowListSchema.optional(),
    upstream: upstreamSchema.optional(),
    routes: z.array(routeSchema).min(1).optional(),
  })
  .refine((host) => (host.upstream === undefined) !== (host.routes === undefined), 'give either upstream or routes');

const listenerSchema = z.strictObject({
  listen: address('HOST:PORT to accept TLS connections on; port 0 is any free one.'),
  hosts: z
    .array(hostSchema)
    .min(1)
    .describe('The first is the default: it is what clients without a server name (SNI) get.'),
});

const bundleSchema = z.strictObject({
  files: z
    .array(file('PEM: CA certificates. Self-signed ones are anchors, others intermediates.'))
    .min(1)
    .describe('What this bundle trusts.'),
  anchors: file('PEM: CA certificates that are anchors although not self-signed.').optional(),
  crls: z.array(crlSourceSchema).min(1).optional().describe('Short for `revocation: {crls: …}`.'),
  staleness: stalenessSchema.describe('Short for `revocation: {mode: …, maxStale: …}`.').optional(),
  revocation: revocationSchema.optional(),
});

const limitsSchema = z
  .strictObject({
    connections: z.int().min(1).max(1_000_000).describe('Connections at once in one worker. Absent: 10000.'),
    handshakes: z.int().min(1).max(1_000_000).describe('TLS handshakes under way at once in one worker. Absent: 1000.'),
    requestLine: bytes('Longest request line.'),
    fieldLine: bytes('Longest header line.'),
    fieldSection: bytes('Longest header.'),
    fieldCount: z.int().min(1).max(10_000).describe('Most header lines.'),
    body: bytes('Largest request body. Absent: unlimited.'),
    requestsPerConnection: z.int().min(1).describe('Requests after which a connection is closed in an orderly way.'),
    concurrentStreams: z.int().min(1).max(100_000).describe('HTTP/2: streams at once on a connection.'),
  })
  .partial();

const timeoutsSchema = z
  .strictObject({
    handshake: duration('TLS handshake. Absent: 10s.'),
    header: duration('Request header. Absent: 15s.'),
    keepAlive: duration('Between two requests. Absent: 75s.'),
    bodyIdle: duration('A body that the client does not move. Absent: 60s.'),
    upstreamConnect: duration('Connection to the upstream. Absent: 5s.'),
    upstreamResponse: duration("The upstream's answer. Absent: 60s."),
    upstreamIdle: duration('A body that the upstream does not move. Absent: 60s.'),
    tunnelIdle: duration('A WebSocket in which nothing moves; 0 is for ever. Absent: 0.'),
    drain: duration('Time for what is under way when the gateway stops. Absent: 30s.'),
  })
  .partial();

export const gatewayConfigSchema = z
  .strictObject({
    listeners: z.array(listenerSchema).min(1),
    authority: z
      .strictObject({
        url: z.url({ protocol: /^https$/u }).describe("The authority's HTTPS address."),
        identity: file("Folder of the gateway's own certificate and key; made by enrollment."),
        tokenFile: file('File with an enrollment token; needed while the identity folder is empty.').optional(),
        staleness: stalenessSchema.optional(),
      })
      .describe('Absent: certificates and trust come from files alone.')
      .optional(),
    bundles: z
      .record(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/u, 'a lower-case name'), bundleSchema)
      .describe("CAs of clients, by name. `own` is the authority's and not written here.")
      .optional(),
    stapling: staplingSchema.optional(),
    admin: z
      .strictObject({
        listen: address('HOST:PORT of /metrics, /healthz and /readyz, plain HTTP.'),
        authorityMetrics: z
          .boolean()
          .describe("Also tell the authority's metrics at /metrics: where it runs on the same machine. Absent: false.")
          .optional(),
      })
      .describe('Absent: none.')
      .optional(),
    state: file(
      'Folder for the last verified trust state and the last good CRLs. Absent: `state` in the identity folder, none without an authority.',
    ).optional(),
    workers: z.int().min(1).max(256).describe('Worker processes. Absent: one for each core.').optional(),
    log: z
      .strictObject({
        access: z.union([
          z.enum(['stderr', 'stdout', 'off']),
          z.strictObject({ file: file('Access log, one JSON object a line.') }),
        ]),
      })
      .partial()
      .describe('Absent: the access log goes to stderr.')
      .optional(),
    timeouts: timeoutsSchema.optional(),
    limits: limitsSchema.optional(),
  })
  .describe('Configuration of the Countersign gateway');

/** The configuration as written. */
export type GatewayConfigInput = z.input<typeof gatewayConfigSchema>;
/** The configuration after the schema, before {@link compileConfig}. */
export type GatewayConfigShape = z.output<typeof gatewayConfigSchema>;
export type AllowEntry = z.output<typeof allowSchema>;
export type UpstreamEntry = z.output<typeof upstreamSchema>;
export type BundleEntry = z.output<typeof bundleSchema>;
