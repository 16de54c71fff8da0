// npm run bench -- gateway: the gateway beside nginx and HAProxy, each asking for a client certificate.
import type { Suite } from './harness/suite.ts';
import { compareFronts, type Measurement } from './gateway/measure.ts';

const cpu = 'CPU, µs';
const measurements = {
  'full-handshake': {
    title: 'full mutual handshake and a request',
    order: { kind: 'full', connections: 8 },
    unit: cpu,
  },
  'resumed-handshake': {
    title: 'resumed handshake and a request',
    order: { kind: 'resumed', connections: 8 },
    unit: cpu,
  },
  'keep-alive': {
    title: 'request on a kept connection, HTTP/1.1',
    order: { kind: 'keepAlive', connections: 32 },
    unit: cpu,
    atMost: 1.3,
  },
  http2: {
    title: 'request on a kept connection, HTTP/2',
    order: { kind: 'http2', connections: 4 },
    unit: cpu,
    atMost: 1.5,
  },
  'large-body': {
    title: 'a mebibyte to the client',
    order: { kind: 'body', connections: 4 },
    unit: cpu,
    atMost: 1.5,
  },
  'idle-connection': {
    title: 'memory of a connection that waits',
    order: { kind: 'open', connections: 1000 },
    unit: 'kB',
    scale: 1 / 1000,
    memory: true,
  },
} satisfies Record<string, Measurement>;

export const suite: Suite = {
  name: 'gateway',
  parts: Object.fromEntries(
    Object.entries(measurements).map(([part, measured]) => [part, (options) => compareFronts(measured, options)]),
  ),
};
