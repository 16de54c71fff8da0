import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { request as plainRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import {
  buildOcspRequest,
  der,
  encodeCertId,
  OID,
  ocspCertId,
  parseCertificate,
  parseOcspResponse,
  pemDecode,
  verifyOcspResponse,
} from '@countersign/pki';
import type { BuildOcspRequestOptions, Certificate } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { runningTest } from '../support/running.ts';
import type { RunningTest } from '../support/running.ts';

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const requestType = { 'content-type': 'application/ocsp-request' };

describe('OCSP over HTTP', () => {
  let running: RunningTest;
  let certificate: Certificate;
  let issuer: Certificate;
  before(async () => {
    running = await runningTest();
    const issued = await running.issued('alice', 'client');
    [certificate, issuer] = pemDecode(issued.cert).map((block) => parseCertificate(block.der)) as [
      Certificate,
      Certificate,
    ];
  });
  after(() => running[Symbol.asyncDispose]());

  const port = (): number => Number(running.authority.listen.http.split(':').at(-1));

  async function send(options: RequestOptions, body?: Uint8Array): Promise<Got> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = plainRequest({ host: '127.0.0.1', port: port(), agent: false, ...options }, resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
    const response = await promise;
    return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
  }

  const ask = (options?: BuildOcspRequestOptions): Uint8Array =>
    buildOcspRequest([certificate], issuer, nodeCrypto, options);
  const post = (body: Uint8Array): Promise<Got> => send({ method: 'POST', path: '/ocsp', headers: requestType }, body);
  const get = (request: Uint8Array, headers = {}): Promise<Got> =>
    send({ path: `/ocsp/${encodeURIComponent(Buffer.from(request).toString('base64'))}`, headers });

  function judged(got: Got, nonce?: Uint8Array) {
    assert.equal(got.status, 200);
    assert.equal(got.headers['content-type'], 'application/ocsp-response');
    assert.equal(got.headers['content-length'], String(got.body.length));
    const options = { certificate, issuer, time: Date.now(), crypto: nodeCrypto };
    return verifyOcspResponse(got.body, nonce === undefined ? options : { ...options, nonce });
  }

  function malformed(got: Got, status = 200): void {
    assert.equal(got.status, status);
    assert.equal(got.headers['content-type'], 'application/ocsp-response');
    assert.equal(got.headers['cache-control'], 'no-store');
    assert.equal(parseOcspResponse(got.body).status, 'malformedRequest');
  }

  it('is asked where certificates say', () => {
    const access = certificate.authorityInfoAccess ?? [];
    const urls = access.filter(({ method }) => method === OID.ocsp).map(({ location }) => location);
    assert.deepEqual(urls, [{ type: 'uri', value: `http://127.0.0.1:${port()}/ocsp` }]);
    assert.ok(!issuer.authorityInfoAccess?.some(({ method }) => method === OID.ocsp), 'the root has no responder');
  });

  it('answers POST and GET', async () => {
    assert.equal(judged(await post(ask())).status, 'good');
    assert.equal(judged(await get(ask())).status, 'good');
    const nonce = randomBytes(32);
    for (const got of [await post(ask({ nonce })), await get(ask({ nonce }))]) {
      assert.equal(judged(got, nonce).status, 'good');
      assert.equal(got.headers['cache-control'], 'no-store');
      assert.equal(got.headers.etag, undefined);
    }
  });

  it('takes the base64 of a path with its special characters as they are, percent-encoded, and after a slash too many', async () => {
    const texts = [];
    for (let octet = 0; octet < 256; octet++) {
      const serialNumber = Uint8Array.of(1, octet, 0xff, 0xfe, 0xfb, 0xef, octet);
      const id = ocspCertId({ serialNumber, issuer: issuer.subject }, issuer, 'sha256', nodeCrypto);
      const request = der.sequence(der.sequence(der.sequence(der.sequence(encodeCertId(id)))));
      const text = Buffer.from(request).toString('base64');
      if (text.includes('/') && text.includes('+')) texts.push(text);
    }
    assert.ok(texts.length > 0);
    for (const text of texts.slice(0, 3)) {
      const paths = [text, encodeURIComponent(text), `/${text}`, encodeURIComponent(text).toLowerCase()];
      const statuses = [];
      for (const path of paths) {
        const got = await send({ path: `/ocsp/${path}` });
        statuses.push(parseOcspResponse(got.body).status);
      }
      // Base64 in lower case is another text, whatever of it was percent-encoded.
      assert.deepEqual(statuses.slice(0, 3), ['successful', 'successful', 'successful']);
      assert.notEqual(statuses[3], 'successful');
    }
  });

  it('answers octet by octet the same whether a request comes whole or in pieces', async () => {
    const text = Buffer.from(ask()).toString('base64');
    const head = `Host: a\r\nContent-Type: application/ocsp-request\r\nContent-Length: ${ask().length}\r\n\r\n`;
    const asked = [
      `POST /ocsp HTTP/1.1\r\n${head}${Buffer.from(ask()).toString('latin1')}`,
      `GET /ocsp/${encodeURIComponent(text)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    ];
    await post(ask());
    for (const request of asked) {
      const answers = [];
      for (const pieces of [[request], [request.slice(0, 50), request.slice(50)]]) {
        const socket = connect({ port: port(), host: '127.0.0.1', noDelay: true });
        let got = '';
        socket.setEncoding('latin1').on('data', (octets: string) => (got += octets));
        const answered = once(socket, 'data');
        for (const piece of pieces) await new Promise((resolve) => socket.write(piece, 'latin1', resolve));
        await answered;
        socket.end();
        await once(socket, 'close');
        // Both of these go on with time.
        answers.push(got.replace(/^Date: .*$/mu, '').replace(/max-age=\d+/u, ''));
      }
      assert.equal(answers[0], answers[1]);
      assert.match(answers[0] ?? '', /^HTTP\/1\.1 200 OK\r\n/u);
    }
  });

  it('lets caches keep an answer to GET until there is another, and tells them when they have it', async () => {
    const got = await get(ask());
    const result = judged(got);
    assert.ok(result.status === 'good');
    const { headers } = got;
    assert.equal(Date.parse(headers['last-modified'] ?? ''), result.thisUpdate);
    assert.equal(Date.parse(headers.expires ?? ''), result.staleAt);
    assert.match(headers['cache-control'] ?? '', /^max-age=\d+, public, no-transform, must-revalidate$/u);
    const maxAge = Number(/\d+/u.exec(headers['cache-control'] ?? '')?.[0]);
    assert.ok(Date.now() + maxAge * 1000 <= result.staleAt && maxAge > 11 * 3600);
    const { etag = '' } = headers;
    assert.match(etag, /^"[0-9a-f]{32}"$/u);
    for (const tags of [etag, `"x", ${etag}`, '*', `W/${etag}`]) {
      const again = await get(ask(), { 'if-none-match': tags });
      assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, etag]);
    }
    assert.equal((await get(ask(), { 'if-none-match': '"x"' })).status, 200);
    const text = encodeURIComponent(Buffer.from(ask()).toString('base64'));
    const head = await send({ method: 'HEAD', path: `/ocsp/${text}` });
    assert.deepEqual([head.headers['content-length'], head.body.length], [String(got.body.length), 0]);
  });

  it('says revoked by the time that the revocation has been answered', async () => {
    const issued = await running.issued('bob', 'client');
    const bob = parseCertificate(pemDecode(issued.cert)[0]?.der ?? new Uint8Array());
    const request = buildOcspRequest([bob], issuer, nodeCrypto);
    const status = async (): Promise<string> => {
      const { body } = await get(request);
      return verifyOcspResponse(body, { certificate: bob, issuer, time: Date.now(), crypto: nodeCrypto }).status;
    };
    assert.equal(await status(), 'good');
    const answer = await running.ask('POST', '/v1/revocations', { serial: issued.serial, reason: 'certificateHold' });
    assert.equal(answer.status, 200);
    assert.equal(await status(), 'revoked');
    assert.equal((await running.ask('POST', '/v1/releases', { serial: issued.serial })).status, 200);
    assert.equal(await status(), 'good');
  });

  it('answers what is no request with an OCSP error, and goes on', async () => {
    const good = Buffer.from(ask({ nonce: randomBytes(16) }));
    const wrong: Uint8Array[] = [
      new Uint8Array(),
      Uint8Array.of(0x30),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      randomBytes(1000),
      Buffer.concat([good, Uint8Array.of(0)]),
      Buffer.concat(Array.from({ length: 2000 }, () => Uint8Array.of(0x30, 0x80))),
      nested(5000),
      der.sequence(der.sequence(der.sequence())),
    ];
    for (let cut = 1; cut < good.length; cut += 3) wrong.push(good.subarray(0, cut));
    for (const body of wrong) malformed(await post(body));
    const random = randomBytes(48).toString('base64');
    const paths = [
      '/ocsp',
      '/ocsp/',
      '/ocsp/%',
      '/ocsp/%zz',
      '/ocsp/MA',
      '/ocsp/M%00A=',
      `/ocsp/${random}`,
      '/ocsp/////',
    ];
    for (const path of paths) malformed(await send({ path }));
    assert.equal(judged(await post(ask())).status, 'good');
  });

  it('refuses nonces of no or more than 128 octets, twice the same extension, and critical ones it does not know', async () => {
    const id = encodeCertId(ocspCertId(certificate, issuer, 'sha1', nodeCrypto));
    const extension = (oid: string, value: Uint8Array, critical = false): Uint8Array =>
      der.sequence(der.oid(oid), critical ? Uint8Array.of(1, 1, 0xff) : undefined, der.octetString(value));
    const nonce = (octets: number): Uint8Array =>
      extension('1.3.6.1.5.5.7.48.1.2', der.octetString(new Uint8Array(octets)));
    const request = (...extensions: Uint8Array[]): Uint8Array =>
      der.sequence(der.sequence(der.sequence(der.sequence(id)), der.explicit(2, der.sequence(...extensions))));
    assert.equal(judged(await post(request(nonce(128)))).status, 'good');
    malformed(await post(request(nonce(129))));
    malformed(await post(request(nonce(0))));
    malformed(await post(request(nonce(20_000))));
    malformed(await post(request(nonce(16), nonce(16))));
    malformed(await post(request(extension('1.2.3.4', Uint8Array.of(5, 0), true))));
    assert.equal(judged(await post(request(extension('1.2.3.4', Uint8Array.of(5, 0))))).status, 'good');
  });

  it('is unauthorized where the hashes are of another length than their algorithm makes', async () => {
    const id = ocspCertId(certificate, issuer, 'sha256', nodeCrypto);
    const cut = [
      { ...id, issuerNameHash: id.issuerNameHash.subarray(1) },
      { ...id, issuerKeyHash: new Uint8Array() },
      {
        ...id,
        issuerNameHash: Buffer.concat([id.issuerNameHash, id.issuerKeyHash.subarray(0, 1)]),
        issuerKeyHash: id.issuerKeyHash.subarray(1),
      },
      { ...id, issuerKeyHash: new Uint8Array(5000) },
    ];
    for (const one of cut) {
      const got = await post(der.sequence(der.sequence(der.sequence(der.sequence(encodeCertId(one))))));
      assert.equal(parseOcspResponse(got.body).status, 'unauthorized');
    }
  });

  it('answers a signed request, whoever signed it', async () => {
    const [tbs] = [Buffer.from(ask()).subarray(2)];
    const signature = der.sequence(der.sequence(der.oid(OID.ed25519)), der.bitString(randomBytes(64)));
    assert.equal(judged(await post(der.sequence(tbs, der.explicit(0, signature)))).status, 'good');
  });

  it('takes POST and GET alone, requests of their own type, and no long ones', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const got = await send({ method, path: '/ocsp', headers: requestType });
      malformed(got, 405);
      assert.equal(got.headers.allow, 'GET, HEAD, POST');
    }
    malformed(await send({ method: 'POST', path: '/ocsp', headers: { 'content-type': 'text/plain' } }, ask()), 415);
    malformed(await send({ method: 'POST', path: '/ocsp' }, ask()), 415);
    malformed(await post(new Uint8Array(40_000)), 413);
    const chunked = { ...requestType, 'transfer-encoding': 'chunked' };
    malformed(await send({ method: 'POST', path: '/ocsp', headers: chunked }, new Uint8Array(40_000)), 413);
    assert.equal((await send({ path: '/ocspx' })).status, 404);
  });

  it('keeps nothing of a body without an end: the connection is closed', async () => {
    const socket = connect(port(), '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    const got = buffer(socket).then(String, () => '');
    socket.write(
      'POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: application/ocsp-request\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = Buffer.concat([Buffer.from('4000\r\n'), Buffer.alloc(0x4000), Buffer.from('\r\n')]);
    for (let i = 0; i < 100 && !socket.destroyed; i++) {
      if (!socket.write(chunk))
        await new Promise((resolve) => {
          socket.once('drain', resolve);
          socket.once('close', resolve);
        });
    }
    await closed;
    assert.match(await got, /^HTTP\/1\.1 413 /u);
    assert.equal(judged(await post(ask())).status, 'good');
  });

  it('survives clients that leave in the middle', async () => {
    for (const text of [
      'POST /ocsp HT',
      'POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: application/ocsp-request\r\nContent-Length: 100\r\n\r\nabc',
    ]) {
      const socket = connect(port(), '127.0.0.1');
      socket.on('error', () => undefined);
      await new Promise<void>((resolve) => socket.write(text, () => resolve()));
      socket.destroy();
    }
    assert.equal(judged(await post(ask())).status, 'good');
  });

  it('shows in the metrics what it answers, what it holds and how long its certificate lasts', async () => {
    await get(ask());
    await get(ask());
    const text = await running.authority.metrics();
    assert.match(text, /countersign_authority_ocsp_answers_total\{status="good",source="cached"\} [1-9]/u);
    assert.match(text, /countersign_authority_ocsp_answers_total\{status="malformedRequest",source="error"\} [1-9]/u);
    assert.match(text, /countersign_authority_ocsp_cached_answers [1-9]/u);
    assert.match(text, /countersign_authority_ocsp_cache_bytes [1-9]/u);
    const end = /ocsp_responder_not_after_seconds\{ca="issuing-1"\} (?<at>\d+)/u.exec(text)?.groups?.['at'];
    assert.ok(Number(end) * 1000 > Date.now() + 6 * 86_400_000);
  });
});

/** Sequences within sequences. */
function nested(depth: number): Uint8Array {
  let inner: Uint8Array = new Uint8Array();
  for (let i = 0; i < depth; i++) inner = der.sequence(inner);
  return inner;
}
