import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pemEncode } from '@countersign/pki';
import { peer } from '@countersign/testkit';
import type { Front } from '../harness/front.ts';
import type { Scene } from '../gateway/servers.ts';
import { startCountersign, startNginx } from '../gateway/servers.ts';
import { crlEntries } from '../pki/crl-entries.ts';

/** A server, and how many certificates it holds to be revoked. */
export interface RevokingFront {
  readonly front: Front;
  readonly kind: 'countersign' | 'nginx';
  readonly revoked: number;
}

/** CRLs of both CAs of the chain, as files: each apart (DER), and together (PEM). */
async function writeCrls({ folder, authorities: { root, issuing } }: Scene, revoked: number) {
  const times = { thisUpdate: Date.now() - 60_000, nextUpdate: Date.now() + 86_400_000 };
  const ofRoot = await root.crl(times);
  const ofIssuing = await issuing.crl({ ...times, entries: crlEntries(revoked) });
  const der = [join(folder, 'root.crl'), join(folder, `issuing-${revoked}.crl`)] as const;
  const pem = join(folder, `chain-${revoked}.pem`);
  writeFileSync(der[0], ofRoot);
  writeFileSync(der[1], ofIssuing);
  writeFileSync(pem, [ofRoot, ofIssuing].map((crl) => pemEncode('X509 CRL', crl)).join(''));
  return { der, pem };
}

/** The gateway without and with many revoked certificates, and nginx with the same CRLs and a tenth of them. */
export async function startRevokingFronts(scene: Scene, many: number, started: RevokingFront[]): Promise<void> {
  const nginx = peer('nginx');
  for (const revoked of [0, many / 10, many]) {
    const { der, pem } = await writeCrls(scene, revoked);
    const count = `${revoked.toLocaleString('en-US')} revoked`;
    // One that holds a tenth would say nothing that the other two do not.
    if (revoked !== many / 10) {
      const front = await startCountersign(scene, `countersign, ${count}`, 'off', der);
      started.push({ front, kind: 'countersign', revoked });
    }
    if (nginx === undefined) continue;
    started.push({ front: await startNginx(scene, nginx, `nginx, ${count}`, pem), kind: 'nginx', revoked });
  }
}
