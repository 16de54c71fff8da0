import { buildCsr, buildName, der, parseCertificate, parseCsr, subjectAltName } from '@countersign/pki';
import { createRoot } from '@countersign/testkit';
import { nodeSigner } from '@countersign/trust';
import { asksForSame, asksWithin, readEstRequest } from '../../packages/authority/src/domain/est/csr.ts';
import { factoryNames, parseTemplate } from '../../packages/authority/src/domain/est/factory.ts';
import { keyRecipient } from '../../packages/authority/src/domain/est/key-recipient.ts';
import type { FactoryRule } from '../../packages/authority/src/domain/est/factory.ts';
import { nameSet, parseTypedName } from '../../packages/authority/src/domain/names.ts';
import type { Outcome } from '../../packages/authority/src/domain/outcome.ts';
import { seedsFor } from '../corpus.ts';
import type { FuzzTarget } from '../target.ts';
import { isPkiError } from './expected.ts';

// What comes by EST is refused by value, and nothing of it may throw: a refusal is thrown here, for the loop.
class Refusal extends Error {}
const isRefusal = (error: unknown): boolean => error instanceof Refusal;

function accept<T extends object>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Refusal(`${outcome.code}: ${outcome.detail.slice(0, 40)}`);
  return outcome;
}

const root = await createRoot();
const device = await root.issue('device', {
  subject: buildName([
    { type: 'CN', value: 'model' },
    { type: '2.5.4.5', value: 'A1' },
  ]),
});
const csr = await buildCsr(
  {
    subject: buildName([{ type: 'CN', value: 'a' }]),
    extensions: [subjectAltName([{ type: 'dns', value: 'a.test' }])],
  },
  nodeSigner(device.key.privateKey),
);
const receiver = await root.issue('receiver', { keyUsage: null });
/** A request for a key made elsewhere: which key of the client's opens it, by which algorithms. */
const keyRequest = await buildCsr(
  {
    subject: buildName([{ type: 'CN', value: 'a' }]),
    attributes: [
      {
        type: '1.2.840.113549.1.9.16.2.54',
        values: [der.octetString(receiver.certificate.subjectKeyId ?? new Uint8Array(20))],
      },
      {
        type: '1.2.840.113549.1.9.15',
        values: [
          der.sequence(
            der.sequence(der.oid('2.16.840.1.101.3.4.1.42')),
            der.sequence(der.oid('1.2.840.113549.3.2'), der.integer(128)),
          ),
        ],
      },
    ],
  },
  nodeSigner(device.key.privateKey),
);
const granted = nameSet([
  { type: 'cn', value: 'a' },
  { type: 'dns', value: 'a.test' },
]);

function runRequest(bytes: Uint8Array): unknown {
  const { request } = accept(readEstRequest(Buffer.from(bytes).toString('base64')));
  const within = asksWithin(request, granted);
  // Whoever asks for the same names as granted asks for nothing beyond.
  if (asksForSame(request, 'CN=a', nameSet([{ type: 'dns', value: 'a.test' }])).ok) accept(within);
  return [within.ok, request.commonNames.length, request.sans.size];
}

function runKeyDelivery(bytes: Uint8Array): unknown {
  const { recipient } = accept(keyRecipient(parseCsr(bytes), receiver.certificate));
  if (recipient !== receiver.certificate) throw new Error('to somebody else');
  return recipient.serialHex;
}

function template(text: string): FactoryRule['name'] {
  const parsed = parseTemplate(text);
  if ('malformed' in parsed) throw new Error(parsed.malformed);
  return parsed;
}

const rule: FactoryRule = {
  factory: 'fuzz',
  profile: 'device',
  name: template('sensor-{serialNumber}'),
  sans: [
    { type: 'dns', value: template('{serialNumber}.sensors.test') },
    { type: 'uri', value: template('spiffe://sensors.test/{cn}/x') },
  ],
};

function runFactory(bytes: Uint8Array): unknown {
  let certificate;
  try {
    certificate = parseCertificate(bytes);
  } catch {
    throw new Refusal('no certificate');
  }
  const { name, sans } = accept(factoryNames({ rule, certificate }));
  const [dns = '', uri = ''] = sans.map(({ value }) => value);
  const whole = name.startsWith('sensor-') && dns.endsWith('.sensors.test') && dns.split('.').length === 3;
  if (!whole || !/^spiffe:\/\/sensors\.test\/[^/]+\/x$/u.test(uri)) throw new Error(`${name} ${dns} ${uri}`);
  return sans.map(({ type, value }) => 'malformed' in parseTypedName(type, value));
}

export const estTargets: readonly FuzzTarget[] = [
  {
    name: 'est-request',
    form: 'der',
    seeds: () => [csr, ...seedsFor(['CERTIFICATE REQUEST'], parseCsr).slice(0, 50)],
    run: runRequest,
    expected: isRefusal,
  },
  {
    name: 'est-key-delivery',
    form: 'der',
    seeds: () => [keyRequest],
    run: runKeyDelivery,
    expected: (error) => isPkiError(error) || isRefusal(error),
  },
  {
    name: 'est-factory-certificate',
    form: 'der',
    seeds: () => [device.der],
    run: runFactory,
    expected: isRefusal,
  },
];
