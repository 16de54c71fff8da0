import { isDestination } from '@countersign/trust';
import { z } from 'zod';
import { duration, file } from './fields.ts';

/** How the revocation of the certificates of one bundle is known, as people write it. */

const destination = z.string().refine(isDestination, 'an address, a range such as 10.0.0.0/8, or a host name');

export const stalenessSchema = z.strictObject({
  mode: z
    .enum(['hard', 'soft', 'off'])
    .describe(
      'When the news about revocations is too old: refuse (hard, the default), admit and alarm (soft), or do not ask (off).',
    ),
  maxStale: z
    .union([z.literal('nextUpdate'), duration('Age beyond which it is too old.')])
    .optional()
    .describe('Absent: 24h for the own feed, nextUpdate for the CRLs of other CAs.'),
});

export const crlSourceSchema = z.union([
  z.strictObject({ file: file('A CRL, PEM or DER, read again when it changes.') }),
  z.strictObject({
    url: z.url({ protocol: /^https?$/u }).describe('Where to fetch a CRL. Never taken from a client certificate.'),
    every: duration('How often to fetch; at the latest at nextUpdate. Absent: 1h.').optional(),
  }),
]);

const ocspSchema = z
  .strictObject({
    urls: z
      .array(z.url({ protocol: /^https?$/u }))
      .min(1)
      .max(8)
      .describe(
        'Responders for all certificates of the bundle. Absent: those that each certificate of a trusted chain names.',
      )
      .optional(),
    nonce: z
      .enum(['off', 'optional', 'required'])
      .describe(
        'Whether requests carry a nonce. required: an answer without it is none. Absent: off, so that responders may answer from a cache.',
      )
      .optional(),
    timeout: duration('For one responder. Absent: 10s.').optional(),
    every: duration('How often an answer is asked for again; in any case well before its end. Absent: 1h.').optional(),
    maxAge: duration(
      'Age beyond which an answer is stale, whatever it says. Absent: its own nextUpdate, 1h where it has none.',
    ).optional(),
    responderRevocation: z
      .enum(['required', 'ignored'])
      .describe(
        "Whether a delegated responder's certificate without `nocheck` must be known not to be revoked, by a CRL. Absent: required.",
      )
      .optional(),
    maxAnswers: z.int().min(100).max(1_000_000).describe('Answers kept in memory. Absent: 20000.').optional(),
  })
  .describe('Absent with `use: ocsp` or `both`: everything has its default.');

export const revocationSchema = z
  .strictObject({
    use: z.enum(['crl', 'ocsp', 'both']).describe('What is asked. Absent: whatever is configured here.').optional(),
    order: z
      .enum(['crl-first', 'ocsp-first'])
      .describe('With both: which is asked first. Absent: crl-first, so that nobody waits whom a CRL covers.')
      .optional(),
    fallback: z
      .boolean()
      .describe(
        'With both: whether the second may stand in where the first does not speak. false: both must speak. Absent: true.',
      )
      .optional(),
    mode: stalenessSchema.shape.mode.optional(),
    maxStale: stalenessSchema.shape.maxStale,
    crls: z
      .array(crlSourceSchema)
      .min(1)
      .max(1024)
      .describe('Where CRLs come from: complete, delta, partitioned, indirect.')
      .optional(),
    distributionPoints: z
      .boolean()
      .describe('Whether CRLs are fetched also from where the certificates of a trusted chain say. Absent: false.')
      .optional(),
    signers: z
      .array(
        file('PEM: certificates, not of CAs, that may sign indirect CRLs (cRLSign) or OCSP answers (OCSPSigning).'),
      )
      .min(1)
      .describe('Whose word counts besides the CAs and those that they delegate. Absent: nobody.')
      .optional(),
    ocsp: ocspSchema.optional(),
    wait: duration(
      'How long a connection waits for news about its certificates that are not here. Absent: 2s.',
    ).optional(),
    allowAddresses: z
      .array(destination)
      .min(1)
      .describe(
        'Addresses that are not public, and hosts that may have private ones, from which CRLs and answers may be fetched. An address in a URL of this file is allowed as it is.',
      )
      .optional(),
    alarmBefore: duration(
      'How long before a CRL ends the alarm is raised. Absent: a quarter of its lifetime, at most 30 days.',
    ).optional(),
  })
  .describe('How revocation by these CAs is known. Absent, without `crls`: it is not checked, and a warning says so.');

export const staplingSchema = z
  .union([
    z.literal('off'),
    z.strictObject({
      timeout: duration('For one responder. Absent: 10s.').optional(),
      allowAddresses: z
        .array(destination)
        .min(1)
        .describe(
          'Addresses that are not public, and hosts that may have private ones, at which responders of certificates from files may be asked.',
        )
        .optional(),
    }),
  ])
  .describe(
    'OCSP stapling for the certificates that hosts show, wherever such a certificate names a responder. Absent: on, at public addresses and those of the authority.',
  );

export type StaplingEntry = z.output<typeof staplingSchema>;
export type StalenessEntry = z.output<typeof stalenessSchema>;
export type RevocationEntry = z.output<typeof revocationSchema>;
