// A name server for tests: what it says of a name is what a test has told it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

/** What there is of a name. Addresses are IPv4 or IPv6. */
export interface DnsRecords {
  readonly addresses?: readonly string[];
  readonly texts?: readonly string[];
}

export interface TestDnsServer extends AsyncDisposable {
  /** `ADDRESS:PORT` */
  readonly address: string;
  /** Every question so far: `TYPE NAME`. */
  readonly asked: readonly string[];
  set(name: string, records: DnsRecords): void;
  /** Answers by calling back instead: for answers that change from question to question, or undefined for none at all. */
  behave(answer: (name: string, type: string) => DnsRecords | undefined): void;
}

const types: Readonly<Record<number, string>> = { 1: 'A', 16: 'TXT', 28: 'AAAA' };

/** The name of the question, and where it ends. */
function questionOf(message: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.subarray(at + 1, at + 1 + length).toString('latin1'));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: types[message.readUInt16BE(at + 1)] ?? '', end: at + 5 };
}

function octetsOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((one) => Number.parseInt(one, 16));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const middle = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return Buffer.from([...before, ...middle, ...after].flatMap((group) => [group >> 8, group & 0xff]));
}

function dataOf(records: DnsRecords, type: string): { code: number; data: Buffer }[] {
  if (type === 'TXT') {
    return (records.texts ?? []).map((text) => {
      const chunks = text.match(/[\s\S]{1,255}/gu) ?? [''];
      const data = Buffer.concat(chunks.map((chunk) => Buffer.concat([Buffer.of(chunk.length), Buffer.from(chunk)])));
      return { code: 16, data };
    });
  }
  return (records.addresses ?? [])
    .filter((address) => isIPv4(address) === (type === 'A'))
    .map((address) => ({ code: type === 'A' ? 1 : 28, data: octetsOf(address) }));
}

/**
 * Answers DNS questions over UDP on a free port of the loopback. A name that it was told nothing about does not exist.
 *
 * @example await using dns = await serveDns(); dns.set('www.test', { addresses: ['127.0.0.1'] })
 */
export async function serveDns(): Promise<TestDnsServer> {
  const known = new Map<string, DnsRecords>();
  const asked: string[] = [];
  let answer = (name: string, _type: string): DnsRecords | undefined => known.get(name) ?? { texts: undefinedTexts };
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const { name, type, end } = questionOf(message);
    asked.push(`${type} ${name}`);
    const records = answer(name, type);
    if (records === undefined) return;
    const found = dataOf(records, type);
    const head = Buffer.alloc(12);
    message.copy(head, 0, 0, 2);
    head.writeUInt16BE(records.texts === undefinedTexts ? 0x8583 : 0x8580, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(found.length, 6);
    const answers = found.map(({ code, data }) => {
      const record = Buffer.alloc(12);
      record.writeUInt16BE(0xc00c, 0);
      record.writeUInt16BE(code, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt16BE(data.length, 10);
      return Buffer.concat([record, data]);
    });
    socket.send(Buffer.concat([head, message.subarray(12, end), ...answers]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    set: (name, records) => void known.set(name.toLowerCase(), records),
    behave: (next) => (answer = next),
    [Symbol.asyncDispose]: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

/** Stands for a name that does not exist. */
const undefinedTexts: readonly string[] = [];
