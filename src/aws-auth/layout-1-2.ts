import type { SequenceNode, YamlNode } from "./go-yaml/node.ts";
import type { Mark } from "./go-yaml/token.ts";

/** Where YAML 1.2 sets tokens and lines apart otherwise than the authenticator. */
export interface LayoutDifferences {
  /** Offset of the first line of brackets or quotes that stands too far out for YAML 1.2, or null. */
  readonly shallow: number | null;
  /** What stands behind each tag that goes on, for the authenticator alone, over a comma or a bracket. */
  readonly tagged: readonly Mark[];
}

/** A line of brackets: its indentation, and what it begins with. Empty lines are none. */
const FLOW_LINE = /\n( *)(?:\t[\t ]*)?([^\t\n\r ])/g;
/** A line of quotes. One of spaces alone is none, but one with a tab is. */
const QUOTED_LINE = /\n( *)(?! |\r?\n)/g;

/** Looks at every node once. An alias has no lines and no tag of its own. */
export function layoutDifferences(text: string, list: SequenceNode): LayoutDifferences {
  const tagged: Mark[] = [];
  let shallow: number | null = null;
  /** `indent` is the column of the block collection around the node, -1 outside of any. */
  const look = (node: YamlNode, indent: number, inFlow: boolean) => {
    if (hasOldTag(text, node)) tagged.push(node.start);
    const at = shallowLine(text, node, indent, inFlow);
    if (at !== null) shallow = Math.min(at, shallow ?? at);
    if (node.kind === "scalar" || node.kind === "alias") return;
    const within = node.flow ? indent : node.start.column;
    const children = node.kind === "sequence" ? node.items : node.pairs.flatMap(({ key, value }) => [key, value]);
    for (const child of children) look(child, within, node.flow);
  };
  look(list, -1, false);
  return { shallow, tagged };
}

/** Whether the tag of a node holds what only YAML 1.1 takes into a tag. What `<` and `>` enclose is one tag to both. */
function hasOldTag(text: string, { kind, outer, start, end }: YamlNode): boolean {
  // Where nothing is written behind a tag, the node begins at the tag itself.
  const content = start.at === outer && kind === "scalar" ? end : start.at;
  const first = text.charAt(outer);
  if (content === outer || (first !== "!" && first !== "&")) return false;
  const words = text
    .slice(outer, content)
    .replaceAll(/(?<=\s)#.*/g, "")
    .split(/\s+/);
  return words.some((word) => /^!(?!<).*[,[\]]/.test(word));
}

/** The whole of outermost brackets is looked at once, and any quotes in them once more. */
function shallowLine(text: string, node: YamlNode, indent: number, inFlow: boolean): number | null {
  if (node.kind === "alias") return null;
  if (node.kind === "scalar")
    return node.style === "single" || node.style === "double" ? quotedLine(text, node, indent) : null;
  return node.flow && !inFlow ? flowLine(text, node, indent) : null;
}

function quotedLine(text: string, { start, end }: YamlNode, indent: number): number | null {
  for (const { index, 1: spaces = "" } of text.slice(start.at, end).matchAll(QUOTED_LINE))
    if (spaces.length <= indent) return start.at + index + 1 + spaces.length;
  return null;
}

/** Comments may stand anywhere. The closing bracket may stand in the column of its key: YAML 1.2 forbids it, its readers take it. */
function flowLine(text: string, { start, end }: YamlNode, indent: number): number | null {
  for (const { index, 0: whole, 1: spaces = "", 2: first } of text.slice(start.at, end).matchAll(FLOW_LINE)) {
    const at = start.at + index + whole.length - 1;
    const closes = at === end - 1 && spaces.length === indent;
    if (spaces.length <= indent && first !== "#" && !closes) return at;
  }
  return null;
}
