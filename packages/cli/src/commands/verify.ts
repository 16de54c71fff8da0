import type { AlgorithmPolicy, PathProfile } from '@countersign/pki';
import { parseTime } from '../admin/names.ts';
import { pathFrom } from '../context.ts';
import { CliFailure, usage } from '../failure.ts';
import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface VerifyFlags {
  readonly json?: boolean;
  readonly trust?: readonly string[];
  readonly intermediates?: readonly string[];
  readonly crl?: readonly string[];
  readonly crlScope: 'chain' | 'leaf';
  readonly purpose?: 'client' | 'server';
  readonly host?: string;
  readonly time?: number;
  readonly profile?: PathProfile;
  readonly algorithms: AlgorithmPolicy;
}

export const verify = command<VerifyFlags, [string]>({
  async run(given, file) {
    const output = outputOf(this, given.json);
    const paths = (names: readonly string[] = []): readonly string[] => names.map((name) => pathFrom(this, name));
    if ((given.trust ?? []).length === 0) throw usage('there is nothing to trust', 'name CA certificates with --trust');
    if (given.algorithms === 'legacy')
      output.note('countersign: legacy algorithms count here; no listener admits them');
    const { judgeFiles } = await import('../verification/verify.ts');
    const question = {
      certificate: pathFrom(this, file),
      trust: paths(given.trust),
      intermediates: paths(given.intermediates),
      crls: given.crl === undefined ? undefined : paths(given.crl),
      crlScope: given.crlScope,
      purpose: given.purpose ?? 'any',
      host: given.host,
      time: given.time ?? this.now(),
      profile: given.profile ?? 'rfc5280',
      strict: given.profile === 'rfc5280',
      algorithms: given.algorithms,
    } as const;
    const verdict = judgeFiles(question, (path, why) =>
      output.note(`countersign: something in ${path} is malformed and does not count: ${why}`),
    );
    output.object(verdict);
    if (!verdict.ok) {
      // With --json the verdict is on stdout; the line on stderr is for people.
      const { code, message } = verdict;
      throw new CliFailure({ foreignCode: code, message: `refused: ${code}: ${message}`, told: true });
    }
    output.say('valid');
    for (const { subject, serial } of verdict.path) output.say(`  ${subject} (${serial})`);
  },
  parameters: {
    flags: {
      json: flags.json,
      trust: flags.files('CA certificates to trust, self-signed or not'),
      intermediates: flags.files('Certificates that may stand between: files (PEM, DER, PKCS#7) and folders of them'),
      crl: flags.files('CRLs; once one is given, what they do not cover is refused'),
      crlScope: {
        kind: 'enum',
        values: ['chain', 'leaf'],
        default: 'chain',
        brief: 'What --crl must cover: every certificate below the trusted one, or the leaf alone',
      },
      purpose: {
        kind: 'enum',
        values: ['client', 'server'],
        optional: true,
        brief: 'What the certificate is to be used for (else any use)',
      },
      host: flags.value('NAME', 'The DNS name or IP address that it must be for (RFC 9525)'),
      time: {
        kind: 'parsed',
        parse: parseTime,
        optional: true,
        placeholder: 'RFC3339',
        brief: 'The moment to judge for (else now)',
      },
      profile: {
        kind: 'enum',
        values: ['rfc5280', 'webpki', 'spiffe'],
        optional: true,
        brief:
          'Whose rules hold (else those of the gateway: RFC 5280, section 6). Named, rfc5280 also holds issuers to section 4',
      },
      algorithms: {
        kind: 'enum',
        values: ['modern', 'legacy'],
        default: 'modern',
        brief:
          'legacy also verifies DSA, SHA-1, SHA-224 and RSA from 1024 bits: to look at old chains, never to trust them',
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, placeholder: 'CERT', brief: 'The certificate (PEM or DER), its chain after it' }],
    },
  },
  docs: { brief: 'Judge a certificate: is there a valid path to what you trust, and if not, why' },
});
