import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText, identityFields } from '../../src/headers/identity.ts';
import { forwardedFields } from '../../src/headers/forwarded.ts';
import { accepted } from '../support/context.ts';

function fieldsOf(lines: string): Record<string, string> {
  assert.ok(lines === '' || lines.endsWith('\r\n'));
  return Object.fromEntries(
    lines
      .split('\r\n')
      .slice(0, -1)
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
}

test('RFC 9440: certificates are byte sequences, and the chain does not repeat the leaf', () => {
  const leafDer = Uint8Array.of(1, 2, 3);
  const fields = fieldsOf(
    identityFields(accepted({ leafDer, chainDer: [leafDer, Uint8Array.of(4), Uint8Array.of(5, 6)] })),
  );
  assert.equal(fields['Client-Cert'], ':AQID:');
  assert.equal(fields['Client-Cert-Chain'], ':BA==:, :BQY=:');
  assert.equal(fieldsOf(identityFields(accepted({ leafDer, chainDer: [leafDer] })))['Client-Cert-Chain'], undefined);
});

test('without an accepted certificate nothing is said', () => {
  assert.equal(identityFields({ kind: 'none' }), '');
  assert.equal(identityFields({ kind: 'refused', code: 'revoked', detail: '' }), '');
});

test('T20, T26: names can neither add a field nor pass for two names', () => {
  const fields = fieldsOf(
    identityFields(
      accepted({
        name: 'Zoë, "O\'Neil"\r\nClient-Cert: :AA==:',
        profile: 'client',
        sans: [
          { type: 'dns', value: 'good.test, dns:evil.test' },
          { type: 'uri', value: 'spiffe://td/a b' },
          { type: 'email', value: 'a@b.test' },
          { type: 'ip', value: Uint8Array.of(192, 0, 2, 1) },
          { type: 'other', value: Uint8Array.of(1) },
          { type: 'directory', value: {} },
        ],
      }),
    ),
  );
  assert.equal(
    decodeURIComponent(fields['Countersign-Client-Name'] as string),
    'Zoë, "O\'Neil"\r\nClient-Cert: :AA==:',
  );
  assert.doesNotMatch(fields['Countersign-Client-Name'] as string, /[\r\n,"]/);
  assert.equal(fields['Countersign-Client-Profile'], 'client');
  assert.equal(
    fields['Countersign-Client-San'],
    'dns:good.test%2C%20dns:evil.test, uri:spiffe://td/a%20b, email:a@b.test, ip:192.0.2.1',
  );
});

test('addresses are written as text', () => {
  assert.equal(
    addressText(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
    '2001:db8:0:0:0:0:0:1',
  );
  assert.equal(addressText(Uint8Array.of(1, 2)), '0102');
});

test('RFC 7239: where a request came from', () => {
  const from = (remoteAddress: string, host: string) =>
    fieldsOf(forwardedFields({ remoteAddress, remotePort: 5, localPort: 9443 }, host));
  const plain = from('::ffff:192.0.2.1', 'a.test');
  assert.equal(plain['Forwarded'], 'for=192.0.2.1;host=a.test;proto=https');
  assert.deepEqual(
    [plain['X-Forwarded-For'], plain['X-Forwarded-Host'], plain['X-Forwarded-Proto'], plain['X-Forwarded-Port']],
    ['192.0.2.1', 'a.test', 'https', '9443'],
  );
  assert.equal(from('fe80::1%eth0', '[::1]:9443')['Forwarded'], 'for="[fe80::1]";host="[::1]:9443";proto=https');
});
