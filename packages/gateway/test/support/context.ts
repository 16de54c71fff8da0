import type { ClientIdentity, ConnectionContext, HostPolicy, Peer } from '../../src/connection.ts';

export const NO_METRICS: ConnectionContext['metrics'] = {
  tunnelOpened: () => undefined,
  tunnelClosed: () => undefined,
  upstreamConnected: () => undefined,
  upstreamRetried: () => undefined,
};

/** An accepted peer; `der` stands for a certificate where its bytes do not matter. */
export function accepted(identity: Partial<ClientIdentity> = {}): Peer {
  const leafDer = identity.leafDer ?? Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x05);
  return {
    kind: 'accepted',
    identity: {
      subject: 'CN=demo',
      name: 'demo',
      sans: [],
      fingerprintSha256: 'f0'.repeat(32),
      spkiSha256: 'a0'.repeat(32),
      serialHex: '0a',
      leafDer,
      chainDer: [leafDer],
      ...identity,
    },
  };
}

export function contextFor(policy: HostPolicy, peer: Peer = { kind: 'none' }, sni?: string): ConnectionContext {
  return {
    id: 'c0',
    alpn: 'http/1.1',
    policy,
    sni,
    peer,
    remoteAddress: '192.0.2.1',
    remotePort: 50_000,
    localAddress: '192.0.2.2',
    localPort: 9443,
    now: () => 0,
    log: () => undefined,
    metrics: NO_METRICS,
  };
}
