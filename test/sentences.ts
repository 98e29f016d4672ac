import { readFileSync } from "node:fs";
import { type ParserPlugin, parse } from "@babel/parser";

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

const plugins: ParserPlugin[] = ["typescript", "explicitResourceManagement"];

/** Between a message and its remedy, which people read together. */
export const remedyMark = "\u2028";

/** Text for people has two adjacent words. */
const isProse = (text: string) => /[A-Za-z]{2,}[,.:;!?)*]* [a-z@{][a-z]*/i.test(text.replaceAll(/\{[^}]*\}/g, "{x}"));

/** Scripts of Redis, patterns, and values of HTTP headers. */
const isCode = (text: string) => /redis\.call|^\s*local |=> |\(\?|^[\w-]+ [\w-]+=|;\s*$|^Bearer /m.test(text);

/** The help of a command has a page of its own: `--help`. */
const isUsage = (text: string) => text.startsWith("Usage:") || text.includes("\nUsage:");

/**
 * Every text of a file that people read, in its order: literals and templates, with the name of each value in braces. Lines of the
 * log, errors of programs and texts inside a longer one are left out. A message and its remedy are one text.
 */
export function sentencesOf(path: string): readonly string[] {
  const found: string[] = [];
  visit(
    parse(readFileSync(path, "utf8"), { sourceType: "module", plugins, attachComment: false })
      .program as unknown as Node,
    found,
  );
  const isLonger = (other: string, text: string) => other.length > text.length && other.includes(text);
  return found.filter(
    (text, at) =>
      found.indexOf(text) === at &&
      !found.some((other, place) => (place < at || other.includes(remedyMark)) && isLonger(other, text)),
  );
}

function visit(node: Node, found: string[], known = new Map<string, string>()): void {
  if (node.type === "ImportDeclaration" || isType(node) || isLogged(node) || isProgramError(node)) return;
  if (node.type === "VariableDeclarator" && isNode(node.init))
    known.set(nameOf(node.id as Node), textOf(node.init) ?? "");
  const pair = pairIn(node, known);
  const text = pair ?? textOf(node);
  if (text !== null && isProse(text) && !isCode(text) && !isUsage(text)) {
    found.push(text.trim().replaceAll(/\s*\n\s*/g, " ⏎ "));
  }
  for (const child of childrenOf(node)) visit(child, found, known);
}

/** The message and the remedy among a call's arguments, or in an object of both. */
function pairIn(node: Node, known: ReadonlyMap<string, string>): string | null {
  const given = node.type === "ObjectExpression" ? [node] : ((node.arguments ?? []) as readonly Node[]);
  const texts = given.flatMap((each) => {
    const values = (each.properties ?? []) as readonly Node[];
    const own = each.type === "ObjectExpression" ? values.filter(isAdvice).map(({ value }) => value as Node) : [each];
    return own.map((value) => textOf(value) ?? (value.type === "Identifier" ? known.get(String(value.name)) : null));
  });
  const [remedy, message] = texts.filter((text) => text !== null && text !== undefined && isProse(text)).toReversed();
  return remedy?.endsWith(".") && message ? `${message}${remedyMark}${remedy}` : null;
}

function isAdvice({ key }: Node): boolean {
  return isNode(key) && /^(?:message|remedy)$/.test(nameOf(key));
}

/** Such as `new Error(…)`: its reader is a programmer. */
function isProgramError({ type, callee }: Node): boolean {
  return type === "NewExpression" && /^(?:Type)?Error$/.test(nameOf(callee as Node));
}

function isType({ type }: Node): boolean {
  return type.startsWith("TS") && !/^TS(As|Satisfies|NonNull)/.test(type);
}

/** A call such as `log.warn(…)`. */
function isLogged({ type, callee }: Node): boolean {
  if (type !== "CallExpression") return false;
  const { object, property } = callee as Record<"object" | "property", Node | undefined>;
  return object !== undefined && nameOf(object) === "log" && /^(debug|info|warn|error|fatal)$/.test(nameOf(property));
}

function* childrenOf(node: Node): Iterable<Node> {
  for (const field in node) {
    if (field === "loc") continue;
    const value = node[field];
    if (Array.isArray(value)) yield* value.filter(isNode);
    else if (isNode(value)) yield value;
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "loc" in value;
}

/** The text of a literal, a template, or literals joined with `+`; null: something else. */
function textOf(node: Node): string | null {
  if (node.type === "StringLiteral") return String(node.value);
  if (node.type === "TemplateLiteral") {
    const quasis = node.quasis as readonly { readonly value: { readonly cooked: string } }[];
    const values = node.expressions as readonly Node[];
    return quasis.map(({ value }, at) => value.cooked + (values[at] ? valueText(values[at]) : "")).join("");
  }
  if (node.type !== "BinaryExpression" || node.operator !== "+") return null;
  const sides = [node.left as Node, node.right as Node];
  return sides.every((side) => textOf(side) === null) ? null : sides.map(valueText).join("");
}

/** A value inside a text: the longer text of a choice, otherwise the value's name in braces. */
function valueText(node: Node): string {
  const text = textOf(node);
  if (text !== null) return text;
  if (node.type === "LogicalExpression") return valueText(node.right as Node);
  if (node.type !== "ConditionalExpression") return `{${nameOf(node)}}`;
  const choices = [node.consequent, node.alternate].map((each) => valueText(each as Node));
  return choices.toSorted((one, other) => other.length - one.length)[0] ?? "";
}

/** A value's name: of a variable or a property, also as the first argument of a call. */
function nameOf(node: Node | undefined): string {
  if (node?.type === "Identifier") return String(node.name);
  if (node && /^(Optional)?MemberExpression$/.test(node.type)) {
    return nameOf((node.computed ? node.object : node.property) as Node);
  }
  if (!node || !/^(Optional)?CallExpression$/.test(node.type)) return "…";
  const [first] = node.arguments as readonly Node[];
  const callee = node.callee as Node;
  if (callee.type === "MemberExpression" && first?.type !== "Identifier") return nameOf(callee.object as Node);
  return first && !/Literal$|Function/.test(first.type) ? nameOf(first) : nameOf(callee);
}
