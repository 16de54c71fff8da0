import { z } from 'zod';

/**
 * What kinds of certificates the authority issues. A profile says which keys, lifetimes, usages and names one of its kind may
 * have; it is recorded in the certificate itself (a private extension), so that rules can rest on it.
 */
export const profileNames = ['server', 'peer', 'client', 'device', 'person', 'admin', 'gateway'] as const;
/** One of {@link profileNames}. */
export const profileNameSchema = z.enum(profileNames);
export type ProfileName = z.infer<typeof profileNameSchema>;

/**
 * What a certificate of the authority can be recorded as: beside the profiles that can be asked for, `ocsp`, the responder's own
 * certificate, which no door issues.
 */
export const recordedProfiles = [...profileNames, 'ocsp'] as const;
/** One of {@link recordedProfiles}. */
export const recordedProfileSchema = z.enum(recordedProfiles);
export type RecordedProfile = z.infer<typeof recordedProfileSchema>;

/** The kinds of subjectAltName that can be asked for. */
export const sanTypes = ['dns', 'ip', 'uri', 'email'] as const;

/** One subjectAltName as text: `ip` in the usual notation (never a range), `uri` absolute, `dns` as an A-label. */
export const sanSchema = z.strictObject({ type: z.enum(sanTypes), value: z.string().min(1).max(2048) });
export type San = z.infer<typeof sanSchema>;

/** The subject's common name (RFC 5280, appendix A: 64 characters): what people call the holder, and what `revoke NAME` goes by. */
export const subjectNameSchema = z.string().min(1).max(64);

/** Why a certificate was revoked: the names of RFC 5280, section 5.3.1, without removeFromCRL (a release says that). */
export const revocationReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const;
/** One of {@link revocationReasons}. */
export const revocationReasonSchema = z.enum(revocationReasons);
export type RevocationReason = z.infer<typeof revocationReasonSchema>;

/** RFC 5280, section 5.3.1: the number that stands for each reason in a CRL. */
export const revocationReasonNumbers: Readonly<Record<RevocationReason, number>> = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
};

/** A serial number: lower-case hex without leading `00`, as the certificate's magnitude reads. */
export const serialSchema = z.string().regex(/^[0-9a-f]{2,40}$/u);

/** A serial number as people paste it: any case, with or without colons. */
export const serialInputSchema = z
  .string()
  .regex(/^[0-9A-Fa-f]{1,2}(?::?[0-9A-Fa-f]{1,2})*$/u)
  .max(80);

/** Lower-case hex of a SHA-256 digest. */
export const sha256HexSchema = z.string().regex(/^[0-9a-f]{64}$/u);

/** A moment as RFC 3339 writes it, with its offset. */
export const timestampSchema = z.iso.datetime({ offset: true });

/** PEM text. */
export const pemSchema = z.string().startsWith('-----BEGIN ').max(1_000_000);

/**
 * A serial number in the one form the product keeps: lower case, no colons, no leading zero octets.
 *
 * @example normalizeSerial('00:AB:0c') // 'ab0c'
 */
export function normalizeSerial(text: string): string {
  const digits = text.replaceAll(':', '').toLowerCase();
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const short = even.replace(/^(?:00)+/u, '');
  return short === '' ? '00' : short;
}
