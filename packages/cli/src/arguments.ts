// Two comforts of the command line that the parser beneath does not have: `--data` and `--json` before the command,
// and several values after a flag that takes a list.

/** What must be known of a command to read its arguments. */
export interface CommandShape {
  /** Flags (with their dashes) that take a list of values. */
  readonly lists: ReadonlySet<string>;
  /** Flags that take exactly one value. */
  readonly values: ReadonlySet<string>;
  /** How many positional arguments there are. */
  readonly positionals: number;
}

/**
 * Moves flags that stand before the command behind it.
 *
 * @example leadingFlags(['--data', 'D', 'list']) // ['list', '--data', 'D']
 */
export function leadingFlags(args: readonly string[]): string[] {
  const moved: string[] = [];
  let at = 0;
  for (; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--json' || arg.startsWith('--data=')) moved.push(arg);
    else if (arg === '--data' && args[at + 1] !== undefined) moved.push(arg, args[(at += 1)] ?? '');
    else break;
  }
  return [...args.slice(at), ...moved];
}

/**
 * Repeats a list flag for each of its values, once the command has its positional arguments.
 *
 * @example spreadLists(['c.crt', '--trust', 'a', 'b'], shape) // ['c.crt', '--trust', 'a', '--trust', 'b']
 */
export function spreadLists(args: readonly string[], shape: CommandShape): string[] {
  const out: string[] = [];
  let positionals = 0;
  let list: string | undefined;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--') return [...out, ...args.slice(at)];
    if (shape.lists.has(arg) || shape.values.has(arg)) {
      out.push(arg);
      if (args[at + 1] !== undefined) out.push(args[(at += 1)] ?? '');
      list = shape.lists.has(arg) ? arg : undefined;
    } else if (arg.startsWith('-') && arg !== '-') {
      out.push(arg);
      list = undefined;
    } else if (list !== undefined && positionals >= shape.positionals) {
      out.push(list, arg);
    } else {
      out.push(arg);
      positionals += 1;
    }
  }
  return out;
}
