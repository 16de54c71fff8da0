/**
 * NIST PKITS in the form of `pkits.json`: certificates from the trust anchor down and CRLs, by the names of DER files in
 * `certs/` and `crls/`. The data is of 2010, so it runs under `legacy`: DSA, SHA-1, and times in either form.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildAndValidate,
  crlChecker,
  parseCertificate,
  parseCrl,
  trustAnchor,
  type Certificate,
  type Crl,
  type PathOptions,
  type PathProfile,
} from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { agreesByWord, attempt, MissingFile, type Case, type Outcome, type Suite } from './case.ts';
import { malformed, pathOutcome } from './words.ts';

interface PkitsCase {
  readonly id: string;
  readonly certs: readonly string[];
  readonly crls?: readonly string[];
  readonly shouldValidate?: boolean;
  readonly initialPolicySet?: readonly string[];
  readonly initialExplicitPolicy?: boolean;
  readonly initialPolicyMappingInhibit?: boolean;
  readonly initialInhibitAnyPolicy?: boolean;
}

export interface PkitsFile {
  readonly verifyTime: string;
  readonly policyOids?: Readonly<Record<string, string>>;
  readonly cases: readonly PkitsCase[];
}

const OLD_FORMS = { anyTimeForm: true } as const;

export function pkitsSuite(file: PkitsFile, data: string, profile: PathProfile | undefined): Suite {
  const files = new DataFiles(data);
  return { legacy: true, cases: file.cases.map((test) => pkitsCase(test, file, files, profile)) };
}

function pkitsCase(test: PkitsCase, file: PkitsFile, files: DataFiles, profile: PathProfile | undefined): Case {
  const expected = test.shouldValidate === undefined ? undefined : test.shouldValidate ? 'SUCCESS' : 'FAILURE';
  return {
    id: test.id,
    expected,
    agrees: agreesByWord(expected),
    run: () => attempt(() => runCase(test, file, files, profile), malformed),
  };
}

function runCase(test: PkitsCase, file: PkitsFile, files: DataFiles, profile: PathProfile | undefined): Outcome {
  const certs = test.certs.map((name) => files.certificate(name));
  const [anchor, ...below] = certs;
  const leaf = below.at(-1);
  if (anchor === undefined || leaf === undefined)
    return { actual: 'SKIP', code: null, detail: 'the case names no path' };
  const policyOid = (name: string): string => file.policyOids?.[name] ?? name;
  const options: PathOptions = {
    anchors: [trustAnchor(anchor)],
    intermediates: below.slice(0, -1),
    time: Date.parse(file.verifyTime),
    crypto: nodeCrypto,
    algorithms: 'legacy',
    ...(profile !== undefined && { profile }),
    policies: {
      acceptable: (test.initialPolicySet ?? ['anyPolicy']).map(policyOid),
      requireExplicit: test.initialExplicitPolicy === true,
      inhibitMapping: test.initialPolicyMappingInhibit === true,
      inhibitAny: test.initialInhibitAnyPolicy === true,
    },
    revocation: crlChecker({ crls: (test.crls ?? []).flatMap((name) => files.crl(name)), scope: 'chain' }),
  };
  return pathOutcome(buildAndValidate(leaf, options));
}

/** The files of the suite, each read once. */
class DataFiles {
  readonly #folder: string;
  readonly #certificates = new Map<string, Certificate>();
  readonly #crls = new Map<string, readonly Crl[]>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  certificate(name: string): Certificate {
    let certificate = this.#certificates.get(name);
    if (certificate === undefined) {
      certificate = parseCertificate(this.#read('certs', `${name}.crt`), OLD_FORMS);
      this.#certificates.set(name, certificate);
    }
    return certificate;
  }

  /** A list that cannot be read is a list that is not there. */
  crl(name: string): readonly Crl[] {
    let crls = this.#crls.get(name);
    if (crls === undefined) {
      const der = this.#read('crls', `${name}.crl`);
      try {
        crls = [parseCrl(der, OLD_FORMS)];
      } catch {
        crls = [];
      }
      this.#crls.set(name, crls);
    }
    return crls;
  }

  #read(kind: string, file: string): Uint8Array {
    const path = join(this.#folder, kind, file);
    try {
      return new Uint8Array(readFileSync(path));
    } catch (error) {
      throw new MissingFile(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
