import type { TLSSocket } from 'node:tls';
import { type Accepted, judgeConnection, type JudgingPort, type Refused } from '@countersign/trust';
import type { ConnectionHandle, Peer } from '../connection.ts';
import type { HostConfig } from '../config/config.ts';

export interface AdmissionOptions extends JudgingPort {
  readonly onRefused: (code: string) => void;
  readonly onEnded: (code: string) => void;
}

/** What came of judging a connection. */
export type Admission =
  | {
      readonly kind: 'serve';
      readonly peer: Peer;
      /** The connection is served: it ends when the verdict no longer stands. */
      attach(connection: ConnectionHandle): void;
      /** The connection has gone before it was served. */
      abandon(): void;
    }
  /** A resumed session's leaf that nobody can judge: close, and make full handshakes necessary. */
  | { readonly kind: 'unjudgeable' };

/**
 * Judges who is at the other end of a connection that has just finished its handshake. A resumed session is judged as a new one
 * is, under the policy that its server name selects now.
 *
 * @param host - that policy
 */
export async function admit(socket: TLSSocket, host: HostConfig, options: AdmissionOptions): Promise<Admission> {
  const policy = options.trust.state.policy(host.key);
  if (policy === undefined) throw new Error(`no policy ${host.key}`);
  const judgement = await judgeConnection(socket, policy, options);
  if (judgement.kind === 'unjudgeable') return judgement;
  if (judgement.kind === 'none') return serve({ kind: 'none' });
  const { verdict } = judgement;
  return verdict.ok ? register(verdict, host, options) : refused(verdict, options);
}

function register(verdict: Accepted, host: HostConfig, options: AdmissionOptions): Admission {
  let connection: ConnectionHandle | undefined;
  const registration = options.trust.register.add(verdict, host.key, (reason) => {
    options.onEnded(reason);
    connection?.kill(reason);
  });
  if (!registration.ok) return refused(registration, options);
  const { handle } = registration;
  return {
    kind: 'serve',
    peer: { kind: 'accepted', identity: verdict.identity, handle },
    attach(made) {
      connection = made;
      if (handle.ended !== undefined) made.kill(handle.ended);
      void made.closed.then(() => handle.close());
    },
    abandon: () => handle.close(),
  };
}

function refused(verdict: Refused, options: AdmissionOptions): Admission {
  options.onRefused(verdict.code);
  const { code, detail, mend, identity } = verdict;
  return serve({ kind: 'refused', code, detail, mend, identity });
}

function serve(peer: Peer): Admission {
  return { kind: 'serve', peer, attach: () => undefined, abandon: () => undefined };
}
