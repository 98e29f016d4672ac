import { type FieldUse, knownField, lastUse } from "./decode-entry.ts";
import { fieldKey, type Problem, problemAt, type Report, readDifferently, type Section } from "./document.ts";
import {
  type Field,
  type MappingNode,
  type MapValue,
  type ScalarNode,
  YAML_TAG,
  type YamlNode,
  type YamlValue,
} from "./go-yaml/node.ts";

export function findFieldProblems(section: Section, map: MapValue, uses: readonly FieldUse[], report: Report): void {
  for (const field of map.overwritten ?? []) {
    const { name, merged } = field;
    const isKnown = knownField(name, section) !== null;
    if (isKnown && !merged && !map.fields.get(name)?.merged) report(repeatedField(section, name, field));
  }
  for (const use of uses)
    if (lastUse(uses, use.name) !== use && !use.merged)
      report(repeatedField(section, fieldKey(use.name, section), use));
  for (const use of uses) {
    const { name, value } = use;
    if (name === "groups" && value.type === "list") for (const item of value.items) report(wrongGroup(section, item));
    else report(wrongType(section, use));
  }
}

function repeatedField(section: Section, name: string, { key, written }: Field): Problem {
  const message = hasTwice("This entry", name, "the authenticator");
  const anchor = anchorIn(written);
  const remedy = anchor === null ? "Keep one." : `Write out each *${anchor}, then keep one.`;
  return problemAt(section, key.start, "field-repeated", "error", message, remedy);
}

export function hasTwice(what: string, name: string, reader: string): string {
  return `${what} has ${name} twice, and ${reader} ignores this one.`;
}

/** The first anchor in a value, which an alias elsewhere can need. */
function anchorIn(node: YamlNode): string | null {
  if (node.anchor !== null || node.kind !== "sequence") return node.anchor;
  return node.items.find((item) => item.anchor !== null)?.anchor ?? null;
}

function wrongType(section: Section, { name, value }: FieldUse): Problem | null {
  if (name === "sso" || value.type === "null") return null;
  if (name === "groups") {
    const message = `groups is ${kindOf(value)}: it gives no group.`;
    return problemAt(section, value.node.start, "groups-not-a-list", "error", message, "Write a list.");
  }
  if (value.type === "string") return null;
  const key = fieldKey(name, section);
  const message = `${key} is ${kindOf(value)}, which counts as empty.${textToYaml12(value)}`;
  const code = name === "arn" ? "arn-not-a-string" : "username-not-a-string";
  return problemAt(section, value.node.start, code, "error", message, asText(value));
}

function wrongGroup(section: Section, item: YamlValue): Problem | null {
  if (item.type === "string" && item.value !== "") return null;
  if (item.type === "string" || item.type === "null") {
    const message = "This group is empty.";
    return problemAt(section, item.node.start, "group-empty", "error", message, "Name it, or remove it.");
  }
  const message = `This group is ${kindOf(item)}, which counts as empty.${textToYaml12(item)}`;
  return problemAt(section, item.node.start, "group-not-a-string", "error", message, asText(item));
}

/** How to write a value as text: quotes would keep the brackets of a list, or the space after the colon of a mapping. */
function asText(value: YamlValue): string {
  if (value.type !== "map") return value.type === "list" ? "Write one text." : "Put it in quotes.";
  if ([...value.fields.keys()].some((name) => /^(?:role|user)arn$/i.test(name))) return "Indent it like the others.";
  return isSplitByColon(value.node) ? "Remove the space after the colon." : "Write one text.";
}

/** Whether a mapping is plain text but for the space after its colon. */
function isSplitByColon({ outer, pairs: [pair, next] }: MappingNode): boolean {
  if (!pair || next || pair.key.start.at !== outer || pair.key.start.line !== pair.value.start.line) return false;
  return [pair.key, pair.value].every((node) => node.kind === "scalar" && node.style === "plain" && isBare(node));
}

function isBare({ outer, start, end }: YamlNode): boolean {
  return outer === start.at && start.at < end;
}

const KINDS: Readonly<Record<YamlValue["type"], string>> = {
  string: "text",
  number: "a number",
  bool: "a boolean",
  null: "empty",
  list: "a list",
  map: "a mapping",
};

function kindOf(value: YamlValue): string {
  const text = value.node.kind === "scalar" && value.type !== "string" ? ` (${value.node.value})` : "";
  return KINDS[value.type] + text;
}

/** Text only to YAML 1.2: a check with such a reader shows nothing wrong. */
function textToYaml12({ node }: YamlValue): string {
  const isOld = node.kind === "scalar" && node.tag === "" && isTextToYaml12(node.value);
  return isOld ? ` ${readDifferently}` : "";
}

/** What the core schema of YAML 1.2 reads as null, a boolean or a number. Source: YAML 1.2.2, section 10.3.2. */
const CORE =
  /^(?:|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

function isTextToYaml12(plain: string): boolean {
  return !CORE.test(plain);
}

/** Whether readers of YAML 1.2 see something else than the authenticator's text. */
export function isOtherToYaml12({ tag, style, value, start, end }: ScalarNode, text: string): boolean {
  if (tag === `${YAML_TAG}binary`) return true;
  if (style === "double") return hasOldEscape(text.slice(start.at, end));
  if (style !== "plain") return false;
  // Only flow collections can have both: in block context they end a key, or are the dash of an item.
  return value.endsWith(":") || value === "-" || (tag === "" && !isTextToYaml12(value));
}

/** `\'`, which go-yaml accepts within double quotes. */
function hasOldEscape(raw: string): boolean {
  return raw.includes("\\'") && raw.replaceAll(/\\[^']/g, "").includes("\\'");
}
