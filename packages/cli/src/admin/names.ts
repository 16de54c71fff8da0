// Names, times and lengths of time as the command line writes them.
import type { San } from '@countersign/protocol';
import { isIP } from 'node:net';
import { usage } from '../failure.ts';

/**
 * A subjectAltName as `TYPE:VALUE`.
 *
 * @throws CliFailure (exit 2) for an unknown type or an empty value.
 * @example parseSan('dns:api.example.com') // { type: 'dns', value: 'api.example.com' }
 */
export function parseSan(text: string): San {
  const colon = text.indexOf(':');
  const type = text.slice(0, Math.max(colon, 0)).toLowerCase();
  const value = text.slice(colon + 1);
  if ((type !== 'dns' && type !== 'ip' && type !== 'uri' && type !== 'email') || value === '') {
    throw usage(`${text} is not a name`, 'write dns:HOST, ip:ADDRESS, uri:URI or email:ADDRESS');
  }
  if (type === 'ip' && isIP(value) === 0) throw usage(`${value} is not an IP address`);
  if (type === 'uri' && !URL.canParse(value)) throw usage(`${value} is not an absolute URI`);
  if (type === 'email' && !/^[^@\s]+@[^@\s]+$/u.test(value)) throw usage(`${value} is not an e-mail address`);
  return { type, value };
}

/** A DNS name or an IP address, as `start --name` takes it. */
export function parseHostName(text: string): San {
  return isIP(text) === 0 ? { type: 'dns', value: text.toLowerCase() } : { type: 'ip', value: text };
}

/** A whole number above zero. @throws CliFailure (exit 2). */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/u.test(text) || count < 1 || !Number.isSafeInteger(count))
    throw usage(`${text} is not a number above zero`);
  return count;
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * A length of time: a number with `s`, `m`, `h` or `d`; without a unit seconds.
 *
 * @returns seconds
 * @throws CliFailure (exit 2).
 * @example parseDuration('15m') // 900
 */
export function parseDuration(text: string): number {
  const match = /^(\d+)([smhd]?)$/u.exec(text);
  const seconds = Number(match?.[1] ?? Number.NaN) * (secondsOf[match?.[2] ?? ''] ?? 1);
  if (!(seconds > 0)) throw usage(`${text} is not a length of time`, 'write 90s, 15m, 12h or 30d');
  return seconds;
}

/**
 * A moment as RFC 3339 writes it, with its offset.
 *
 * @returns milliseconds since the epoch
 * @throws CliFailure (exit 2).
 */
export function parseTime(text: string): number {
  const valid = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/u.test(text);
  const time = valid ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(time)) throw usage(`${text} is not a time`, 'write it as RFC 3339 does: 2027-01-31T12:00:00Z');
  return time;
}

/**
 * A certificate's name, which is also the name of its files.
 *
 * @throws CliFailure (exit 2) when it could not be a file name, or is longer than a common name may be.
 */
export function parseName(text: string): string {
  // RFC 5280, appendix A: ub-common-name is 64 characters.
  const { length } = Array.from(text);
  if (length < 1 || length > 64) throw usage(`a name has 1 to 64 characters, not ${length}`);
  if (/[/\\\p{Cc}]/u.test(text) || text.startsWith('.') || text.startsWith('-')) {
    throw usage(
      `${JSON.stringify(text)} can't be a name: its files are called so`,
      'put it into --san and choose a plain name',
    );
  }
  return text;
}

/** `HOST:PORT`, `[IPv6]:PORT`; port 0 takes a free one. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** @throws CliFailure (exit 2) when the text is no `HOST:PORT`. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/u.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535))
    throw usage(`${text} is not HOST:PORT`, 'write 127.0.0.1:9443 or [::1]:9443');
  return { host, port };
}

/** The text of a host and a port; an IPv6 address in brackets. */
export function hostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An http(s) URL without anything after its path. @throws CliFailure (exit 2). */
export function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === undefined || !plain || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw usage(`${text} is not a plain http URL`, 'write it as http://HOST:PORT');
  }
  return url.href.replace(/\/$/u, '');
}
