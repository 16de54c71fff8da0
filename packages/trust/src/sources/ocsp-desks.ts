import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Certificate } from '@countersign/pki';
import { AddressGuard, guardForConfigured } from '../net/address-guard.ts';
import type { AskPort, OcspPolicy, Responder } from '../ocsp/ask-responders.ts';
import { askResponders } from '../ocsp/ask-responders.ts';
import { keyHash } from '../verdict/key-hash.ts';
import { mayAnswer, readSigners } from '../bundle/bundle.ts';
import { nodeCrypto } from '../crypto/node-crypto.ts';
import { OcspAnswers } from '../ocsp/ocsp-answers.ts';
import { OcspDesk } from '../ocsp/ocsp-desk.ts';
import { OcspStore } from '../ocsp/ocsp-store.ts';
import { pathEntry } from '../verdict/path-entries.ts';
import { ResponderHealth } from '../ocsp/responder-health.ts';
import type { BundleSettings, OcspSettings } from './settings.ts';
import type { OcspFact } from './source-facts.ts';
import type { BundleUpdate, OcspUpdate } from './trust-update.ts';

/** Of several responders that a certificate names. */
const MAX_RESPONDERS = 2;
/** Questions for which nobody waits must leave room for the others. */
const MAX_IDLE_FLIGHTS = 128;
const PURGE_MS = 3_600_000;

export interface OcspDesksOptions {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** Where revocations are kept; undefined: nowhere. */
  readonly folder: string | undefined;
  /** What CRLs of the bundle say of a responder's certificate. */
  readonly statusOf: (bundle: string, certificate: Certificate, issuer: Certificate) => 'good' | 'revoked' | 'unknown';
  /** There is news, for whoever judges. */
  readonly onAnswers: (update: OcspUpdate) => void;
  readonly info: (message: string) => void;
  readonly shout: (message: string) => void;
}

/** What is asked for one bundle. */
interface Place {
  readonly bundle: BundleSettings;
  readonly ocsp: OcspSettings;
  readonly desk: OcspDesk;
  readonly answers: OcspAnswers;
  readonly health: ResponderHealth;
  readonly store: OcspStore | undefined;
  readonly outcomes: Map<string, number>;
  responders: readonly Certificate[];
}

/** Asks OCSP responders, for whoever judges, about the certificates of the bundles whose configuration wants it. */
export class OcspDesks {
  readonly #options: OcspDesksOptions;
  readonly #places = new Map<string, Place>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OcspDesksOptions) {
    this.#options = options;
  }

  /**
   * Begins with what was kept.
   *
   * @param before - desks of the configuration of before, whose answers stay where nothing has changed about them
   */
  async start(
    bundles: readonly BundleSettings[],
    updates: readonly BundleUpdate[],
    before: OcspDesks | undefined,
  ): Promise<void> {
    for (const bundle of bundles) {
      const { ocsp } = bundle.revocation;
      if (ocsp === undefined) continue;
      // One writer for each file.
      const old = before === undefined ? undefined : before.#places.get(bundle.name);
      this.#places.set(bundle.name, this.#open(bundle, ocsp, old?.store ?? this.#storeOf(bundle.name)));
    }
    for (const update of updates) this.setBundle(update);
    for (const { bundle, answers, store } of this.#places.values()) {
      for (const answer of (await store?.load()) ?? []) answers.put(answer);
      const old = before === undefined ? undefined : before.#places.get(bundle.name);
      if (old === undefined || JSON.stringify(old.bundle) !== JSON.stringify(bundle)) continue;
      for (const answer of old.answers.all()) answers.put(answer);
    }
    this.#timer = setInterval(() => this.#purge(), PURGE_MS);
    this.#timer.unref();
  }

  /** Whose answers count besides the CAs' has changed. */
  setBundle(update: BundleUpdate): void {
    const place = this.#places.get(update.name);
    if (place !== undefined) place.responders = update.signers.flatMap(readSigners).filter(mayAnswer);
  }

  /**
   * Asks about a certificate of a trusted chain; resolves when its status is known and told, or cannot be had now.
   *
   * @param signal - nobody waits any more; absent: nobody ever did
   */
  async ask(bundle: string, certificate: Certificate, issuer: Certificate, signal?: AbortSignal): Promise<void> {
    const place = this.#places.get(bundle);
    if (place === undefined) return;
    if (signal === undefined && place.desk.flights >= MAX_IDLE_FLIGHTS) return;
    const responders = respondersOf(place, certificate, issuer);
    if (responders.length > 0) await place.desk.ask({ certificate, issuer, responders }, signal);
  }

  /** What whoever starts to judge now has to know. */
  standing(): readonly OcspUpdate[] {
    return Array.from(this.#places, ([bundle, { answers }]) => ({ kind: 'ocsp', bundle, answers: answers.all() }));
  }

  facts(): readonly OcspFact[] {
    return Array.from(this.#places, ([bundle, { answers, desk, health, outcomes }]) => ({
      bundle,
      answers: answers.size,
      underWay: desk.flights,
      resting: health.resting().length,
      outcomes: [...outcomes],
    }));
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const { desk } of this.#places.values()) desk.stop();
  }

  /** Resolves when what is to be kept is on disk. */
  async settled(): Promise<void> {
    for (const { store } of this.#places.values()) await store?.settled();
  }

  #storeOf(name: string): OcspStore | undefined {
    const { folder, shout } = this.#options;
    return folder === undefined
      ? undefined
      : new OcspStore(join(folder, `${name}.json`), (error) => shout(`bundle ${name}: ${error.message}`));
  }

  #open(bundle: BundleSettings, ocsp: OcspSettings, store: OcspStore | undefined): Place {
    const { now, random, onAnswers, info, shout } = this.#options;
    const { name } = bundle;
    const answers = new OcspAnswers({ maxCount: ocsp.maxAnswers });
    const outcomes = new Map<string, number>();
    const health = new ResponderHealth({
      now,
      random,
      onChange(url, isUp, why) {
        if (isUp) info(`bundle ${name}: the OCSP responder ${url.href} gives answers again`);
        else shout(`bundle ${name}: the OCSP responder ${url.href} gives no answer: ${why}; ${consequence(bundle)}`);
      },
    });
    const port: AskPort = {
      crypto: nodeCrypto,
      now,
      randomBytes,
      isResting: (url) => health.isResting(url),
      onTried: (url, problem, detail) => health.tried(url, problem === undefined ? undefined : detail),
    };
    const desk = new OcspDesk({
      answers,
      now,
      random,
      everyMs: ocsp.everyMs,
      ask: (question, signal) => askResponders(question, this.#policyOf(name, ocsp), port, signal),
      onAnswer: (answer) => {
        onAnswers({ kind: 'ocsp', bundle: name, answers: [answer] });
        if (answer.status === 'revoked') store?.keep(answers.revoked());
      },
      onOutcome: (outcome) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1),
    });
    return { bundle, ocsp, desk, answers, health, store, outcomes, responders: [] };
  }

  #policyOf(name: string, { nonce, timeoutMs, maxAgeMs, responderRevocation }: OcspSettings): OcspPolicy {
    return {
      nonce,
      timeoutMs,
      maxAgeMs,
      trustedResponders: this.#places.get(name)?.responders ?? [],
      responderStatus: (certificate, issuer) => this.#responderStatus(name, responderRevocation, certificate, issuer),
    };
  }

  #responderStatus(
    name: string,
    rule: OcspSettings['responderRevocation'],
    certificate: Certificate,
    issuer: Certificate,
  ): 'good' | 'revoked' | 'unknown' {
    const { issuerKeyHash, serialHex } = pathEntry(certificate, keyHash(issuer.spki));
    if (this.#places.get(name)?.answers.get(issuerKeyHash, serialHex)?.status === 'revoked') return 'revoked';
    const status = this.#options.statusOf(name, certificate, issuer);
    return status === 'unknown' && rule === 'ignored' ? 'good' : status;
  }

  #purge(): void {
    for (const { answers } of this.#places.values()) answers.purgeExpired(this.#options.now());
  }
}

/** Those of the configuration, else those that the certificate names: its CA has written them, not the operator. */
function respondersOf({ bundle, ocsp }: Place, certificate: Certificate, issuer: Certificate): Responder[] {
  const allow = bundle.revocation.allowAddresses;
  if (ocsp.urls.length > 0) return ocsp.urls.map((url) => ({ url, guard: guardForConfigured(url, { allow }) }));
  const guard = new AddressGuard({ allow });
  const { ocspUris } = pathEntry(certificate, keyHash(issuer.spki));
  return ocspUris
    .filter((uri) => URL.canParse(uri))
    .slice(0, MAX_RESPONDERS)
    .map((uri) => ({ url: new URL(uri), guard }));
}

function consequence({ revocation: { staleness } }: BundleSettings): string {
  return staleness.mode === 'soft'
    ? 'clients of whom nothing is known are admitted'
    : 'clients of whom nothing else is known are refused';
}
