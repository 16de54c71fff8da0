import { normalizeNamePattern, normalizeServerName } from './server-name.ts';
import type { AllowEntry } from './schema.ts';

/** What a rule reads of a judged identity: `Identity` of @countersign/trust satisfies it. */
export interface RuleIdentity {
  readonly name: string | undefined;
  readonly profile?: string | undefined;
  readonly sans: readonly { readonly type: string; readonly value: unknown }[];
  readonly spkiSha256: string;
  readonly issuer?: string | undefined;
  readonly issuerKeyHash?: string | undefined;
}

/** Whether an identity may come in. */
export type Rule = (identity: RuleIdentity) => boolean;

/** A rule, or what is wrong with its text. */
export type CompiledRule =
  | { readonly ok: true; readonly rule: Rule }
  | { readonly ok: false; readonly problem: string };

/** The profile whose certificates administer the authority: they open nothing else unless a rule names it. */
const ADMIN = 'admin';

/** Admits every valid certificate but those of administrators: what an absent list means. */
export const anyCertificate: Rule = (identity) => identity.profile !== ADMIN;

/**
 * Makes one predicate of an allow list. Any one entry admits; all properties of an entry must hold. Values are typed: a DNS
 * rule never looks at URIs, nothing is matched by substring, and no list of names is ever joined to one string.
 */
export function compileAllow(entries: readonly AllowEntry[]): CompiledRule {
  const rules: Rule[] = [];
  for (const entry of entries) {
    const tests: Rule[] = [];
    if (entry.profile !== ADMIN) tests.push(anyCertificate);
    for (const [property, value] of Object.entries(entry)) {
      if (value === undefined) continue;
      const test = PROPERTIES[property as keyof AllowEntry](value);
      if (typeof test === 'string') return { ok: false, problem: `${property}: ${test}` };
      tests.push(test);
    }
    rules.push((identity) => tests.every((test) => test(identity)));
  }
  return { ok: true, rule: anyOf(rules) };
}

/** Admits whom one of `rules` admits. */
export function anyOf(rules: readonly Rule[]): Rule {
  const only = rules[0];
  if (only !== undefined && rules.length === 1) return only;
  return (identity) => rules.some((rule) => rule(identity));
}

/** For each property its test, or in words why the value is none. */
const PROPERTIES: Readonly<Record<keyof AllowEntry, (value: string) => Rule | string>> = {
  profile: (value) => (identity) => identity.profile === value,
  name: (value) => (identity) => identity.name === value,
  dns: dnsRule,
  uri: uriRule,
  email: emailRule,
  spkiSha256: (value) => {
    const hash = sha256Hex(value);
    return hash === undefined ? 'is no SHA-256: 64 hex digits or base64' : (identity) => identity.spkiSha256 === hash;
  },
  issuer: (value) => {
    const hash = /^[0-9A-Fa-f:]+$/u.test(value) ? sha256Hex(value) : undefined;
    return hash === undefined ? (identity) => identity.issuer === value : (identity) => identity.issuerKeyHash === hash;
  },
};

function hasSan(identity: RuleIdentity, type: string, test: (value: string) => boolean): boolean {
  return identity.sans.some((san) => san.type === type && typeof san.value === 'string' && test(san.value));
}

function dnsRule(value: string): Rule | string {
  const pattern = normalizeNamePattern(value);
  if (pattern === undefined || pattern === '*') return 'is no DNS name; a wildcard is one leading `*.`';
  if (!pattern.startsWith('*.')) return (identity) => hasSan(identity, 'dns', (name) => name.toLowerCase() === pattern);
  const suffix = pattern.slice(1);
  return (identity) =>
    hasSan(identity, 'dns', (san) => {
      // A name of the certificate that is a wildcard itself names nobody.
      const name = normalizeServerName(san);
      return name !== undefined && name.indexOf('.') > 0 && name.slice(name.indexOf('.')) === suffix;
    });
}

function uriRule(value: string): Rule | string {
  if (!URL.canParse(value)) return 'is no absolute URI';
  const spiffe = value.startsWith('spiffe://');
  if (!spiffe || !value.endsWith('/*')) {
    return value.includes('*')
      ? 'a wildcard is only possible as `/*` at the end of a SPIFFE id'
      : (identity) => hasSan(identity, 'uri', (uri) => uri === value);
  }
  const prefix = value.slice(0, -1);
  if (prefix.includes('*') || !isSpiffeId(prefix.slice(0, -1))) return 'is no SPIFFE id before `/*`';
  return (identity) => {
    // X509-SVID section 2: a certificate with more than one URI has no SPIFFE id.
    const uris = identity.sans.filter((san) => san.type === 'uri');
    const id = uris.length === 1 ? uris[0]?.value : undefined;
    return typeof id === 'string' && id.length > prefix.length && id.startsWith(prefix) && isSpiffeId(id);
  };
}

/** SPIFFE-ID sections 2.1-2.3: trust domain of lower-case letters, digits, `.-_`; segments without dots alone; no query, port or user. */
function isSpiffeId(id: string): boolean {
  const match = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/u.exec(id);
  const path = match?.[2];
  return (
    path !== undefined && id.length <= 2048 && !path.split('/').some((segment) => segment === '.' || segment === '..')
  );
}

function emailRule(value: string): Rule | string {
  const wanted = splitEmail(value);
  if (wanted === undefined) return 'is no email address';
  return (identity) =>
    hasSan(identity, 'email', (email) => {
      const parts = splitEmail(email);
      return parts !== undefined && parts.local === wanted.local && parts.domain === wanted.domain;
    });
}

/** RFC 5280 section 7.5: the part before @ is compared exactly, the host without regard to case. */
function splitEmail(text: string): { local: string; domain: string } | undefined {
  const at = text.lastIndexOf('@');
  if (at < 1 || at === text.length - 1) return undefined;
  return { local: text.slice(0, at), domain: text.slice(at + 1).toLowerCase() };
}

function sha256Hex(text: string): string | undefined {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/u.test(hex)) return hex;
  const bytes = /^[A-Za-z0-9+/_-]{43}=?$/u.test(text) ? Buffer.from(text, 'base64') : undefined;
  return bytes?.length === 32 ? bytes.toString('hex') : undefined;
}
