import { concat, element, encodeTree, flatten, parseTree } from './der-tree.ts';
import type { DerNode } from './der-tree.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { Random } from './random.ts';

/** A seed with its structure made out once. */
export interface Seed {
  readonly bytes: Uint8Array;
  readonly roots: readonly DerNode[] | undefined;
  readonly nodes: readonly DerNode[];
}

export function makeSeed(bytes: Uint8Array): Seed {
  const roots = parseTree(bytes);
  return { bytes, roots, nodes: roots === undefined ? [] : flatten(roots) };
}

const tags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1e, 0x24, 0x30, 0x31, 0x80, 0x81, 0x82,
];
const moreTags = [0x83, 0x84, 0x86, 0x87, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0x1f, 0x00, 0xff];
const allTags = [...tags, ...moreTags];

/** Contents that are borders of some type. */
const contents: readonly Uint8Array[] = [
  '',
  '00',
  '01',
  '7f',
  '80',
  'ff',
  '0000',
  '0080',
  'ff80',
  'ff7f',
  '8000',
  '7fffffff',
  '80000000',
  '0100000000',
  '00ffffffffffffffff',
  '0000000000',
  'ffffffffffffffffffffffffffffffffffffffffff',
  '05a0',
  '0780',
  '08ff',
  '2a864886f70d01010b',
  '80808001',
  '2a8648ce3d030107',
  '551d13',
  '551d0f',
  '551d11',
  '551d1e',
  '551d20',
  '551d20 00',
  '3530303130313030303030305a',
  '32303530303130313030303030305a',
  '39393939313233313233353935395a',
  '3939303233303233353935395a',
  '2e2e',
  '2a',
  '2a2e2a',
  '78 00 79',
  'c0af',
  'eda080',
  'f4908080',
  '0a000000ff00ff00',
].map((hex) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')));

const maxBytes = 64 << 10;

/** A changed copy of a seed: mostly with its lengths right, so that the change is met deep inside. */
export function mutateDer(seed: Seed, others: readonly Seed[], random: Random): Uint8Array {
  if (seed.roots === undefined || seed.nodes.length === 0 || random.once(6)) return mutateBytes(seed.bytes, random);
  const edits = new Map<DerNode, Uint8Array>();
  const count = 1 + (random.once(3) ? random.below(4) : 0);
  for (let i = 0; i < count; i++) {
    const node = random.pick(seed.nodes);
    edits.set(node, changeNode(node, others, random));
  }
  const bytes = encodeTree(seed.roots, edits);
  if (bytes.length > maxBytes) return bytes.subarray(0, maxBytes);
  return random.once(12) ? mutateBytes(bytes, random) : bytes;
}

function changeNode(node: DerNode, others: readonly Seed[], random: Random): Uint8Array {
  switch (random.below(16)) {
    case 0:
      return new Uint8Array();
    case 1:
      return concat([node.raw, node.raw]);
    case 2:
      return element(random.pick(allTags), node.content);
    case 3:
    case 4:
      return element(node.tag, random.pick(contents));
    case 5:
      return element(node.tag, mutateBytes(node.content, random));
    case 6:
      return foreignNode(others, random) ?? node.raw;
    case 7:
      return concat([node.raw, foreignNode(others, random) ?? node.raw]);
    case 8:
      return shuffleChildren(node, random);
    case 9:
      return wrongLength(node, random);
    case 10:
      return nest(node, random);
    case 11:
      return concat(Array.from({ length: 1 + random.below(200) }, () => node.raw));
    case 12:
      return element(node.tag, concat([node.content, random.pick(contents)]));
    case 13:
      return dropOrRepeatChild(node, random);
    case 14:
      return element(node.tag ^ 0x20, node.content);
    default:
      return element(node.tag, random.bytes(random.below(40)));
  }
}

function foreignNode(others: readonly Seed[], random: Random): Uint8Array | undefined {
  const { nodes } = random.pick(others);
  return nodes.length === 0 ? undefined : random.pick(nodes).raw;
}

function shuffleChildren(node: DerNode, random: Random): Uint8Array {
  const children = (node.children ?? []).map(({ raw }) => raw);
  if (children.length < 2) return node.raw;
  const i = random.below(children.length);
  const j = random.below(children.length);
  return element(
    node.tag,
    concat([node.prefix, ...children.with(i, children[j] as Uint8Array).with(j, children[i] as Uint8Array)]),
  );
}

function dropOrRepeatChild(node: DerNode, random: Random): Uint8Array {
  const children = (node.children ?? []).map(({ raw }) => raw);
  if (children.length === 0) return node.raw;
  const at = random.below(children.length);
  const replacement = random.once(2) ? [] : [children[at] as Uint8Array, children[at] as Uint8Array];
  return element(node.tag, concat([node.prefix, ...children.toSpliced(at, 1, ...replacement)]));
}

/** Not minimal, indefinite, too long, or far beyond the end. */
function wrongLength(node: DerNode, random: Random): Uint8Array {
  const { tag, content } = node;
  const forms = [
    Uint8Array.of(tag, 0x81, content.length & 0xff),
    Uint8Array.of(tag, 0x84, 0, 0, content.length >>> 8, content.length & 0xff),
    Uint8Array.of(tag, 0x80),
    Uint8Array.of(tag, 0x84, 0x7f, 0xff, 0xff, 0xff),
    Uint8Array.of(tag, 0x84, 0xff, 0xff, 0xff, 0xff),
    Uint8Array.of(tag, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    Uint8Array.of(tag, (content.length + 1) & 0x7f),
  ];
  const tail = random.once(2) ? [Uint8Array.of(0, 0)] : [];
  return concat([random.pick(forms), content, ...tail]);
}

function nest(node: DerNode, random: Random): Uint8Array {
  let bytes = node.raw;
  const depth = 1 + random.below(60);
  for (let i = 0; i < depth; i++) bytes = element(node.tag | 0x20, bytes);
  return bytes;
}
