// The gateway's configuration that `start` makes from its few flags.
import { join } from 'node:path';
import type { ListeningEvent } from '@countersign/protocol';
import { hostPort } from '../admin/names.ts';
import type { StartPlan } from './plan.ts';

/** Where the gateway's listener at this place was before: a free port is chosen once. */
export function listenAt(before: ListeningEvent | undefined, at: number): { readonly listen?: string } {
  const listen = before?.listen.gateway?.[at];
  return listen === undefined ? {} : { listen };
}

/** What is known only when the authority runs. */
export interface GatewaySurroundings {
  readonly authorityUrl: string;
  readonly upstream: string;
  /** Where the gateway listened before it ended. */
  readonly before: ListeningEvent | undefined;
}

/** What the configuration is made from. */
type GatewayPart = Pick<
  StartPlan,
  'folder' | 'trust' | 'gateway' | 'gatewayNames' | 'gatewayConfig' | 'admin' | 'workers'
>;

/**
 * One listener with one host for every name, in front of one upstream; what `--config` says about the gateway replaces
 * or adds to it, but for the parts that only `start` can know.
 */
export function gatewayConfig(plan: GatewayPart, around: GatewaySurroundings): unknown {
  const { folder, trust } = plan;
  const { authorityUrl, upstream, before } = around;
  const own = plan.gatewayConfig ?? {};
  const partners = trust.length === 0 ? {} : { partners: { files: trust } };
  const listener = {
    listen: before?.listen.gateway?.[0] ?? hostPort(plan.gateway),
    hosts: [
      {
        // One policy for every name: the certificate decides which names are trusted, the policy is the same for all.
        names: ['*'],
        certificate: { authority: { names: plan.gatewayNames } },
        trust: ['own', ...Object.keys(partners)],
        upstream,
      },
    ],
  };
  const ownListeners = own['listeners'];
  const listeners = Array.isArray(ownListeners)
    ? ownListeners.map((one: object, at) => ({ ...one, ...listenAt(before, at) }))
    : [listener];
  const bundles = { ...partners, ...(own['bundles'] as object | undefined) };
  return {
    ...own,
    listeners,
    ...(Object.keys(bundles).length === 0 ? {} : { bundles }),
    authority: { ...(own['authority'] as object | undefined), url: authorityUrl, identity: folder.gateway },
    state: join(folder.gateway, 'state'),
    // One place shows the whole machine.
    admin: { listen: before?.listen.admin ?? hostPort(plan.admin), authorityMetrics: true },
    ...(plan.workers === undefined ? {} : { workers: plan.workers }),
  };
}

/** Tells mistakes in the gateway's part of `--config` before anything runs. @throws GatewayConfigError */
export async function checkGatewayConfig(plan: GatewayPart & Pick<StartPlan, 'upstream' | 'baseDir'>): Promise<void> {
  if (plan.gatewayConfig === undefined) return;
  const { compileConfig } = await import('@countersign/gateway');
  const nobody = '127.0.0.1:1';
  const around = {
    authorityUrl: `https://${nobody}`,
    upstream: plan.upstream ?? `http://${nobody}`,
    before: undefined,
  };
  compileConfig(gatewayConfig(plan, around), plan.baseDir);
}
