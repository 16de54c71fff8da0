import { routes } from '@countersign/protocol';
import type { Principal, Route, RouteName } from '@countersign/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Caller, RefusedCaller } from './caller.ts';
import { principalsOf } from './caller.ts';
import { ProblemError } from './problem.ts';

/** Finds out who calls; `renews` where it is about nothing but the renewal of the certificate that is shown. */
export type WhoCalls = (request: FastifyRequest, renews?: boolean) => Promise<Caller | RefusedCaller>;

/** A request whose caller may call and whose content is of its schema. */
export interface Call<R extends RouteName> {
  readonly caller: Caller;
  readonly body: BodyOf<R>;
  readonly query: QueryOf<R>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

type BodyOf<R extends RouteName> = (typeof routes)[R] extends { readonly body: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;
type QueryOf<R extends RouteName> = (typeof routes)[R] extends { readonly query: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

/** Puts a route of the protocol's table on the server: who may call is checked first, then what was sent. */
export function serveRoute<R extends RouteName>(
  app: FastifyInstance,
  whoCalls: WhoCalls,
  name: R,
  handle: (call: Call<R>) => unknown,
): void {
  const route: Route = routes[name];
  app.route({
    method: route.method,
    url: route.path,
    // The caller is known before the body is read: nobody makes us read what is not allowed anyway.
    onRequest: async (request) => {
      const caller = await whoCalls(request, route.renews === true);
      if (caller.kind === 'refused') throw new ProblemError(caller.code, caller.detail);
      admit(route.principals, caller);
      callers.set(request, caller);
    },
    handler: async (request, reply) => {
      const caller = callers.get(request) ?? { kind: 'none' as const };
      const body = parse(route.body, request.body, 'the body') as BodyOf<R>;
      const query = parse(route.query, request.query, 'the query') as QueryOf<R>;
      return handle({ caller, body, query, request, reply });
    },
  });
}

const callers = new WeakMap<FastifyRequest, Caller>();

function admit(principals: readonly Principal[], caller: Caller): void {
  const held = principalsOf(caller);
  if (principals.some((principal) => held.has(principal))) return;
  if (caller.kind === 'none') throw new ProblemError('no_credentials', `this is for: ${principals.join(', ')}`);
  throw new ProblemError('forbidden', `this is for: ${principals.join(', ')}`);
}

function parse(schema: z.ZodType | undefined, value: unknown, what: string): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || what}: ${message}`);
  throw new ProblemError('bad_request', faults.join('; '));
}
