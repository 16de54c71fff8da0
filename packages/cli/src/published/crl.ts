// What there is to tell of a CRL, and whether it can be relied on.
import {
  buildAndValidate,
  type Certificate,
  type Crl,
  crlChecker,
  lintCrl,
  nameEquals,
  parseCertificate,
  parseCrl,
  pemDecode,
  PkiError,
  refusalOf,
  trustAnchor,
  verifySignature,
} from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { unreadable } from '../failure.ts';
import { describe } from '../inspection/describe.ts';
import { type Description, factLines, present, time } from '../inspection/facts.ts';

/** Why a CRL, or a certificate by it, does not stand. */
export interface CrlFault {
  readonly code: string;
  readonly detail: string;
}

/** What `crl` tells. */
export interface CheckedCrl {
  readonly description: Description;
  readonly fault: CrlFault | undefined;
  entries(): readonly Description[];
}

/** The certificate of a file that holds one, and no CRL. */
export function certificateIn(bytes: Uint8Array): Certificate | undefined {
  try {
    if (bytes[0] === 0x30) return parseCertificate(new Uint8Array(bytes));
    const block = pemDecode(bytes).find(({ label }) => label === 'CERTIFICATE' || label === 'X509 CRL');
    return block?.label === 'CERTIFICATE' ? parseCertificate(block.der) : undefined;
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}

/** @throws CliFailure (exit 2) for what is no CRL */
export function readCrl(bytes: Uint8Array, from: string): Crl {
  try {
    const der =
      bytes[0] === 0x30 ? new Uint8Array(bytes) : pemDecode(bytes).find(({ label }) => label === 'X509 CRL')?.der;
    if (der !== undefined) return parseCrl(der);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw unreadable(`${from} is no CRL: ${error.message}`, error);
  }
  throw unreadable(`${from} holds no CRL`);
}

/** Checks a CRL at a moment: in force, signed by `issuer`, and what it says about `certificate`. The first fault counts. */
export function checkCrl(
  crl: Crl,
  about: {
    readonly issuer: Certificate | undefined;
    readonly certificate: Certificate | undefined;
    readonly delta?: Crl | undefined;
    readonly now: number;
  },
): CheckedCrl {
  const { issuer, certificate, delta, now } = about;
  const findings = lintCrl(crl, issuer === undefined ? {} : { issuer });
  const verified = issuer === undefined ? undefined : signedBy(crl, issuer);
  const status =
    issuer === undefined || certificate === undefined
      ? undefined
      : statusOf([crl, ...(delta === undefined ? [] : [delta])], issuer, certificate, now);
  const { kind: _, ...facts } = describe({ kind: 'crl', crl });
  return {
    description: present({
      ...facts,
      freshest: crl.freshestCrl?.flatMap(
        ({ name }) => name?.fullName?.map((one) => (one.type === 'uri' ? one.value : one.type)) ?? [],
      ),
      signature: verified === undefined ? 'not checked' : verified ? 'verified' : 'does not verify',
      findings:
        findings.length === 0
          ? undefined
          : findings.map(({ severity, code, detail }) => `${severity} ${code}: ${detail}`),
      delta: delta === undefined ? undefined : deltaFacts(delta),
      status: status === undefined ? undefined : (status?.code ?? 'good'),
    }),
    fault:
      verified === false
        ? wrongSignature
        : (timeFault(crl, now) ?? deltaFault(crl, delta, issuer, now) ?? status ?? undefined),
    entries: () => {
      const found: Description[] = [];
      crl.forEachEntry((entry) => {
        const { serialHex, revocationDate, reason, invalidityDate } = entry;
        const since = invalidityDate === undefined ? undefined : time(invalidityDate);
        found.push(present({ serial: serialHex, revokedAt: time(revocationDate), reason, invalidityDate: since }));
      });
      return found;
    },
  };
}

const wrongSignature: CrlFault = {
  code: 'crl_signature',
  detail: 'the CRL is not signed by the issuer that was named',
};

function signedBy(crl: Crl, issuer: Certificate): boolean {
  return nameEquals(crl.issuer, issuer.subject) && verifySignature(crl, issuer.spki, nodeCrypto).ok;
}

function timeFault({ thisUpdate, nextUpdate }: Crl, now: number): CrlFault | undefined {
  const detail =
    thisUpdate > now
      ? `the CRL begins at ${time(thisUpdate)}`
      : nextUpdate === undefined
        ? 'the CRL does not say when it ends: nobody can tell whether there is a newer one'
        : nextUpdate < now
          ? `the CRL ended at ${time(nextUpdate)}`
          : undefined;
  return detail === undefined ? undefined : { code: 'crl_not_in_force', detail };
}

/** What there is to tell of a delta besides its list. */
function deltaFacts(delta: Crl): string {
  const { crlNumber, deltaCrlIndicator, entryCount, nextUpdate } = delta;
  const until = nextUpdate === undefined ? 'without an end' : `until ${time(nextUpdate)}`;
  return `number ${crlNumber ?? 'none'} to ${deltaCrlIndicator ?? 'none'}, ${entryCount} entries, ${until}`;
}

/** RFC 5280 section 5.2.4: whether a delta can be put together with a list. */
function deltaFault(
  crl: Crl,
  delta: Crl | undefined,
  issuer: Certificate | undefined,
  now: number,
): CrlFault | undefined {
  if (delta === undefined || issuer === undefined) return undefined;
  if (!signedBy(delta, issuer))
    return { ...wrongSignature, detail: 'the delta is not signed by the issuer that was named' };
  const { deltaCrlIndicator: base, crlNumber: number } = delta;
  const why =
    base === undefined || number === undefined
      ? 'what freshestCRL leads to is no delta CRL'
      : crl.crlNumber === undefined || crl.crlNumber < base
        ? `the delta is to list ${base} or later, and this is ${crl.crlNumber ?? 'without a number'}`
        : undefined;
  if (why !== undefined) return { code: 'crl_delta_unfit', detail: why };
  const late = timeFault(delta, now);
  return late === undefined ? undefined : { ...late, detail: late.detail.replace('the CRL', 'the delta') };
}

/** Null: it is good. */
function statusOf(crls: readonly Crl[], issuer: Certificate, certificate: Certificate, now: number): CrlFault | null {
  const verdict = buildAndValidate(certificate, {
    anchors: [trustAnchor(issuer)],
    intermediates: [],
    time: now,
    crypto: nodeCrypto,
    purpose: 'any',
    revocation: crlChecker({ crls, scope: 'leaf' }),
  });
  return verdict.ok ? null : { code: refusalOf(verdict.code), detail: verdict.detail };
}

/** The same for people. */
export function crlLines(from: string, checked: CheckedCrl, all: boolean): readonly string[] {
  const listed = all ? checked.entries().map((entry) => `  ${Object.values(entry).map(String).join(' ')}`) : [];
  return [...factLines(from, checked.description), ...listed];
}
