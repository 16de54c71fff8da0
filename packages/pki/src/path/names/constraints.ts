/**
 * Name constraints (RFC 5280, 4.2.1.10 and 6.1.3 (b), (c)). Constraints are compiled once per certificate into sets, so
 * that a name costs a few look-ups however many constraints there are; a budget bounds the two together.
 */

import type { Certificate } from '../../x509/certificate.ts';
import type { GeneralName } from '../../x509/general-name.ts';
import type { NameConstraints } from '../../x509/extensions/constraints.ts';
import type { PathErrorCode } from '../codes.ts';
import { DirectorySubtrees } from './directory.ts';
import { DnsSubtrees, isDnsName } from './dns.ts';
import { EmailSubtrees, parseMailbox } from './email.ts';
import { ipInRange, parseIpRange, type IpRange } from './ip.ts';
import { constrainedNames } from './subject-names.ts';
import { UriSubtrees, uriHost } from './uri.ts';

/** A name that is not allowed, or a constraint that cannot be applied to it. */
export interface NameFault {
  readonly code: PathErrorCode;
  readonly name: GeneralName | undefined;
  readonly detail: string;
}

type Form = GeneralName['type'];

/** The permitted or the excluded half of the constraints of one certificate. */
class Subtrees {
  readonly dns = new DnsSubtrees();
  readonly email = new EmailSubtrees();
  readonly uri = new UriSubtrees();
  readonly directory = new DirectorySubtrees();
  readonly ip: IpRange[] = [];
  /** Forms for which there is at least one constraint. */
  readonly forms = new Set<Form>();
  /** Forms with a constraint that is malformed or not of a kind this code knows: no name of the form can be judged. */
  readonly unusable = new Map<Form, string>();

  add(base: GeneralName, leadingDot: boolean): void {
    this.forms.add(base.type);
    if (!this.#addBase(base, leadingDot)) this.unusable.set(base.type, describe(base));
  }

  #addBase(base: GeneralName, leadingDot: boolean): boolean {
    switch (base.type) {
      case 'dns':
        return this.dns.add(base.value, leadingDot);
      case 'email':
        return this.email.add(base.value);
      case 'uri':
        return this.uri.add(base.value);
      case 'directory':
        this.directory.add(base.value);
        return true;
      case 'ip': {
        const range = parseIpRange(base.value);
        if (range !== undefined) this.ip.push(range);
        return range !== undefined;
      }
      default:
        return false;
    }
  }
}

/** The constraints of one certificate, ready for use. */
export interface CompiledConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
  /** Number of constraints. */
  readonly size: number;
  /** The first malformed constraint, for the checks of what issuers must do. */
  readonly malformed: string | undefined;
}

const compiled = new WeakMap<NameConstraints, CompiledConstraints>();
const compiledStrictly = new WeakMap<NameConstraints, CompiledConstraints>();

/**
 * Compiles constraints; the result is kept with them.
 *
 * @param strict whether `.example.com` as a DNS constraint is malformed, as RFC 5280 has it; else it means "below example.com".
 */
export function compileConstraints(constraints: NameConstraints, strict: boolean): CompiledConstraints {
  const cache = strict ? compiledStrictly : compiled;
  const known = cache.get(constraints);
  if (known !== undefined) return known;
  const permitted = new Subtrees();
  const excluded = new Subtrees();
  for (const base of constraints.permitted ?? []) permitted.add(base, !strict);
  for (const base of constraints.excluded ?? []) excluded.add(base, !strict);
  const result: CompiledConstraints = {
    permitted,
    excluded,
    size: (constraints.permitted?.length ?? 0) + (constraints.excluded?.length ?? 0),
    malformed: firstMalformed(permitted) ?? firstMalformed(excluded),
  };
  cache.set(constraints, result);
  return result;
}

function firstMalformed({ unusable }: Subtrees): string | undefined {
  for (const [form, text] of unusable) if (isKnownForm(form)) return text;
  return undefined;
}

function isKnownForm(form: Form): boolean {
  return form === 'dns' || form === 'email' || form === 'uri' || form === 'ip' || form === 'directory';
}

/**
 * Applies constraints to the names of a certificate below.
 *
 * @returns the first fault, or `undefined` when every name is allowed.
 */
export function checkNames(
  constraints: CompiledConstraints,
  cert: Certificate,
  maxComparisons: number,
): NameFault | undefined {
  const names = constrainedNames(cert);
  if (names.length * constraints.size > maxComparisons) {
    return {
      code: 'name_constraints_budget',
      name: undefined,
      detail: `${names.length} names, ${constraints.size} constraints`,
    };
  }
  for (const name of names) {
    const fault = checkName(constraints, name);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function checkName({ permitted, excluded }: CompiledConstraints, name: GeneralName): NameFault | undefined {
  const mustBeIn = permitted.forms.has(name.type);
  const mayFallOut = excluded.forms.has(name.type);
  if (!mustBeIn && !mayFallOut) return undefined;
  const unusable = permitted.unusable.get(name.type) ?? excluded.unusable.get(name.type);
  if (unusable !== undefined) {
    return { code: 'name_constraints_unusable', name, detail: `${unusable} cannot be applied to ${describe(name)}` };
  }
  const isIn = mayFallOut ? contains(excluded, name, true) : false;
  if (isIn === undefined) return { code: 'name_constraints', name, detail: `${describe(name)} is malformed` };
  if (isIn) return { code: 'name_constraints', name, detail: `${describe(name)} is excluded` };
  if (mustBeIn && contains(permitted, name, false) !== true) {
    return { code: 'name_constraints', name, detail: `${describe(name)} is not permitted` };
  }
  return undefined;
}

/** Whether the name lies in the subtrees; `undefined` when it is malformed, so that nothing can be said. */
function contains(subtrees: Subtrees, name: GeneralName, partly: boolean): boolean | undefined {
  switch (name.type) {
    case 'dns':
      if (!isDnsName(name.value, { underscore: true, wildcard: true })) return undefined;
      return partly ? subtrees.dns.touches(name.value) : subtrees.dns.covers(name.value);
    case 'email': {
      const mailbox = parseMailbox(name.value);
      return mailbox && subtrees.email.covers(mailbox);
    }
    case 'uri': {
      // RFC 5280: a URI without a host that is a domain name falls to any constraint.
      const host = uriHost(name.value);
      return host === undefined ? undefined : subtrees.uri.covers(host);
    }
    case 'ip':
      return subtrees.ip.some((range) => ipInRange(name.value, range));
    case 'directory':
      return subtrees.directory.covers(name.value);
    default:
      return undefined;
  }
}

/** A name for people, never to be taken apart again. */
export function describe(name: GeneralName): string {
  switch (name.type) {
    case 'dns':
    case 'email':
    case 'uri':
      return `${name.type}:${JSON.stringify(name.value)}`;
    case 'registeredId':
      return `registeredId:${name.value}`;
    case 'ip':
      return `ip:${[...name.value].join('.')}`;
    case 'other':
      return `otherName ${name.oid}`;
    default:
      return name.type === 'directory' ? 'a directory name' : name.type;
  }
}
