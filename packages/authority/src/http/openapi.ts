import { problemMediaType, problemSchema, routes, waitingSchema } from '@countersign/protocol';
import type { Route } from '@countersign/protocol';
import { z } from 'zod';

const jsonMediaType = 'application/json';

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

function parametersOf(route: Route): object[] {
  const path = [...route.path.matchAll(/:(?<name>\w+)/gu)].map(({ groups }) => ({
    name: groups?.['name'],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  if (route.query === undefined) return path;
  const { properties = {} } = z.toJSONSchema(route.query, { io: 'input' });
  return [...path, ...Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }))];
}

function operation(name: string, route: Route): object {
  const mediaType = route.mediaType ?? jsonMediaType;
  const content = route.response === undefined ? {} : { schema: schemaOf(route.response, 'output') };
  return {
    operationId: name,
    summary: route.summary,
    description: `For: ${route.principals.join(', ')}`,
    parameters: parametersOf(route),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { [jsonMediaType]: { schema: schemaOf(route.body, 'input') } } } }),
    security: route.principals.includes('anyone')
      ? []
      : route.principals.includes('token')
        ? [{ token: [] }]
        : [{ mutualTLS: [] }],
    responses: {
      200: {
        description: route.stream === true ? 'One JSON object a line' : 'Done',
        content: { [mediaType]: content },
      },
      ...(route.mayWait === true && {
        202: {
          description: 'An administrator has to approve first: ask again at `poll`, after `Retry-After`',
          headers: { 'Retry-After': { schema: { type: 'integer' } }, Location: { schema: { type: 'string' } } },
          content: { [jsonMediaType]: { schema: schemaOf(waitingSchema, 'output') } },
        },
      }),
      default: { $ref: '#/components/responses/problem' },
    },
  };
}

/** The API as an OpenAPI 3.1 document, made from the protocol's table of routes. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = route.path.replaceAll(/:(?<name>\w+)/gu, '{$<name>}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) };
  }
  const problem = { [problemMediaType]: { schema: schemaOf(problemSchema, 'output') } };
  return {
    openapi: '3.1.0',
    info: { title: 'Countersign authority', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      responses: { problem: { description: 'RFC 9457 problem; `code` is stable', content: problem } },
      securitySchemes: {
        mutualTLS: { type: 'mutualTLS' },
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
    },
  };
}
