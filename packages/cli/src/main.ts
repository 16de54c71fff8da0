export function main(args: readonly string[]): Promise<void> {
  process.stderr.write(`countersign: unknown command ${args.join(' ')}\n`);
  process.exitCode = 2;
  return Promise.resolve();
}
