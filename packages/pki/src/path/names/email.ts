/** Mail addresses in certificates (RFC 5280, 4.2.1.6 and 4.2.1.10; RFC 5321 section 4.1.2 for the syntax). */

import { isDnsName } from './dns.ts';

// RFC 5321's Dot-string, and Quoted-string with qtextSMTP and quoted-pairSMTP.
const DOT_STRING = /^[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+)*$/u;
const QUOTED_STRING = /^"(?:[ !#-[\]-~]|\\[ -~])*"$/;

/** A mailbox, taken apart; the host in lower case, the local part without its quotes: RFC 5321 section 4.1.2 has them mean the same. */
export interface Mailbox {
  readonly local: string;
  readonly host: string;
}

/**
 * Reads `local@host`. Hosts are DNS names; an address literal is refused, because no constraint can
 * speak about it.
 *
 * @returns `undefined` when the text is no mailbox.
 */
export function parseMailbox(text: string): Mailbox | undefined {
  const at = text.lastIndexOf('@');
  if (at < 1) return undefined;
  const local = text.slice(0, at);
  const host = text.slice(at + 1).toLowerCase();
  if (!isDnsName(host, { underscore: true })) return undefined;
  if (DOT_STRING.test(local)) return { local, host };
  return QUOTED_STRING.test(local) ? { local: local.slice(1, -1).replaceAll(/\\(.)/gu, '$1'), host } : undefined;
}

/**
 * The subtrees of the rfc822Name constraints of one certificate: a mailbox, every mailbox of a host,
 * or every mailbox of the hosts below a domain (`.example.com`).
 */
export class EmailSubtrees {
  readonly #mailboxes = new Set<string>();
  readonly #hosts = new Set<string>();
  readonly #domains = new Set<string>();
  #everything = false;

  /** @returns false when the constraint has none of the three forms. */
  add(constraint: string): boolean {
    if (constraint === '') {
      this.#everything = true;
      return true;
    }
    if (constraint.includes('@')) {
      const mailbox = parseMailbox(constraint);
      if (mailbox !== undefined) this.#mailboxes.add(`${mailbox.local}@${mailbox.host}`);
      return mailbox !== undefined;
    }
    const lower = constraint.toLowerCase();
    const dotted = lower.startsWith('.');
    const name = dotted ? lower.slice(1) : lower;
    if (!isDnsName(name, { underscore: true })) return false;
    (dotted ? this.#domains : this.#hosts).add(name);
    return true;
  }

  /** Whether the mailbox lies inside one of the subtrees. */
  covers({ local, host }: Mailbox): boolean {
    if (this.#everything || this.#hosts.has(host) || this.#mailboxes.has(`${local}@${host}`)) return true;
    return hasDomain(this.#domains, host);
  }
}

/** Whether one of the names above `host` (never `host` itself) is in the set. */
export function hasDomain(domains: ReadonlySet<string>, host: string): boolean {
  if (domains.size === 0) return false;
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (domains.has(host.slice(dot + 1))) return true;
  }
  return false;
}
