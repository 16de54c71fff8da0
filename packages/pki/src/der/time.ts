import { PkiError } from '../errors.ts';
import { TAG } from './tags.ts';

const DAY_MS = 86_400_000;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** 2050-01-01T00:00:00Z: from here on RFC 5280 section 4.1.2.5 asks for GeneralizedTime. */
const YEAR_2050 = 2_524_608_000_000;

function digits2(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] as number) - 0x30;
  const low = (bytes[at + 1] as number) - 0x30;
  // The subtraction makes anything but a digit negative or above nine.
  if (high < 0 || high > 9 || low < 0 || low > 9) throw new PkiError('der_time', 'not a digit', at);
  return high * 10 + low;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar (years 0 to 9999), without a Date object. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/**
 * Milliseconds since the epoch of the content octets of a UTCTime (YYMMDDHHMMSSZ) or GeneralizedTime (YYYYMMDDHHMMSSZ).
 * No fractions, no offsets, seconds always there (RFC 5280 section 4.1.2.5); a two-digit year below 50 is 20xx.
 *
 * @param anyForm accepts GeneralizedTime before 2050 (OCSP uses it for every date)
 * @throws PkiError `der_time`
 */
export function parseTime(bytes: Uint8Array, tag: number, from: number, to: number, anyForm: boolean): number {
  let at = from;
  let year: number;
  if (tag === TAG.UTC_TIME) {
    if (to - from !== 13) throw new PkiError('der_time', 'UTCTime must be YYMMDDHHMMSSZ', from);
    year = digits2(bytes, at);
    year += year < 50 ? 2000 : 1900;
    at += 2;
  } else {
    if (to - from !== 15) throw new PkiError('der_time', 'GeneralizedTime must be YYYYMMDDHHMMSSZ', from);
    year = digits2(bytes, at) * 100 + digits2(bytes, at + 2);
    at += 4;
  }
  const month = digits2(bytes, at);
  const day = digits2(bytes, at + 2);
  const hour = digits2(bytes, at + 4);
  const minute = digits2(bytes, at + 6);
  const second = digits2(bytes, at + 8);
  if (bytes[at + 10] !== 0x5a) throw new PkiError('der_time', 'a time must end with Z', at + 10);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) {
    throw new PkiError('der_time', 'no such date or time', from);
  }
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > (DAYS_IN_MONTH[month - 1] as number) + (leap ? 1 : 0)) throw new PkiError('der_time', 'no such day', from);
  const time = daysFromCivil(year, month, day) * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1000;
  if (tag === TAG.GENERALIZED_TIME && time < YEAR_2050 && !anyForm) {
    throw new PkiError('der_time', 'a date before 2050 must be UTCTime', from);
  }
  return time;
}

/**
 * Content octets of a time, with the tag that RFC 5280 asks for: UTCTime for 1950 to 2049, else GeneralizedTime.
 * Milliseconds are cut off.
 *
 * @throws PkiError `argument` outside the years 0 to 9999
 */
export function timeContent(time: number, generalizedOnly = false): { tag: number; content: string } {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  if (Number.isNaN(year) || year < 0 || year > 9999) throw new PkiError('argument', 'time outside the years 0 to 9999');
  const text = date.toISOString();
  const rest =
    text.slice(5, 7) + text.slice(8, 10) + text.slice(11, 13) + text.slice(14, 16) + text.slice(17, 19) + 'Z';
  return generalizedOnly || year < 1950 || year > 2049
    ? { tag: TAG.GENERALIZED_TIME, content: text.slice(0, 4) + rest }
    : { tag: TAG.UTC_TIME, content: text.slice(2, 4) + rest };
}
