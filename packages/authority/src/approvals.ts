import type { Approved, AuditActor, Denied, RequestDetail, RequestList } from '@countersign/protocol';
import { answerTo } from './domain/approval/answer.ts';
import type { Granted } from './domain/approval/answer.ts';
import { approveRequest, denyRequest } from './domain/approval/decide.ts';
import type { RequestFilter } from './domain/approval/records.ts';
import { requestDetail, requestRecord } from './domain/approval/views.ts';
import { sha256Hex } from './domain/ca.ts';
import { ownersOf } from './domain/doors.ts';
import { refuse } from './domain/outcome.ts';
import type { Outcome, Refused } from './domain/outcome.ts';
import type { StoredCertificate } from './domain/ports.ts';
import { tokenOwner } from './domain/tokens.ts';
import type { TokenContext } from './domain/tokens.ts';
import type { Metrics } from './metrics.ts';

/** Requests that wait for an administrator, whatever the transport: what they see and decide, and what whoever waits is told. */
export class Approvals {
  readonly #context: TokenContext;
  readonly #metrics: Metrics;

  constructor(context: TokenContext, metrics: Metrics) {
    this.#context = context;
    this.#metrics = metrics;
  }

  async list(filter: RequestFilter): Promise<RequestList> {
    const now = this.#context.clock();
    const found = await this.#context.store.listRequests(filter, now);
    const requests = found.map((one) => requestRecord(one, now));
    const last = found.at(-1);
    return last === undefined || found.length < filter.limit ? { requests } : { requests, next: last.id };
  }

  async show(id: string): Promise<Outcome<{ detail: RequestDetail }>> {
    const found = await this.#context.store.request(id);
    return found === undefined
      ? refuse('unknown_request', `there is no request ${id}`)
      : { ok: true, detail: requestDetail(found, this.#context.clock()) };
  }

  async approve(id: string, by: AuditActor): Promise<Outcome<{ approved: Approved }>> {
    const outcome = await approveRequest(this.#context, id, by);
    if (!outcome.ok) return outcome;
    const { issued, request } = outcome;
    const { name, profile, serial, notAfter } = issued;
    this.#metrics.issued(profile, request.door);
    return { ok: true, approved: { id, name, serial, notAfter } };
  }

  async deny(id: string, reason: string, by: AuditActor): Promise<Outcome<{ denied: Denied }>> {
    const outcome = await denyRequest(this.#context, { id, reason }, by);
    if (!outcome.ok) return outcome;
    const { name, door } = outcome.request;
    this.#metrics.refused(door, 'request_denied');
    return { ok: true, denied: { id, name, reason } };
  }

  /** What has become of a request, for whoever made it; another's is not told from none. */
  async stateOf(
    id: string,
    by: {
      readonly token?: string | undefined;
      readonly certificate?: StoredCertificate | undefined;
      /** Why the certificate counts for nothing but the requests that were made with it in time. */
      readonly tooLate?: Refused | undefined;
    },
  ): Promise<Outcome<Granted>> {
    const { store, cas, clock, seal } = this.#context;
    const { token, certificate, tooLate } = by;
    if (token !== undefined && !(await seal.isSealed(token)))
      return refuse('token_invalid', 'its signature is not ours');
    const owners = new Set([
      ...(token === undefined ? [] : [tokenOwner(sha256Hex(token))]),
      ...(certificate === undefined ? [] : ownersOf(certificate)),
    ]);
    const request = await store.request(id);
    if (request === undefined || !owners.has(request.owner))
      return tooLate ?? refuse('unknown_request', 'nobody has made such a request with these credentials');
    const answer = await answerTo(store, cas(), request, clock());
    return (
      answer ?? refuse('request_expired', `it waited until ${new Date(request.expiresAt).toISOString()}: ask again`)
    );
  }
}
