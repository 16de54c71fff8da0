import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readWholeRequest } from '../../src/http/whole-request.ts';

const posted =
  'POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: application/OCSP-request \r\nContent-Length: 3\r\nUser-Agent: x y\r\n\r\n';

describe('a request that is read whole', () => {
  it('is a POST with its body, or a GET without one', () => {
    const post = readWholeRequest(`${posted}a\0\xff`, undefined);
    assert.deepEqual(post, {
      head: {
        text: posted,
        method: 'POST',
        target: '/ocsp',
        contentType: 'application/ocsp-request',
        contentLength: 3,
      },
      body: 'a\0\xff',
    });
    const get = readWholeRequest('GET /a/B%2fc+= HTTP/1.1\r\nhost:a\r\nConnection: Keep-Alive\r\n\r\n', undefined);
    assert.deepEqual([get?.head.method, get?.head.target, get?.body], ['GET', '/a/B%2fc+=', '']);
    const empty = readWholeRequest('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', undefined);
    assert.deepEqual([empty?.head.contentLength, empty?.body], [0, '']);
  });

  it('is read with the head before it where that is the same, and only there', () => {
    const first = readWholeRequest(`${posted}abc`, undefined);
    const again = readWholeRequest(`${posted}def`, first?.head);
    assert.equal(again?.head, first?.head);
    assert.equal(again?.body, 'def');
    assert.equal(readWholeRequest(`${posted}de`, first?.head), undefined);
    assert.equal(readWholeRequest(`${posted}defg`, first?.head), undefined);
    const other = readWholeRequest(`${posted.replace('x y', 'z')}def`, first?.head);
    assert.notEqual(other?.head, first?.head);
    assert.equal(other?.body, 'def');
    assert.equal(readWholeRequest(`${posted.replace('3\r\n', '4\r\n')}def`, first?.head), undefined);
  });

  const field = (line: string): string => `${posted.slice(0, -2)}${line}\r\n\r\nabc`;
  const refused: Readonly<Record<string, string>> = {
    nothing: '',
    'no end of the head': 'POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n',
    'too little of the body': `${posted}ab`,
    'another request behind it': `${posted}abc${posted}abc`,
    'an empty line before it': `\r\n${posted}abc`,
    'lines that end in LF': `${posted.replaceAll('\r\n', '\n')}abc`,
    'one line that ends in LF': `${posted.replace('a\r\n', 'a\n')}abc`,
    'a line with a bare CR': field('X: a\rb'),
    'HTTP/1.0': `${posted.replace('1.1', '1.0')}abc`,
    'HTTP/1.10': `${posted.replace('1.1', '1.10')}abc`,
    'another method': `${posted.replace('POST', 'PUT')}abc`,
    'a method in lower case': `${posted.replace('POST', 'post')}abc`,
    'two blanks in the first line': `${posted.replace(' /ocsp', '  /ocsp')}abc`,
    'a tab in the first line': `${posted.replace(' /ocsp', '\t/ocsp')}abc`,
    'a query': `${posted.replace('/ocsp', '/ocsp?a')}abc`,
    'an absolute target': `${posted.replace('/ocsp', 'http://a/ocsp')}abc`,
    'an octet beyond ASCII in the target': `${posted.replace('/ocsp', '/ocsp\xe4')}abc`,
    'no Host': `${posted.replace('Host', 'Hast')}abc`,
    'an empty Host': `${posted.replace('Host: a', 'Host: ')}abc`,
    'two Hosts': field('Host: b'),
    'no length': `${posted.replace('Content-Length', 'Content-Lengths')}abc`,
    'two lengths': field('Content-Length: 3'),
    'a list of lengths': `${posted.replace(': 3', ': 3, 3')}abc`,
    'a length with a sign': `${posted.replace(': 3', ': +3')}abc`,
    'a negative length': `${posted.replace(': 3', ': -3')}abc`,
    'a length in hexadecimal': `${posted.replace(': 3', ': 0x3')}abc`,
    'a length with a zero before it': `${posted.replace(': 3', ': 03')}abc`,
    'a length that is none': `${posted.replace(': 3', ': ')}abc`,
    'a length of a blank in it': `${posted.replace(': 3', ': 3 3')}abc`,
    'two types': field('Content-Type: application/ocsp-request'),
    chunks: field('Transfer-Encoding: chunked'),
    'chunks in capitals': field('TRANSFER-ENCODING: chunked'),
    'a blank before the colon': field('Transfer-Encoding : chunked'),
    'a tab before the colon': field('Transfer-Encoding\t: chunked'),
    'a folded line': field('X: a\r\n b'),
    'a folded line of chunks': field('X: a\r\n Transfer-Encoding: chunked'),
    'a line without a colon': field('Transfer-Encoding'),
    'a line without a name': field(': a'),
    'a blank before the first field': `${posted.replace('\r\nHost', '\r\n Host')}abc`,
    'a name that is no token': field('X(: a'),
    'a NUL in a value': field('X: a\0b'),
    'a NUL in a name': field('X\0: a'),
    'an octet beyond ASCII in a value': field('X: \xe4'),
    'an octet beyond ASCII in a name': field('X\xe4: a'),
    'the last octet of ASCII in a value': field('X: \x7f'),
    'a connection that ends': field('Connection: close'),
    'a connection of several words': field('Connection: keep-alive, X'),
    'a connection twice': field('Connection: keep-alive\r\nConnection: close'),
    'a connection to a proxy that ends': field('Proxy-Connection: close'),
    'an upgrade': field('Upgrade: h2c'),
    'an expectation': field('Expect: 100-continue'),
    'a condition': field('If-None-Match: "x"'),
    'a range': field('Range: bytes=0-1'),
    'GET with a length': 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    'GET with a body': 'GET / HTTP/1.1\r\nHost: a\r\n\r\na',
    HEAD: 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
    TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  };
  for (const [what, text] of Object.entries(refused)) {
    it(`is not: ${what}`, () => assert.equal(readWholeRequest(text, undefined), undefined));
  }
});
