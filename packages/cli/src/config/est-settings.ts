// The part `est` of a configuration file: how the authority offers EST.
import type { Settings, SettingTable } from './settings.ts';

export const estSettings = {
  enabled: { kind: 'flag', brief: "Whether the API's listener offers EST. Absent: true." },
  serverKeygen: {
    kind: 'sections',
    brief: 'Profiles for whose certificates keys are made here (serverkeygen), each under its name. Absent: none.',
    settings: {
      key: { kind: 'text', brief: 'p256, p384, p521, ed25519, rsa2048, rsa3072, rsa4096 or ml-dsa-…. Absent: p256.' },
    },
  },
  factories: {
    kind: 'sections',
    brief: 'CAs of others whose devices may enroll with the certificates they were made with, each under a name.',
    settings: {
      ca: { kind: 'texts', brief: 'Files with its CA certificates, PEM or DER; self-signed ones are anchors.' },
      crl: {
        kind: 'texts',
        brief: 'Its CRL files, followed. With any, the whole path of a device has to be covered by them.',
      },
      profile: { kind: 'text', brief: 'device, client, peer or server. Absent: device.' },
      name: {
        kind: 'text',
        brief:
          'The name that a certificate proves, with one of {cn}, {serialNumber}, {serial}, {fingerprint}: sensor-{serialNumber}.',
      },
      sans: {
        kind: 'texts',
        brief: 'The subjectAltNames that it proves, each with one placeholder: dns:{serialNumber}.sensors.example.',
      },
    },
  },
} as const satisfies SettingTable;

/** The settings with paths that are whole. */
export function resolveEst(
  est: Settings<typeof estSettings>,
  from: (path: string) => string,
): Settings<typeof estSettings> {
  const { factories } = est;
  if (factories === undefined) return est;
  const whole = Object.entries(factories).map(([name, { ca, crl, ...rule }]) => {
    const files = { ...(ca && { ca: ca.map(from) }), ...(crl && { crl: crl.map(from) }) };
    return [name, { ...rule, ...files }] as const;
  });
  return { ...est, factories: Object.fromEntries(whole) };
}
