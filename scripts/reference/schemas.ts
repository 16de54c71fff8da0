// schemas/*.json from what the programs read their configuration by.
import { agentJsonSchema } from '@countersign/agent';
import { gatewayJsonSchema } from '@countersign/gateway';
import { authoritySettings } from '../../packages/cli/src/config/authority-file.ts';
import { settingsSchema } from '../../packages/cli/src/config/settings.ts';

/** Each schema by the name of its file. */
export function schemas(): Readonly<Record<string, unknown>> {
  return {
    'agent.schema.json': agentJsonSchema(),
    'authority.schema.json': settingsSchema('Countersign authority', authoritySettings),
    'gateway.schema.json': gatewayJsonSchema(),
  };
}
