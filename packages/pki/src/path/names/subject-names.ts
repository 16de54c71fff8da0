/** The names of a certificate that name constraints speak about (RFC 5280, 4.2.1.10). */

import { DerReader } from '../../der/reader.ts';
import { decodeString } from '../../der/strings.ts';
import { TAG } from '../../der/tags.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { GeneralName } from '../../x509/general-name.ts';
import { OID } from '../../x509/oids.ts';

const SMTP_UTF8_MAILBOX = '1.3.6.1.5.5.7.8.9';

/**
 * The subject (unless empty), every subject alternative name, and the subject's emailAddress attributes where there is
 * no subject alternative name. An SmtpUTF8Mailbox (RFC 9598, section 6) counts as a mail address, too.
 */
export function constrainedNames(cert: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [];
  if (!cert.subject.isEmpty) names.push({ type: 'directory', value: cert.subject });
  if (cert.subjectAltName !== undefined) {
    for (const name of cert.subjectAltName) {
      names.push(name);
      const mailbox = asMailbox(name);
      if (mailbox !== undefined) names.push(mailbox);
    }
    return names;
  }
  for (const rdn of cert.subject.rdns) {
    for (const { type, value } of rdn) {
      if (type === OID.emailAddress) names.push({ type: 'email', value: value ?? '' });
    }
  }
  return names;
}

/** One that does not decode becomes a mail address that is none, and so falls to any constraint on mail addresses. */
export function asMailbox(name: GeneralName): GeneralName | undefined {
  if (name.type !== 'other' || name.oid !== SMTP_UTF8_MAILBOX) return undefined;
  return { type: 'email', value: utf8Text(name.value) };
}

function utf8Text(value: Uint8Array): string {
  const reader = new DerReader(value);
  if (reader.peek() !== TAG.UTF8_STRING) return '';
  reader.any();
  try {
    return decodeString(reader.bytes, TAG.UTF8_STRING, reader.from, reader.to);
  } catch {
    return '';
  }
}
