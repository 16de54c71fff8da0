import { domainToASCII, domainToUnicode } from 'node:url';
import { nameSet, parseTypedName } from '../names.ts';
import type { NameSet, TypedName } from '../names.ts';
import { deny } from './problem.ts';
import type { AcmeErrorType, AcmeOutcome, Identifier, Subproblem } from './problem.ts';
import type { AcmeAuthorization } from './records.ts';

/** An identifier of an order, in its one normal form; a wildcard has its `*.`. */
export type AcmeName = TypedName & { readonly type: 'dns' | 'ip' };

/** How many names one certificate has at most. */
export const namesLimit = 100;

/** Labels with `--` in their third and fourth place are A-labels that decode and encode back to themselves, or nothing (RFC 5890). */
function isReservedLabel(label: string): boolean {
  if (label.slice(2, 4) !== '--') return false;
  const decoded = label.startsWith('xn--') ? domainToUnicode(label) : '';
  return decoded === '' || decoded === label || domainToASCII(decoded) !== label;
}

function parseName(type: 'dns' | 'ip', value: string): AcmeName | string {
  const name = parseTypedName(type, value);
  if ('malformed' in name) return name.malformed;
  if (type === 'dns' && !name.value.includes('.')) return 'a dns name has at least two labels';
  if (type === 'dns' && name.value.split('.').some(isReservedLabel)) return 'a label is no A-label of an IDN';
  return { type, value: name.value };
}

/**
 * Reads the identifiers of an order: of a type that is known, well-formed, each once. Refuses with what is wrong with each
 * (`unsupportedIdentifier`, `rejectedIdentifier`; RFC 8555, section 7.4).
 */
export function readIdentifiers(value: unknown): AcmeOutcome<{ names: readonly AcmeName[] }> {
  if (!Array.isArray(value) || value.length === 0) return deny('malformed', 'identifiers is a list of identifiers');
  if (value.length > namesLimit) return deny('malformed', `an order has ${namesLimit} identifiers at most`);
  const names = new Map<string, AcmeName>();
  const faults: Subproblem[] = [];
  for (const one of value as readonly unknown[]) {
    const { type, value: text } = (one ?? {}) as Partial<Record<'type' | 'value', unknown>>;
    if (typeof type !== 'string' || typeof text !== 'string' || type.length > 64 || text.length > 1024) {
      return deny('malformed', 'an identifier has a type and a value');
    }
    const identifier = { type, value: text };
    if (type !== 'dns' && type !== 'ip') {
      faults.push({ type: 'unsupportedIdentifier', detail: 'identifiers are of type dns or ip', identifier });
      continue;
    }
    const name = parseName(type, text);
    if (typeof name === 'string') faults.push({ type: 'rejectedIdentifier', detail: name, identifier });
    else names.set(`${name.type}:${name.value}`, name);
  }
  return faults.length > 0 ? refuseIdentifiers(faults) : { ok: true, names: [...names.values()] };
}

/** A refusal for what is wrong with some identifiers: the one problem, or one that has them all. */
export function refuseIdentifiers(faults: readonly Subproblem[]): ReturnType<typeof deny> {
  const [first] = faults;
  const type: AcmeErrorType = faults.every((one) => one.type === first?.type)
    ? (first?.type ?? 'malformed')
    : 'rejectedIdentifier';
  const detail = faults
    .slice(0, 5)
    .map(({ identifier, detail }) => `${identifier.type} ${JSON.stringify(identifier.value)}: ${detail}`);
  return deny(type, detail.join('; '), { subproblems: faults });
}

/** The name that an authorization is for. */
export function nameOf({ identifier, wildcard }: Pick<AcmeAuthorization, 'identifier' | 'wildcard'>): AcmeName {
  return { type: identifier.type, value: wildcard ? `*.${identifier.value}` : identifier.value };
}

/** The identifier of an authorization for a name. */
export function identifierOf(name: AcmeName): { readonly identifier: Identifier; readonly wildcard: boolean } {
  const wildcard = name.type === 'dns' && name.value.startsWith('*.');
  return { identifier: { type: name.type, value: wildcard ? name.value.slice(2) : name.value }, wildcard };
}

/** The names that authorizations have proven: of those that are valid, each by itself. */
export function provenNames(authorizations: readonly AcmeAuthorization[]): NameSet {
  return nameSet(authorizations.filter(({ status }) => status === 'valid').map(nameOf));
}
