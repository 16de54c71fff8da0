/**
 * DNS names as certificates hold them: the preferred name syntax of RFC 1034 section 3.5 as changed
 * by RFC 1123 section 2.1 (RFC 5280, 4.2.1.6), with the wildcard of RFC 9525 as the only addition.
 */

const LDH_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;
const SERVICE_LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/i;

/** What {@link isDnsName} lets pass beyond plain host names. */
export interface DnsSyntax {
  /** Underscores, which RFC 5280 does not allow and private networks use. */
  readonly underscore?: boolean;
  /** `*` as the whole left-most label. */
  readonly wildcard?: boolean;
}

/** Whether the text is a DNS name in the preferred syntax, without a trailing dot. */
export function isDnsName(text: string, syntax: DnsSyntax = {}): boolean {
  if (text.length === 0 || text.length > 253) return false;
  const labels = text.split('.');
  const first = syntax.wildcard === true && labels[0] === '*' ? 1 : 0;
  const pattern = syntax.underscore === true ? SERVICE_LABEL : LDH_LABEL;
  for (let i = first; i < labels.length; i += 1) {
    const label = labels[i] ?? '';
    if (label.length > 63 || !pattern.test(label)) return false;
  }
  return true;
}

/**
 * Whether a presented dNSName covers a host (RFC 9525, 6.3): equal without regard to case, or a
 * wildcard that is the whole left-most label and stands for exactly one label.
 *
 * @param host lower-case, without a trailing dot.
 */
export function dnsNameMatches(presented: string, host: string): boolean {
  const name = presented.toLowerCase();
  if (!isDnsName(name, { underscore: true, wildcard: true })) return false;
  if (!name.startsWith('*.')) return name === host;
  const dot = host.indexOf('.');
  return dot > 0 && host.slice(dot) === name.slice(1);
}

/**
 * The subtrees of the dNSName constraints of one certificate, as sets, so that a name costs as many
 * look-ups as it has labels however many constraints there are.
 */
export class DnsSubtrees {
  readonly #bases = new Set<string>();
  readonly #strictlyBelow = new Set<string>();
  readonly #parents = new Set<string>();
  #everything = false;
  #size = 0;

  /**
   * Adds a constraint.
   *
   * @param leadingDot whether `.example.com` is read as "at least one more label"; RFC 5280 does not know the form.
   * @returns false when the constraint is no DNS name.
   */
  add(constraint: string, leadingDot: boolean): boolean {
    const base = constraint.toLowerCase();
    this.#size += 1;
    if (base === '') {
      this.#everything = true;
      return true;
    }
    const dotted = base.startsWith('.');
    const name = dotted ? base.slice(1) : base;
    if ((dotted && !leadingDot) || !isDnsName(name, { underscore: true })) return false;
    (dotted ? this.#strictlyBelow : this.#bases).add(name);
    const dot = name.indexOf('.');
    this.#parents.add(dot < 0 ? '' : name.slice(dot + 1));
    return true;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether every name that `name` stands for lies inside one of the subtrees. */
  covers(name: string): boolean {
    if (this.#everything) return true;
    const lower = name.toLowerCase();
    const wildcard = lower.startsWith('*.');
    let suffix = wildcard ? lower.slice(2) : lower;
    let below = wildcard;
    for (;;) {
      if (this.#bases.has(suffix) || (below && this.#strictlyBelow.has(suffix))) return true;
      const dot = suffix.indexOf('.');
      if (dot < 0) return false;
      suffix = suffix.slice(dot + 1);
      below = true;
    }
  }

  /**
   * Whether some name that `name` stands for lies inside one of the subtrees: the question for
   * exclusions, where `*.example.com` must fall to an excluded `bar.example.com`.
   */
  touches(name: string): boolean {
    if (this.covers(name)) return true;
    const lower = name.toLowerCase();
    // An excluded ".example.com" takes example.com with it: nobody who writes it means to leave that name open.
    if (this.#strictlyBelow.has(lower)) return true;
    return lower.startsWith('*.') && this.#parents.has(lower.slice(2));
  }
}
