/** One thing that is wrong with a configuration, and where. */
export interface ConfigProblem {
  /** `listeners[0].hosts[1].trust[0]`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/** The configuration cannot be used. The message has one line for each problem. */
export class GatewayConfigError extends Error {
  readonly code = 'config_invalid';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('\n'));
    this.name = 'GatewayConfigError';
    this.problems = problems;
  }
}

/** `listeners[0].listen` of the steps to a value. */
export function formatPath(steps: readonly PropertyKey[]): string {
  let path = '';
  for (const step of steps) path += typeof step === 'number' ? `[${step}]` : `${path === '' ? '' : '.'}${String(step)}`;
  return path;
}
