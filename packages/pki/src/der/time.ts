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

/** Largest encoding of a time: GeneralizedTime with tag and length. */
export const MAX_TIME_OCTETS = 17;

/** 1950-01-01T00:00:00Z: before it RFC 5280 section 4.1.2.5 asks for GeneralizedTime. */
const YEAR_1950 = -631_152_000_000;
const YEAR_0 = -62_167_219_200_000;
const YEAR_10000 = 253_402_300_800_000;

function putDigits2(out: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0;
  out[at] = 0x30 + tens;
  out[at + 1] = 0x30 + value - 10 * tens;
}

/**
 * Writes a time with tag and length at `at`: UTCTime for 1950 to 2049, else GeneralizedTime, as RFC 5280 section 4.1.2.5
 * asks; `generalizedOnly` for types that know no UTCTime. Milliseconds are cut off. Returns the offset behind it.
 *
 * @throws PkiError `argument` outside the years 0 to 9999
 */
export function writeTime(out: Uint8Array, at: number, time: number, generalizedOnly = false): number {
  if (!(time >= YEAR_0 && time < YEAR_10000)) throw new PkiError('argument', 'time outside the years 0 to 9999');
  const days = Math.floor(time / DAY_MS);
  const seconds = Math.floor((time - days * DAY_MS) / 1000);
  // The inverse of daysFromCivil: an era is 400 years, which begin on the first of March.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);

  const generalized = generalizedOnly || time < YEAR_1950 || time >= YEAR_2050;
  out[at++] = generalized ? TAG.GENERALIZED_TIME : TAG.UTC_TIME;
  out[at++] = generalized ? 15 : 13;
  if (generalized) {
    putDigits2(out, at, Math.floor(year / 100));
    at += 2;
  }
  putDigits2(out, at, year % 100);
  putDigits2(out, at + 2, month);
  putDigits2(out, at + 4, day);
  const hour = Math.floor(seconds / 3600);
  const minute = Math.floor(seconds / 60) - 60 * hour;
  putDigits2(out, at + 6, hour);
  putDigits2(out, at + 8, minute);
  putDigits2(out, at + 10, seconds - 3600 * hour - 60 * minute);
  out[at + 12] = 0x5a;
  return at + 13;
}
