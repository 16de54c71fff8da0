import { PkiError } from '../errors.ts';
import { decodeLatin1 } from '../der/strings.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';

/** One PEM block. */
export interface PemBlock {
  /** What stands between BEGIN and the dashes: `CERTIFICATE`, `PRIVATE KEY`, `X509 CRL`, … */
  readonly label: string;
  readonly der: Uint8Array;
}

/** Bounds of one reading. */
export interface PemLimits {
  /** Largest text, in octets. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 64 << 20;
const BEGIN = '-----BEGIN ';
const END = '-----END ';
const DASHES = '-----';
const LINE_WIDTH = 64;

/**
 * Reads every block of a PEM text (RFC 7468). Text outside of blocks is skipped, as its section 2 allows; inside a block
 * everything is strict: labels that match, base64 with its padding and nothing else. Encapsulated headers (the old
 * `Proc-Type: 4,ENCRYPTED`) are refused. A text without any block gives an empty array.
 *
 * @throws PkiError `pem_malformed`, `pem_size`
 * @example
 * const certificates = pemDecode(text).filter(({ label }) => label === 'CERTIFICATE').map(({ der }) => parseCertificate(der));
 */
export function pemDecode(input: string | Uint8Array, limits?: PemLimits): PemBlock[] {
  if (input.length > (limits?.maxBytes ?? DEFAULT_MAX_BYTES)) throw new PkiError('pem_size', `${input.length} octets`);
  const text = typeof input === 'string' ? input : latin1(input);
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let body: string[] = [];
  for (const raw of text.split(/\r\n|\n|\r/)) {
    // Also drops a byte order mark, and the indentation of a block inside a YAML file.
    const line = raw.trim();
    if (label === undefined) {
      if (line.startsWith(BEGIN)) {
        label = boundaryLabel(line, BEGIN);
        body = [];
      } else if (line.startsWith(END)) throw new PkiError('pem_malformed', 'END without BEGIN');
    } else if (line.startsWith(END)) {
      if (boundaryLabel(line, END) !== label) throw new PkiError('pem_malformed', 'END has another label than BEGIN');
      blocks.push({ label, der: decodeBody(body) });
      label = undefined;
    } else if (line.startsWith(BEGIN)) throw new PkiError('pem_malformed', 'BEGIN inside a block');
    else body.push(line);
  }
  if (label !== undefined) throw new PkiError('pem_malformed', 'a block without END');
  return blocks;
}

function latin1(bytes: Uint8Array): string {
  const chunks: string[] = [];
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  for (let at = start; at < bytes.length; at += 0x8000) {
    chunks.push(decodeLatin1(bytes, at, Math.min(at + 0x8000, bytes.length)));
  }
  return chunks.join('');
}

function boundaryLabel(line: string, start: string): string {
  const label = line.slice(start.length, -DASHES.length);
  // RFC 7468 section 3: printable characters, single spaces or dashes between.
  if (!line.endsWith(DASHES) || !/^[!-,.-~]+(?:[ -][!-,.-~]+)*$/.test(label)) {
    throw new PkiError('pem_malformed', 'a boundary line');
  }
  return label;
}

function decodeBody(lines: readonly string[]): Uint8Array {
  if (lines.some((line) => line.includes(':'))) throw new PkiError('pem_malformed', 'headers inside a block');
  const text = lines.join('');
  if (text === '') throw new PkiError('pem_malformed', 'an empty block');
  return decodeBase64(text);
}

/**
 * The one block of this label in a PEM text.
 *
 * @throws PkiError `pem_label` when there is none or more than one, and what {@link pemDecode} throws
 */
export function pemDecodeOne(input: string | Uint8Array, label: string): Uint8Array {
  const [block, ...more] = pemDecode(input).filter((candidate) => candidate.label === label);
  if (block === undefined || more.length > 0) throw new PkiError('pem_label', `expected exactly one ${label}`);
  return block.der;
}

/** The label of OpenSSL's own form of a certificate: behind it stands what it is trusted, or not trusted, for. */
export const TRUSTED_CERTIFICATE = 'TRUSTED CERTIFICATE';

/**
 * What to do about a block of this label where certificates are asked for; undefined where there is no advice. What OpenSSL writes
 * beside a trusted certificate may forbid uses of it, so that to take the certificate alone would be to trust more than was written.
 *
 * @example pemLabelAdvice('TRUSTED CERTIFICATE')
 */
export function pemLabelAdvice(label: string): string | undefined {
  return label === TRUSTED_CERTIFICATE
    ? "OpenSSL's own form, with uses that it trusts or rejects; convert it: openssl x509 -in FILE -out PLAIN.pem"
    : undefined;
}

/**
 * PEM text of one block (RFC 7468), lines of 64 characters, with a line feed at the end.
 *
 * @example
 * pemEncode('CERTIFICATE', certificate.der)
 */
export function pemEncode(label: string, der: Uint8Array): string {
  const text = encodeBase64(der);
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += LINE_WIDTH) lines.push(text.slice(at, at + LINE_WIDTH));
  return `${BEGIN}${label}${DASHES}\n${lines.join('\n')}\n${END}${label}${DASHES}\n`;
}
