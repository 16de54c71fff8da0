// docs/errors.md from the tables of codes themselves.
import { AGENT_ERRORS } from '@countersign/agent';
import { GATEWAY_START_ERRORS } from '@countersign/gateway';
import { SDK_ERRORS } from '@countersign/sdk';
import { REFUSAL_CODES, refusal, TRUST_ERRORS } from '@countersign/trust';
import { CLI_FAILURES } from '../../packages/cli/src/failure-codes.ts';

const head = `# Codes of refusals and errors

Made from the tables in the code by \`npm run reference\`; a test holds it equal. A code is a promise, the words may be improved.
Every refusal over HTTP is a problem document (RFC 9457) with \`type\`, \`title\`, \`status\`, \`code\`, \`detail\` and \`correlationId\`; the same id is in the
header \`Countersign-Correlation-Id\` and in the access log, where the operator finds everything that the peer is not told.
`;

/** The page: a table for each place a code comes from. */
export function errorReference(): string {
  return [
    head,
    '## What a client of the gateway is refused with\n',
    'When several hold, the first of this table is told. The authority refuses client certificates with the same codes.\n',
    '| code | status | what it means | how to mend it |\n|---|---|---|---|',
    ...REFUSAL_CODES.map((code) => {
      const { status, title, mend } = refusal(code);
      return `| \`${code}\` | ${status} | ${title} | ${mend} |`;
    }),
    '| `no_route` | 404 | The host is served, the path is not | Look at the routes of the configuration. |',
    ...table('Starting a gateway', { config_invalid: 'The configuration cannot be followed', ...GATEWAY_START_ERRORS }),
    ...table('Commands', CLI_FAILURES),
    ...table('The agent', AGENT_ERRORS),
    ...table('Trust files, CRLs and the feed', TRUST_ERRORS, 'how to mend it'),
    ...table('The SDK', SDK_ERRORS, 'how to mend it'),
    '\n## Elsewhere\n',
    "- The authority's API, and why an authority does not start: [authority-api.md](authority-api.md)",
    '- Why a path of certificates does not hold (the `reason` that `verify` gives): [conformance.md](conformance.md)',
    '- Parsing and building: [pki-errors.md](pki-errors.md); the findings of the linter: [lint.md](lint.md)\n',
  ].join('\n');
}

function table(title: string, codes: Readonly<Record<string, string>>, column = 'what it means'): readonly string[] {
  const rows = Object.entries(codes).map(([code, words]) => `| \`${code}\` | ${words} |`);
  return [`\n## ${title}\n`, `| code | ${column} |\n|---|---|`, ...rows];
}
