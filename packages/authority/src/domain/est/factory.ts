import { OID } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import type { ProfileName, San } from '@countersign/protocol';
import { sha256Hex } from '../ca.ts';
import { refuse } from '../outcome.ts';
import type { Outcome, Refused } from '../outcome.ts';

// What the certificates of a factory prove. A rule writes names with one placeholder each:
//   sensor-{serialNumber}     dns:{serialNumber}.sensors.example     uri:urn:dev:example:{fingerprint}

/** What a placeholder stands for in a factory's certificate. */
const placeholders = {
  /** The one common name of its subject. */
  cn: ({ subject }: Certificate) => only(subject.rdns.flat(), OID.commonName),
  /** The one serialNumber of its subject (X.520, 2.5.4.5), as IEEE 802.1AR has it. */
  serialNumber: ({ subject }: Certificate) => only(subject.rdns.flat(), OID.serialNumber),
  /** The certificate's own serial number, lower-case hex. */
  serial: ({ serialHex }: Certificate) => serialHex,
  /** SHA-256 of the certificate, lower-case hex. */
  fingerprint: ({ der }: Certificate) => sha256Hex(der),
} as const;
type Placeholder = keyof typeof placeholders;

/** Text with one placeholder. */
export interface NameTemplate {
  readonly before: string;
  readonly placeholder: Placeholder;
  readonly after: string;
}

/** Which names the certificates of a factory prove. */
export interface FactoryRule {
  /** What the configuration calls the factory. */
  readonly factory: string;
  readonly profile: ProfileName;
  readonly name: NameTemplate;
  readonly sans: readonly { readonly type: San['type']; readonly value: NameTemplate }[];
}

/** A certificate that one of the factories' CAs has signed, and that counts. */
export interface FactoryCertificate {
  readonly rule: FactoryRule;
  readonly certificate: Certificate;
}

function only(
  attributes: readonly { readonly type: string; readonly value: string | undefined }[],
  wanted: string,
): string | undefined {
  const [first, ...more] = attributes.filter(({ type }) => type === wanted);
  return more.length === 0 ? first?.value : undefined;
}

/**
 * Reads a template. It has exactly one placeholder, so that two devices never share a name, and something beside it, so that a factory
 * never chooses a whole name: it could be anybody's.
 */
export function parseTemplate(text: string): NameTemplate | { readonly malformed: string } {
  const [before = '', placeholder = '', after, ...more] = text.split(/\{(?<name>[^{}]*)\}/u);
  if (after === undefined || more.length > 0) return { malformed: 'it has exactly one placeholder' };
  if (!Object.hasOwn(placeholders, placeholder))
    return { malformed: `{${placeholder}} is none of ${Object.keys(placeholders).join(', ')}` };
  if (before + after === '') return { malformed: 'beside its placeholder it has text of its own' };
  return { before, placeholder: placeholder as Placeholder, after };
}

/** What a placeholder may stand for. A dot would make labels, a slash segments of a path, of what is one name. */
const fillings: Readonly<Record<'cn' | San['type'], RegExp>> = {
  cn: /^[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?$/u,
  dns: /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/u,
  uri: /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/u,
  email: /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/u,
  ip: /^[A-Fa-f0-9]+$/u,
};

function fill(
  { before, placeholder, after }: NameTemplate,
  type: keyof typeof fillings,
  certificate: Certificate,
): string | Refused {
  const value = placeholders[placeholder](certificate);
  if (value === undefined)
    return refuse('name_not_proven', `the factory's certificate has not exactly one ${placeholder}`);
  if (!fillings[type].test(value))
    return refuse('name_not_proven', `its ${placeholder} ${JSON.stringify(value)} cannot stand in a ${type} name`);
  return `${before}${value}${after}`;
}

/** The names that a factory's certificate proves. */
export function factoryNames({ rule, certificate }: FactoryCertificate): Outcome<{ name: string; sans: San[] }> {
  const name = fill(rule.name, 'cn', certificate);
  if (typeof name !== 'string') return name;
  const sans: San[] = [];
  for (const { type, value } of rule.sans) {
    const filled = fill(value, type, certificate);
    if (typeof filled !== 'string') return filled;
    sans.push({ type, value: filled });
  }
  return { ok: true, name, sans };
}
