/** Does a certificate belong to the host that was asked for? RFC 9525, with the mail addresses of RFC 5280. */

import type { Certificate } from '../../x509/certificate.ts';
import { equalOctets } from '../../der/octets.ts';
import { dnsNameMatches, isDnsName } from './dns.ts';
import { parseMailbox } from './email.ts';
import { asMailbox } from './subject-names.ts';
import { parseIpAddress } from './ip.ts';

/**
 * Whether one of the subject alternative names of a certificate is the host. A host that reads as an IP address is
 * compared with iPAddress names only, any other with dNSName names only; the common name is never looked at
 * (RFC 9525, 2 and 6.4.4). Internationalised names are given in their A-label form.
 *
 * @param host a DNS name, with or without a trailing dot, or an IP address, an IPv6 one with or without brackets.
 *
 * @example
 * matchHost(certificate, 'gateway.example.com');
 */
export function matchHost(cert: Certificate, host: string): boolean {
  const names = cert.subjectAltName ?? [];
  const bracketed = host.startsWith('[') && host.endsWith(']');
  const address = parseIpAddress(bracketed ? host.slice(1, -1) : host);
  if (address !== undefined) {
    if (bracketed && address.length === 4) return false;
    return names.some((name) => name.type === 'ip' && equalOctets(name.value, address));
  }
  const lower = host.toLowerCase();
  const wanted = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  if (!isDnsName(wanted, { underscore: true })) return false;
  return names.some((name) => name.type === 'dns' && dnsNameMatches(name.value, wanted));
}

/**
 * Whether one of the rfc822Name or SmtpUTF8Mailbox subject alternative names is the mail address: the part before the @
 * exactly, the host without regard to case (RFC 5280, 7.5; RFC 9598, 5).
 */
export function matchEmail(cert: Certificate, text: string): boolean {
  const wanted = parseMailbox(text);
  if (wanted === undefined) return false;
  return (cert.subjectAltName ?? []).some((name) => {
    const address = name.type === 'email' ? name : asMailbox(name);
    const mailbox = address?.type === 'email' ? parseMailbox(address.value) : undefined;
    return mailbox !== undefined && mailbox.local === wanted.local && mailbox.host === wanted.host;
  });
}
