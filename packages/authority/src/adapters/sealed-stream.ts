import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { nodePasswordCrypto } from '@countersign/trust';
import { AuthorityError } from '../errors.ts';

// A passphrase-sealed stream: a line that says what it is, a line of JSON that says how it is sealed, then chunks of AES-256-GCM, each
// with its length before it. A chunk's nonce holds its number and whether it is the last (the STREAM construction of Hoang, Reyhanitabar,
// Rogaway and Vizár), so chunks can be neither moved, nor repeated, nor cut off unseen.

const magic = 'countersign-backup/1\n';
const chunkBytes = 1 << 20;
const tagBytes = 16;
const cost = { N: 2 ** 17, r: 8, p: 1 };

interface Header {
  readonly salt: string;
  readonly prefix: string;
  /** Tells a wrong passphrase from a damaged file. */
  readonly check: string;
}

function unreadable(detail: string): AuthorityError {
  return new AuthorityError('backup_unreadable', detail);
}

async function deriveKey(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  const derived = await nodePasswordCrypto.scrypt?.(Buffer.from(passphrase, 'utf8'), salt, cost, 32);
  if (derived === undefined) throw new Error('node:crypto has scrypt');
  return Buffer.from(derived);
}

function checkOf(key: Uint8Array): Buffer {
  return createHmac('sha256', key).update('countersign backup passphrase').digest();
}

function nonceOf(prefix: Uint8Array, number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.set(prefix, 0);
  nonce.writeUInt32BE(number, 7);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
}

/** Seals `source` with a passphrase. */
export async function* seal(source: AsyncIterable<Uint8Array>, passphrase: string): AsyncGenerator<Uint8Array> {
  const salt = randomBytes(16);
  const prefix = randomBytes(7);
  const key = await deriveKey(passphrase, salt);
  const encoded = { salt: salt.toString('hex'), prefix: prefix.toString('hex'), check: checkOf(key).toString('hex') };
  const head = Buffer.from(`${magic}${JSON.stringify(encoded satisfies Header)}\n`);
  yield head;
  let number = 0;
  const sealed = (chunk: Uint8Array, last: boolean): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(prefix, number, last)).setAAD(head);
    number += 1;
    const body = Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
    return Buffer.concat([lengthOf(body.length), body]);
  };
  let pending = Buffer.alloc(0);
  for await (const piece of source) {
    pending = Buffer.concat([pending, piece]);
    while (pending.length > chunkBytes) {
      yield sealed(pending.subarray(0, chunkBytes), false);
      pending = pending.subarray(chunkBytes);
    }
  }
  yield sealed(pending, true);
}

/** Takes exactly as many octets from a stream as are asked for. */
class Intake {
  readonly #source: AsyncIterator<Uint8Array>;
  #pending = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(bytes: number): Promise<Buffer> {
    while (this.#pending.length < bytes) if (!(await this.#more())) throw unreadable('it ends too early');
    const taken = this.#pending.subarray(0, bytes);
    this.#pending = this.#pending.subarray(bytes);
    return taken;
  }

  async takeLine(): Promise<Buffer> {
    for (;;) {
      const end = this.#pending.indexOf(0x0a);
      if (end >= 0) return this.take(end + 1);
      if (this.#pending.length > 4096 || !(await this.#more())) throw unreadable('it is no backup of Countersign');
    }
  }

  async atEnd(): Promise<boolean> {
    return this.#pending.length === 0 && !(await this.#more());
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#source.next();
    if (done === true) return false;
    this.#pending = Buffer.concat([this.#pending, value]);
    return true;
  }
}

function readHeader(line: Buffer): Header {
  try {
    const value = JSON.parse(line.toString('utf8')) as Partial<Record<keyof Header, unknown>>;
    const { salt, prefix, check } = value;
    const hex = (text: unknown, bytes: number): text is string =>
      typeof text === 'string' && Buffer.from(text, 'hex').length === bytes;
    if (hex(salt, 16) && hex(prefix, 7) && hex(check, 32)) return { salt, prefix, check };
  } catch {
    // What is no JSON is told below, like JSON of something else.
  }
  throw unreadable('its head is damaged');
}

/** Opens what `seal` made. Throws `wrong_passphrase`; `backup_unreadable` for anything else, a missing end included. */
export async function* open(source: AsyncIterable<Uint8Array>, passphrase: string): AsyncGenerator<Uint8Array> {
  const intake = new Intake(source);
  const first = await intake.takeLine();
  if (first.toString('latin1') !== magic) throw unreadable('it is no backup of Countersign, or of another version');
  const second = await intake.takeLine();
  const header = readHeader(second);
  const head = Buffer.concat([first, second]);
  const key = await deriveKey(passphrase, Buffer.from(header.salt, 'hex'));
  if (!timingSafeEqual(checkOf(key), Buffer.from(header.check, 'hex'))) {
    throw new AuthorityError('wrong_passphrase', 'the backup');
  }
  const prefix = Buffer.from(header.prefix, 'hex');
  for (let number = 0; ; number += 1) {
    const length = (await intake.take(4)).readUInt32BE();
    if (length < tagBytes || length > chunkBytes + tagBytes) throw unreadable('a chunk has an impossible length');
    const body = await intake.take(length);
    const last = await intake.atEnd();
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(prefix, number, last)).setAAD(head);
    decipher.setAuthTag(body.subarray(-tagBytes));
    try {
      yield Buffer.concat([decipher.update(body.subarray(0, -tagBytes)), decipher.final()]);
    } catch (error) {
      throw new AuthorityError('backup_unreadable', 'a chunk is damaged', { cause: error });
    }
    if (last) return;
  }
}
