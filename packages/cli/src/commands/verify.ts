import {
  type AlgorithmPolicy,
  buildAndValidate,
  type Certificate,
  crlChecker,
  nameToString,
  parseCertificate,
  type PathFault,
  type PathProfile,
  type PathResult,
  PkiError,
  refusalOf,
  trustAnchor,
} from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { parseTime } from '../admin/names.ts';
import { pathFrom } from '../context.ts';
import { CliFailure, usage } from '../failure.ts';
import { type Output, outputOf } from '../terminal/output.ts';
import { parseCertificates, parseCrls, readCertificates } from '../verification/certificates.ts';
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
  readonly profile: PathProfile;
  readonly algorithms: AlgorithmPolicy;
}

export const verify = command<VerifyFlags, [string]>({
  run(given, file) {
    const output = outputOf(this, given.json);
    const paths = (names: readonly string[] = []): readonly string[] => names.map((name) => pathFrom(this, name));
    if ((given.trust ?? []).length === 0) throw usage('there is nothing to trust', 'name CA certificates with --trust');
    const anchors = parseCertificates(paths(given.trust)).map(trustAnchor);
    const crls = parseCrls(paths(given.crl));
    const [leafDer, ...rest] = readCertificates(pathFrom(this, file));
    const leaf = parseLeaf(leafDer);
    if (!('der' in leaf)) {
      tell(output, { ok: false, code: 'malformed_certificate', reason: leaf.code, detail: leaf.message });
      throw refused('malformed_certificate', leaf.message);
    }
    if (given.algorithms === 'legacy')
      output.note('countersign: legacy algorithms count here; no listener admits them');
    const result = buildAndValidate(leaf, {
      anchors,
      intermediates: [...wellFormed(rest), ...parseCertificates(paths(given.intermediates))],
      time: given.time ?? this.now(),
      crypto: nodeCrypto,
      profile: given.profile,
      algorithms: given.algorithms,
      purpose: given.purpose ?? 'any',
      ...(given.host === undefined ? {} : { host: given.host }),
      ...(given.crl === undefined ? {} : { revocation: crlChecker({ crls, scope: given.crlScope }) }),
    });
    tell(output, verdict(result));
    if (!result.ok) throw refused(refusalOf(result.code), result.detail);
  },
  parameters: {
    flags: {
      json: flags.json,
      trust: flags.files('CA certificates to trust, self-signed or not'),
      intermediates: flags.files('Certificates that may stand between'),
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
        default: 'rfc5280',
        brief: 'Whose rules hold',
      },
      algorithms: {
        kind: 'enum',
        values: ['modern', 'legacy'],
        default: 'modern',
        brief:
          'legacy also verifies DSA, SHA-1, MD5 and RSA from 1024 bits: to look at old chains, never to trust them',
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, placeholder: 'CERT', brief: 'The certificate (PEM or DER), its chain after it' }],
    },
  },
  docs: { brief: 'Judge a certificate: is there a valid path to what you trust, and if not, why' },
});

interface Told {
  readonly ok: boolean;
  readonly [fact: string]: unknown;
}

function verdict(result: PathResult): Told {
  if (result.ok) return { ok: true, path: result.path.map(brief) };
  return {
    ok: false,
    ...fault(result),
    attempts: result.attempts.map((one) => ({ path: one.path.map(brief), ...fault(one) })),
  };
}

function fault({ code, detail, at }: PathFault): Omit<Told, 'ok'> {
  return { code: refusalOf(code), reason: code, detail, ...(at === undefined ? {} : { at: brief(at) }) };
}

function brief(certificate: Certificate): Readonly<Record<string, string>> {
  return {
    subject: nameToString(certificate.subject),
    serial: certificate.serialHex,
    notAfter: new Date(certificate.notAfter).toISOString(),
  };
}

function tell(output: Output, told: Told): void {
  output.object(told);
  if (told.ok) {
    output.say('valid');
    for (const { subject, serial } of told['path'] as readonly { subject: string; serial: string }[]) {
      output.say(`  ${subject} (${serial})`);
    }
  }
}

// The verdict is on stdout with --json; the line on stderr is for people.
function refused(code: string, detail: string): CliFailure {
  return new CliFailure({ foreignCode: code, message: `refused: ${code}: ${detail}`, told: true });
}

function parseLeaf(der: Uint8Array | undefined): Certificate | PkiError {
  try {
    return parseCertificate(der ?? new Uint8Array());
  } catch (error) {
    if (error instanceof PkiError) return error;
    throw error;
  }
}

// What a peer sends beside its certificate may be rubbish; it only can't help then.
function wellFormed(ders: readonly Uint8Array[]): readonly Certificate[] {
  return ders.flatMap((der) => {
    const parsed = parseLeaf(der);
    return parsed instanceof PkiError ? [] : [parsed];
  });
}
