// What an HTTP server costs that does nothing: node:http reads a POST and answers with an empty body; with `sign` it makes a signature.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
// As many octets as there are to be signed of an answer.
const answer = randomBytes(250);
const signs = process.argv[2] === 'sign';
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    if (signs) sign('sha256', answer, privateKey);
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(address !== null && typeof address === 'object' ? address.port : 0);
});
process.on('disconnect', () => process.exit(0));
