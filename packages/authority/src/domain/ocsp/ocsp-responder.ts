import { buildOcspError } from '@countersign/pki';
import type { OcspQuestion, OcspRequest, OcspResponseStatus } from '@countersign/pki';
import { sha256Hex } from '../ca.ts';
import type { Ca } from '../ca.ts';
import type { CertificateState } from '../ports.ts';
import { AnswerCache } from './answer-cache.ts';
import type { Answer, AnswerTail } from './answer-cache.ts';
import { canonicalRequest, octetsOf, textOf } from './canonical-request.ts';
import { IssuerTable } from './issuer-table.ts';
import { element, LiveAnswers } from './live-answers.ts';
import { splitNonceRequest } from './nonce-request.ts';
import { readOcspRequest } from './read-request.ts';
import { Responders } from './responders.ts';
import type { Responder, ResponderContext, ResponderKey } from './responders.ts';
import { signAnswers, statusOf } from './sign-answers.ts';
import type { AnswerStatus, Finding } from './sign-answers.ts';
import { serialOf, subjectKey } from './subject.ts';
import type { Subject } from './subject.ts';
import { Watches } from './watches.ts';

/** Why there is no answer. */
export type OcspError = Exclude<OcspResponseStatus, 'successful'>;

/** What goes back to whoever asked: octets, one character each. */
export type OcspReply =
  | { readonly kind: 'error'; readonly status: OcspError; readonly body: string }
  /** For this request alone: a nonce, several certificates, or one that was never issued. */
  | { readonly kind: 'live'; readonly body: string }
  /** For everybody who asks the same. */
  | { readonly kind: 'answer'; readonly answer: Answer };

/** How often what was answered, and from where. */
export interface OcspCount {
  readonly status: AnswerStatus | OcspError;
  readonly source: 'cached' | 'live' | 'error';
  count: number;
}

export interface OcspResponderOptions {
  readonly context: ResponderContext;
  readonly newKey: ResponderKey;
  /** What may be kept of signed answers, in octets. */
  readonly cacheBytes: number;
}

/** How many questions may be under way at once; beyond that everybody is told to try later. */
const maxUnderWay = 512;

/**
 * The OCSP responder (RFC 6960, RFC 5019, RFC 9654): answers from what was signed before where it can, and signs live where a nonce or
 * several certificates ask. What the feed tells as changed is forgotten in the same moment, also while an answer about it is being made.
 */
export class OcspResponder {
  readonly responders: Responders;
  readonly cache: AnswerCache;
  readonly #context: ResponderContext;
  readonly #issuers: IssuerTable;
  readonly #tails = new WeakMap<Responder, AnswerTail>();
  readonly #live = new LiveAnswers();
  readonly #watches = new Watches();
  readonly #signing = new Map<string, Promise<OcspReply>>();
  readonly #counts = new Map<string, OcspCount>();
  #underWay = 0;

  constructor({ context, newKey, cacheBytes }: OcspResponderOptions) {
    this.#context = context;
    this.responders = new Responders(context, newKey);
    this.cache = new AnswerCache(cacheBytes);
    this.#issuers = new IssuerTable(context.cas, context.crypto);
  }

  /** The answer that is at hand for the octets of a request (one character each); undefined where one has to be made. */
  atHand(request: string): Answer | undefined {
    const answer = this.cache.answer(request);
    if (answer === undefined) return undefined;
    const now = this.#context.clock();
    // The clock may have jumped either way.
    const inTime = answer.thisUpdate <= now && now < answer.nextUpdate;
    if (!inTime || answer.tail.responder.withdrawn) return undefined;
    this.#count(answer.status, 'cached');
    return answer;
  }

  /**
   * The answer to a request with a nonce (octets, one character each) where it can be made at once: for one certificate that is known to be
   * good. Undefined for everything else, which `respond` answers.
   */
  live(request: string): string | undefined {
    const asked = splitNonceRequest(request);
    if (asked === undefined) return undefined;
    const now = this.#context.clock();
    const known = this.cache.known(requestOf(asked.certId), now);
    if (known === undefined || known.state.revocation !== undefined || known.state.notAfter < now) return undefined;
    const responder = this.responders.of(known.responder.issuer);
    const body = responder && this.#live.good(responder, asked, now);
    if (body !== undefined) this.#count('good', 'live');
    return body;
  }

  /** Answers a request (DER). What is wrong with it is an answer too; it rejects only where the store does. */
  async respond(request: Uint8Array): Promise<OcspReply> {
    const parsed = readOcspRequest(request);
    const [first] = parsed?.questions ?? [];
    if (parsed === undefined || first === undefined) return this.#error('malformedRequest');
    const issuer = this.#issuers.find(first.certId);
    // One response has one signer: it cannot speak for two CAs.
    const ours = parsed.questions.every(({ certId }) => this.#issuers.find(certId) === issuer);
    if (issuer === undefined || !ours) return this.#error('unauthorized');
    return parsed.nonce === undefined && parsed.questions.length === 1
      ? this.#one(first, issuer)
      : this.#several(parsed, issuer);
  }

  /** Signs the answer to a request for one certificate from what the store says now, and keeps it; drops one that nobody needs. */
  async renew(request: string): Promise<void> {
    const question = readOcspRequest(octetsOf(request))?.questions[0];
    const issuer = question && this.#issuers.find(question.certId);
    if (issuer === undefined || question === undefined) this.cache.drop(request);
    else await this.#sign(question, issuer, request, 'renewed');
  }

  /** Something about a certificate has changed: whatever was signed about it is served no more. */
  changed(subject: Subject): void {
    const key = subjectKey(subject);
    this.cache.forget(key);
    this.#watches.changed(key);
  }

  /** What was answered since the start. */
  counts(): readonly OcspCount[] {
    return [...this.#counts.values()];
  }

  async #one(question: OcspQuestion, issuer: Ca): Promise<OcspReply> {
    const request = textOf(canonicalRequest(question.certId));
    const answer = this.atHand(request);
    if (answer !== undefined) return { kind: 'answer', answer };
    let signing = this.#signing.get(request);
    if (signing === undefined) {
      signing = this.#bounded(1, () => this.#sign(question, issuer, request, 'asked')).finally(() =>
        this.#signing.delete(request),
      );
      this.#signing.set(request, signing);
    }
    const reply = await signing;
    if (reply.kind === 'answer') this.#count(reply.answer.status, 'live');
    else if (reply.kind === 'live') this.#count('unknown', 'live');
    else this.#count(reply.status, 'error');
    return reply;
  }

  async #sign({ certId }: OcspQuestion, issuer: Ca, request: string, why: 'asked' | 'renewed'): Promise<OcspReply> {
    const responder = this.responders.of(issuer);
    if (responder === undefined) return errorReply('tryLater');
    const subject = subjectOf(certId.serialNumber, issuer);
    const unknown = async (): Promise<OcspReply> => {
      const { der } = await signAnswers(responder, [{ certId, state: undefined }], this.#context.clock(), undefined);
      return { kind: 'live', body: textOf(der) };
    };
    if (subject === undefined) return unknown();
    const key = subjectKey(subject);
    return this.#watches.settle(key, async (watch) => {
      const now = this.#context.clock();
      const known = why === 'asked' ? this.cache.state(key, now) : undefined;
      const state = known ?? (await this.#context.store.certificateState(subject.issuer, subject.serial));
      if (why === 'renewed' && (state === undefined || state.notAfter < now)) {
        this.cache.drop(request);
        return errorReply('unauthorized');
      }
      if (state === undefined) return unknown();
      const { der, thisUpdate, nextUpdate } = await signAnswers(responder, [{ certId, state }], now, undefined);
      const tail = this.#tail(responder);
      const answer: Answer = {
        status: statusOf(state),
        thisUpdate,
        nextUpdate,
        tail,
        etag: `"${sha256Hex(der).slice(0, 32)}"`,
        head: textOf(der.subarray(0, der.length - tail.octets.length)),
      };
      if (!watch.changed) this.cache.rememberAnswer(key, state, now, request, answer);
      return { kind: 'answer', answer };
    });
  }

  async #several({ questions, nonce }: OcspRequest, issuer: Ca): Promise<OcspReply> {
    const reply = await this.#bounded(questions.length, async () => {
      const responder = this.responders.of(issuer);
      if (responder === undefined) return errorReply('tryLater');
      const findings: Finding[] = [];
      for (const { certId } of questions) {
        findings.push({ certId, state: await this.#state(subjectOf(certId.serialNumber, issuer)) });
      }
      const { der } = await signAnswers(responder, findings, this.#context.clock(), nonce);
      for (const { state } of findings) this.#count(statusOf(state), 'live');
      return { kind: 'live', body: textOf(der) };
    });
    if (reply.kind === 'error') this.#count(reply.status, 'error');
    return reply;
  }

  async #state(subject: Subject | undefined): Promise<CertificateState | undefined> {
    if (subject === undefined) return undefined;
    const key = subjectKey(subject);
    const now = this.#context.clock();
    const known = this.cache.state(key, now);
    if (known !== undefined) return known;
    return this.#watches.settle(key, async (watch) => {
      const state = await this.#context.store.certificateState(subject.issuer, subject.serial);
      if (state !== undefined && !watch.changed) this.cache.rememberState(key, state, now);
      return state;
    });
  }

  async #bounded(questions: number, work: () => Promise<OcspReply>): Promise<OcspReply> {
    if (this.#underWay + questions > maxUnderWay) return errorReply('tryLater');
    this.#underWay += questions;
    try {
      return await work();
    } finally {
      this.#underWay -= questions;
    }
  }

  #tail(responder: Responder): AnswerTail {
    let tail = this.#tails.get(responder);
    if (tail === undefined) {
      tail = { responder, octets: textOf(responder.certificate.der) };
      this.#tails.set(responder, tail);
    }
    return tail;
  }

  #error(status: OcspError): OcspReply {
    this.#count(status, 'error');
    return errorReply(status);
  }

  #count(status: OcspCount['status'], source: OcspCount['source']): void {
    const key = `${status} ${source}`;
    const count = this.#counts.get(key);
    if (count === undefined) this.#counts.set(key, { status, source, count: 1 });
    else count.count += 1;
  }
}

/** The request for one certificate, by its CertID, that has nothing beside it. */
function requestOf(certId: string): string {
  return element(0x30, element(0x30, element(0x30, element(0x30, certId))));
}

function errorReply(status: OcspError): OcspReply {
  return { kind: 'error', status, body: textOf(buildOcspError(status)) };
}

function subjectOf(serialNumber: Uint8Array, issuer: Ca): Subject | undefined {
  const serial = serialOf(serialNumber);
  return serial === undefined ? undefined : { issuer: issuer.keyHash, serial };
}
