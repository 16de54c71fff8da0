// The part `administrators` of a configuration file: what single administrators are bound to.
import type { SettingTable } from './settings.ts';

export const administratorSettings = {
  profiles: {
    kind: 'texts',
    brief: 'The profiles that this administrator makes tokens for: server, peer, client, device, person.',
  },
  names: {
    kind: 'texts',
    brief: 'The names: cn:sensor-*, dns:www.example.com, dns:.example.com (all below), ip:10.0.0.0/8, uri:urn:dev:*.',
  },
} as const satisfies SettingTable;
