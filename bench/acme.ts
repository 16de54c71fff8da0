// npm run bench -- acme: complete ACME orders by the authority, beside Caddy's acme_server, and layer by layer.
import { benchHttp01, benchVouched } from './acme/compare.ts';
import { benchLayers } from './acme/layers.ts';
import type { Suite } from './harness/suite.ts';

export const suite: Suite = {
  name: 'acme',
  parts: { layers: benchLayers, vouched: benchVouched, 'http-01': benchHttp01 },
};
