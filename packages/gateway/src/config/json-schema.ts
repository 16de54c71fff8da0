import { z } from 'zod';
import { gatewayConfigSchema } from './schema.ts';

/**
 * The JSON Schema of the configuration (draft 2020-12), as published in schemas/gateway.schema.json: for editors that complete
 * and check YAML. What it cannot say (that a bundle exists, that a name is served once) is checked when the gateway starts.
 */
export function gatewayJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(gatewayConfigSchema, { io: 'input', unrepresentable: 'any' });
  return { $id: 'https://countersign.dev/schemas/gateway.schema.json', title: 'Countersign gateway', ...schema };
}
