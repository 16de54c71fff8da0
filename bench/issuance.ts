// npm run bench -- issuance: certificates by the authority, as a whole and layer by layer.
import { benchHttps } from './issuance/https.ts';
import { benchLayers } from './issuance/layers.ts';
import type { Suite } from './harness/suite.ts';

export const suite: Suite = {
  name: 'issuance',
  parts: { layers: benchLayers, https: benchHttps },
};
