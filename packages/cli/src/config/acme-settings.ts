// The part `acme` of a configuration file: how the authority offers ACME.
import type { SettingTable } from './settings.ts';

export const acmeSettings = {
  enabled: { kind: 'flag', brief: 'Whether the listener `enroll` offers ACME. Absent: true.' },
  requireEab: {
    kind: 'flag',
    brief:
      'No account without an external account key (countersign eab). Absent: false, names are proven by challenges.',
  },
  profiles: {
    kind: 'texts',
    brief:
      'Which of server, peer, client and device there are; all but server need an external account key. Absent: all.',
  },
  termsOfService: { kind: 'text', brief: 'URL of terms that accounts have to agree to.' },
  publicUrl: {
    kind: 'text',
    brief: 'Base of all URLs where something stands before the listener, e.g. https://acme.example.',
  },
  validation: {
    kind: 'section',
    brief: 'How challenges are looked at.',
    settings: {
      allow: {
        kind: 'texts',
        brief: 'Addresses and ranges that may be connected to although they are loopback, link-local or the like.',
      },
      deny: { kind: 'texts', brief: 'Addresses and ranges that are never connected to.' },
      ports: {
        kind: 'section',
        brief: 'Other ports to connect to; redirects may lead to these two only.',
        settings: {
          http: { kind: 'number', brief: 'For http-01. Absent: 80.' },
          https: { kind: 'number', brief: 'For tls-alpn-01, and redirects to https. Absent: 443.' },
        },
      },
      resolver: { kind: 'texts', brief: "DNS servers, ADDRESS or ADDRESS:PORT. Absent: the system's." },
      timeoutSeconds: { kind: 'number', brief: 'For one look at one challenge. Absent: 10.' },
    },
  },
} as const satisfies SettingTable;
