// The part `profiles` of a configuration file: what an administrator decides about the certificates of single profiles.
import type { SettingTable } from './settings.ts';

export const profileSettings = {
  approval: {
    kind: 'text',
    brief:
      'none, required (each new certificate waits for an administrator: countersign requests) or always (renewals too). Absent: none.',
  },
  approvalSeconds: {
    kind: 'number',
    brief: 'How long a request waits for approval before it has expired. Absent: 604800, a week; 28 days at most.',
  },
  renewalGraceSeconds: {
    kind: 'number',
    brief:
      'How long after its end a certificate may still renew itself, over mutual TLS and EST; never one that was revoked. Absent: not at all.',
  },
} as const satisfies SettingTable;
