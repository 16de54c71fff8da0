/** Which route serves a request, under the policy that the connection was admitted by. */
import { precedence } from '@countersign/trust';
import type { ConnectionContext, HostPolicy, Route, RouteDecision, Router } from '../connection.ts';
import type { ProblemCode } from '../refusal/codes.ts';
import { selectByName } from '../config/server-name.ts';
import { formatAuthority, parseAuthority } from './host.ts';
import { normalisePath, withoutParameters } from './path.ts';

/** Spellings of hosts that are remembered. */
const KNOWN_AUTHORITIES = 1024;

type Refusal = Extract<RouteDecision, { ok: false }>;

interface Found {
  /** Normal form, with a port where one was given; undefined where it has none. */
  readonly host: string | undefined;
  readonly policy: HostPolicy | undefined;
}

/**
 * A router over all policies of a listener.
 *
 * The order of judgement is the contract's: a missing certificate before a misdirected host before a bad request. A host of
 * another policy than the connection's is misdirected even where that policy would admit the client: its verdict was not asked.
 *
 * @throws {RangeError} where names or paths are ambiguous
 */
export function createRouter(policies: readonly HostPolicy[]): Router {
  const routes = new Map<string, PathTable>();
  for (const policy of policies) {
    if (routes.has(policy.id)) throw new RangeError(`the policy ${policy.id} is given twice`);
    routes.set(policy.id, new PathTable(policy.routes));
  }

  const found = new Map<string, Found>();

  function find(authority: string): Found {
    let answer = found.get(authority);
    if (answer === undefined) {
      const parsed = parseAuthority(authority);
      answer = { host: parsed && formatAuthority(parsed), policy: parsed && selectByName(policies, parsed.host) };
      if (found.size >= KNOWN_AUTHORITIES) found.clear();
      found.set(authority, answer);
    }
    return answer;
  }

  function judge(authority: string, path: string, context: ConnectionContext): RouteDecision {
    const refused = context.peer.kind === 'refused' ? refuse(context.peer.code, context.peer.detail) : undefined;
    if (refused !== undefined && comesFirst(refused.code)) return refused;
    const { host, policy } = find(authority);
    if (host === undefined || policy?.id !== context.policy.id) {
      // What cannot be matched to a route is judged by the policy's own demand.
      if (context.policy.clientCert === 'required' && context.peer.kind === 'none') return noCertificate();
      if (host === undefined) return refuse('bad_request', 'a malformed host');
      const by =
        context.sni === undefined
          ? 'no server name was sent, and the'
          : `the server name ${context.sni} was sent, and the`;
      return refuse('misdirected', `${by} host ${host} is not under its policy`);
    }
    const normal = normalisePath(path);
    const table = routes.get(policy.id) as PathTable;
    const route = normal.ok ? table.match(normal.path) : undefined;
    const demand = route?.clientCert ?? policy.clientCert;
    if (demand === 'required' && context.peer.kind === 'none') return noCertificate();
    if (!normal.ok) return refuse('bad_request', normal.detail);
    if (route?.permits !== undefined && context.peer.kind === 'accepted' && !route.permits(context.peer.identity)) {
      return refuse('not_allowed', `the rules of the route ${route.id} do not name the client`);
    }
    const other = withoutParameters(normal.path);
    if (other !== undefined && (other.includes('//') || table.match(other) !== route)) {
      return refuse('bad_request', 'path parameters that change the route');
    }
    if (refused !== undefined) return refused;
    if (route === undefined) return refuse('no_route', 'no route has a prefix of the path');
    return { ok: true, route, host, path: normal.path };
  }

  return { resolve: judge };
}

/** What a request without a readable head is told: it has no route, so the host's own demand for a certificate holds. */
export function judgeMalformed(context: ConnectionContext, detail: string): { code: ProblemCode; detail: string } {
  const { peer, policy } = context;
  if (peer.kind === 'refused' && comesFirst(peer.code)) return { code: peer.code, detail: peer.detail };
  if (peer.kind === 'none' && policy.clientCert === 'required') {
    return { code: 'no_certificate', detail: `the client sent no certificate, and a malformed request: ${detail}` };
  }
  return { code: 'bad_request', detail };
}

/** Prefixes on segment borders, longest first. */
class PathTable {
  readonly #routes: readonly { readonly prefix: string; readonly route: Route }[];

  constructor(routes: readonly Route[]) {
    const seen = new Set<string>();
    this.#routes = routes
      .map((route) => {
        const normal = normalisePath(route.path);
        if (!normal.ok) throw new RangeError(`not a route path: ${route.path} (${normal.detail})`);
        const prefix = normal.path.replace(/\/$/, '');
        if (seen.has(prefix)) throw new RangeError(`the path ${route.path} is given twice`);
        seen.add(prefix);
        return { prefix, route };
      })
      .sort((a, b) => b.prefix.length - a.prefix.length);
  }

  match(path: string): Route | undefined {
    for (const { prefix, route } of this.#routes) {
      if (path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f))
        return route;
    }
    return undefined;
  }
}

/** Whether a refusal of the connection is told before what is wrong with a request: all are, but those of the gateway's own state. */
function comesFirst(code: ProblemCode): boolean {
  return code !== 'no_route' && precedence(code) < precedence('misdirected');
}

function noCertificate(): Refusal {
  return refuse('no_certificate', 'the client sent no certificate');
}

function refuse(code: ProblemCode, detail: string): Refusal {
  return { ok: false, code, detail };
}
