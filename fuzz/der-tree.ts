/** An element as far as it can be made out, whatever else is wrong with it. */
export interface DerNode {
  readonly tag: number;
  /** Header and content as they stood. */
  readonly raw: Uint8Array;
  /** Content octets before the children: the padding count of a BIT STRING that holds DER. */
  readonly prefix: Uint8Array;
  /** `undefined` for content that is no DER. */
  readonly children: readonly DerNode[] | undefined;
  readonly content: Uint8Array;
}

const maxNodes = 4000;
const maxDepth = 40;
const none = new Uint8Array();

/** Reads elements one after the other; `undefined` where the octets are something else. Looks into OCTET and BIT STRINGs too. */
export function parseTree(bytes: Uint8Array): readonly DerNode[] | undefined {
  return parseSequence(bytes, 0, { nodes: maxNodes });
}

function parseSequence(bytes: Uint8Array, depth: number, budget: { nodes: number }): readonly DerNode[] | undefined {
  if (depth > maxDepth) return undefined;
  const nodes: DerNode[] = [];
  let at = 0;
  while (at < bytes.length) {
    const node = parseOne(bytes, at, depth, budget);
    if (node === undefined || --budget.nodes < 0) return undefined;
    nodes.push(node);
    at += node.raw.length;
  }
  return nodes;
}

function parseOne(bytes: Uint8Array, at: number, depth: number, budget: { nodes: number }): DerNode | undefined {
  const tag = bytes[at] ?? 0;
  let length = bytes[at + 1];
  if (length === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let from = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4) return undefined;
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[from + i] ?? 0);
    from += count;
  }
  if (from + length > bytes.length) return undefined;
  const content = bytes.subarray(from, from + length);
  const prefix = tag === 0x03 ? content.subarray(0, 1) : none;
  const holds = (tag & 0x20) !== 0 || ((tag === 0x03 || tag === 0x04) && content.length > 4);
  const children = holds ? parseSequence(content.subarray(prefix.length), depth + 1, budget) : undefined;
  return { tag, raw: bytes.subarray(at, from + length), prefix, children, content };
}

/** Every node below these, themselves included. */
export function flatten(nodes: readonly DerNode[]): DerNode[] {
  return nodes.flatMap((node) => [node, ...flatten(node.children ?? [])]);
}

/** The octets of a tree in which some nodes are others; the lengths above them follow. */
export function encodeTree(nodes: readonly DerNode[], edits: ReadonlyMap<DerNode, Uint8Array>): Uint8Array {
  return concat(nodes.map((node) => encodeNode(node, edits)));
}

function encodeNode(node: DerNode, edits: ReadonlyMap<DerNode, Uint8Array>): Uint8Array {
  const edit = edits.get(node);
  if (edit !== undefined) return edit;
  if (node.children === undefined) return node.raw;
  const children = node.children.map((child) => encodeNode(child, edits));
  if (children.every((child, i) => child === node.children?.[i]?.raw)) return node.raw;
  return element(node.tag, concat([node.prefix, ...children]));
}

export function element(tag: number, content: Uint8Array): Uint8Array {
  const length: number[] = [];
  if (content.length < 0x80) length.push(content.length);
  else {
    for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
    length.unshift(0x80 | length.length);
  }
  return concat([Uint8Array.of(tag, ...length), content]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
