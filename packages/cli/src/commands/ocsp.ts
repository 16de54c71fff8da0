import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Certificate } from '@countersign/pki';
import { readUserBytes } from '../admin/target.ts';
import { type CliContext, pathFrom } from '../context.ts';
import { CliFailure, usage } from '../failure.ts';
import { bounds, type FetchFlags, fetchFlags } from '../published/fetch-flags.ts';
import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface OcspFlags extends Pick<FetchFlags, 'timeout' | 'allow'> {
  readonly json?: boolean;
  readonly issuer?: string;
  readonly url?: string;
  readonly response?: string;
  readonly nonce: boolean;
  readonly out?: string;
}

export const ocsp = command<OcspFlags, [string]>({
  async run(given, file) {
    const output = outputOf(this, given.json);
    const { parseCertificates } = await import('../verification/certificates.ts');
    const { checkOcsp } = await import('../published/ocsp.ts');
    const { factLines } = await import('../inspection/facts.ts');
    const [certificate, above] = parseCertificates([pathFrom(this, file)]);
    const [issuer] = given.issuer === undefined ? [above] : parseCertificates([pathFrom(this, given.issuer)]);
    if (certificate === undefined || issuer === undefined) {
      throw usage(`${file} holds no issuer`, 'name its certificate with --issuer');
    }
    const nonce = given.nonce && given.response === undefined ? randomBytes(32) : undefined;
    const { der, from } =
      given.response === undefined
        ? await askFor(this, certificate, issuer, nonce, given)
        : { der: new Uint8Array(readUserBytes(pathFrom(this, given.response))), from: pathFrom(this, given.response) };
    if (given.out !== undefined) await writeFile(pathFrom(this, given.out), der);
    const checked = checkOcsp(der, { certificate, issuer, nonce, now: this.now() });
    output.object({ source: from, ...checked.description });
    for (const line of factLines(from, checked.description)) output.say(line);
    const { fault } = checked;
    // With --json the object has told it.
    if (fault !== undefined) throw new CliFailure({ foreignCode: fault.code, message: fault.detail, told: true });
  },
  parameters: {
    flags: {
      json: flags.json,
      issuer: flags.file("The certificate of its CA (else the second in CERT's file)"),
      url: flags.value('URL', 'The responder (else the one that the certificate names)'),
      response: flags.file('Ask nobody: check this response (DER)'),
      nonce: {
        kind: 'boolean',
        default: true,
        brief:
          'Ask for an answer that nobody can have kept; a responder without nonces is accepted (--no-nonce: none is asked for)',
      },
      out: flags.file('Keep the response here, in DER'),
      timeout: fetchFlags.timeout,
      allow: fetchFlags.allow,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, placeholder: 'CERT', brief: 'The certificate (PEM or DER), its issuer after it' }],
    },
  },
  docs: {
    brief: 'Ask whether a certificate of any CA is revoked, and check the answer',
    fullDescription:
      'Exit code 0 only where a responder that may speak for the issuer says good. A URL in the certificate leads to public addresses only, unless --allow says more.',
  },
});

async function askFor(
  context: CliContext,
  certificate: Certificate,
  issuer: Certificate,
  nonce: Uint8Array | undefined,
  given: OcspFlags,
): Promise<{ der: Uint8Array; from: string }> {
  const { buildOcspRequest } = await import('@countersign/pki');
  const { fetchOcsp, FetchFailed, nodeCrypto } = await import('@countersign/trust');
  const { namedPlace, ocspPlaces } = await import('../published/fetching.ts');
  const named = given.url === undefined ? undefined : namedPlace(given.url, given);
  if (given.url !== undefined && named === undefined) throw usage(`${given.url} is not an http URL`);
  const place = named ?? ocspPlaces(certificate, given)[0];
  if (place === undefined)
    throw new CliFailure({
      code: 'fetch_failed',
      message: 'the certificate names no responder',
      mend: 'name one with --url',
    });
  const request = buildOcspRequest([certificate], issuer, nodeCrypto, nonce === undefined ? {} : { nonce });
  const from = place.url.href;
  try {
    const der = await fetchOcsp(place.url, request, { timeoutMs: bounds(given).timeoutMs, guard: place.guard });
    return { der, from };
  } catch (error) {
    if (!(error instanceof FetchFailed)) throw error;
    const mend = error.problem === 'forbidden' ? 'allow it with --allow HOST if it is meant' : undefined;
    throw new CliFailure({ code: 'fetch_failed', message: `${from}: ${error.message}`, mend, cause: error });
  }
}
