import { writeFile } from 'node:fs/promises';
import type { Crl } from '@countersign/pki';
import { readUserBytes } from '../admin/target.ts';
import { type CliContext, pathFrom } from '../context.ts';
import { CliFailure, usage } from '../failure.ts';
import { bounds, type FetchFlags, fetchFlags } from '../published/fetch-flags.ts';
import type { Place } from '../published/fetching.ts';
import { outputOf } from '../terminal/output.ts';
import { progressBar } from '../terminal/progress.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface CrlFlags extends FetchFlags {
  readonly json?: boolean;
  readonly issuer?: string;
  readonly cert?: string;
  readonly entries?: boolean;
  readonly delta?: boolean;
  readonly out?: string;
}

export const crl = command<CrlFlags, [string]>({
  async run(given, source) {
    const output = outputOf(this, given.json);
    const { checkCrl, crlLines, readCrl } = await import('../published/crl.ts');
    const { parseCertificates } = await import('../verification/certificates.ts');
    const [issuer] = given.issuer === undefined ? [] : parseCertificates([pathFrom(this, given.issuer)]);
    const [certificate] = given.cert === undefined ? [] : parseCertificates([pathFrom(this, given.cert)]);
    if (certificate !== undefined && issuer === undefined) {
      throw usage('--cert needs --issuer', 'an unchecked CRL says nothing about anybody');
    }
    if (given.delta === true && issuer === undefined) {
      throw usage('--delta needs --issuer', 'where an unchecked CRL leads, nothing is fetched');
    }
    const { bytes, from } = await sourceBytes(this, source, given);
    const list = readCrl(bytes, from);
    if (given.out !== undefined) await writeFile(pathFrom(this, given.out), list.der);
    const now = this.now();
    const bare = checkCrl(list, { issuer, certificate: undefined, now });
    // What is not signed by the issuer leads nowhere.
    const delta =
      given.delta === true && bare.fault?.code !== 'crl_signature'
        ? await fetchDelta(this, list, from, given)
        : undefined;
    const checked =
      certificate === undefined && delta === undefined ? bare : checkCrl(list, { issuer, certificate, delta, now });
    output.object({
      source: from,
      ...checked.description,
      ...(given.entries === true ? { list: checked.entries() } : {}),
    });
    for (const line of crlLines(from, checked, given.entries === true)) output.say(line);
    const { fault } = checked;
    // With --json the object has told it.
    if (fault !== undefined) throw new CliFailure({ foreignCode: fault.code, message: fault.detail, told: true });
  },
  parameters: {
    flags: {
      json: flags.json,
      issuer: flags.file('The certificate of the CA: the signature is checked with it'),
      cert: flags.file('Whether this certificate is revoked; it must be covered (with --issuer)'),
      entries: flags.toggle('List every entry'),
      delta: flags.toggle('Fetch the delta that the CRL names in freshestCRL, and check by both (with --issuer)'),
      out: flags.file('Keep the CRL here, in DER'),
      ...fetchFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          parse: String,
          placeholder: 'FILE|URL',
          brief: 'A CRL (PEM or DER), where one is published, or a certificate that names one',
        },
      ],
    },
  },
  docs: {
    brief: 'Fetch, show and check a CRL, of any CA',
    fullDescription:
      'Exit code 1 where the CRL is not in force, is not signed by --issuer, or where --cert is revoked or not covered. URLs in certificates lead to public addresses only, unless --allow says more.',
  },
});

async function sourceBytes(
  context: CliContext,
  source: string,
  given: CrlFlags,
): Promise<{ bytes: Uint8Array; from: string }> {
  const { crlPlaces, namedPlace } = await import('../published/fetching.ts');
  const named = namedPlace(source, given);
  if (named !== undefined) return { bytes: await fetchFrom(context, named, given), from: named.url.href };
  const path = pathFrom(context, source);
  const bytes = readUserBytes(path);
  const { certificateIn } = await import('../published/crl.ts');
  const certificate = certificateIn(bytes);
  if (certificate === undefined) return { bytes, from: path };
  const places = crlPlaces(certificate, given);
  const [first] = places;
  if (first === undefined) {
    throw new CliFailure({ code: 'fetch_failed', message: `${source} names no CRL that can be fetched over HTTP` });
  }
  return { bytes: await fetchFrom(context, first, given), from: first.url.href };
}

async function fetchDelta(context: CliContext, list: Crl, from: string, given: FetchFlags): Promise<Crl> {
  const { deltaPlaces } = await import('../published/fetching.ts');
  const { readCrl } = await import('../published/crl.ts');
  const [place] = deltaPlaces(list, given);
  if (place === undefined) {
    throw new CliFailure({ code: 'fetch_failed', message: `${from} names no delta that can be fetched over HTTP` });
  }
  return readCrl(await fetchFrom(context, place, given), place.url.href);
}

async function fetchFrom(context: CliContext, { url, guard }: Place, given: FetchFlags): Promise<Uint8Array> {
  const { fetchCrl, TrustError } = await import('@countersign/trust');
  const bar = progressBar(context, `fetching ${url.host}${url.pathname}`);
  try {
    const answer = await fetchCrl(url, { ...bounds(given), guard, onProgress: bar.update });
    if (answer.kind === 'unchanged') throw new CliFailure({ code: 'fetch_failed', message: `${url.href}: not sent` });
    return answer.bytes;
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    const mend = /not allowed here/u.test(error.message) ? 'allow it with --allow HOST if it is meant' : undefined;
    throw new CliFailure({ code: 'fetch_failed', message: error.message, mend, cause: error });
  } finally {
    bar.end();
  }
}
