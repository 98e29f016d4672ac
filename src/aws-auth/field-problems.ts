import type { DecodedEntry } from "./decode-entry.ts";
import type { Entry } from "./document.ts";
import { type FieldUse, fieldKey, knownField } from "./field.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import type { MapValue, YamlValue } from "./go-yaml/value.ts";
import { type Problem, problemAt, type Section } from "./problem.ts";
import { isTextTo12 } from "./yaml-1-2.ts";

/** Fields that are given twice, and values of a type that empties the field. */
export function fieldProblems({ section }: Entry, map: MapValue, { uses }: DecodedEntry): Problem[] {
  return [...repeated(section, map, uses), ...uses.flatMap((use) => wrongType(section, use))];
}

function repeated(section: Section, map: MapValue, uses: readonly FieldUse[]): Problem[] {
  const problems: Problem[] = [];
  for (const { name, key, merged } of map.overwritten ?? []) {
    const isKnown = knownField(name, section) !== null;
    if (isKnown && !merged && !map.fields.get(name)?.merged) problems.push(repeatedField(section, name, key));
  }
  for (const [index, use] of uses.entries()) {
    const again = uses.slice(index + 1).some((other) => other.name === use.name);
    if (again) problems.push(repeatedField(section, fieldKey(use.name, section), use.key));
  }
  return problems;
}

function repeatedField(section: Section, name: string, key: YamlNode): Problem {
  const message = `This entry gives ${name} twice. The authenticator takes one of them, whatever the case of the letters, and drops this one.`;
  return problemAt(section, key.start, "field-repeated", "error", message, "Keep one of them.");
}

function wrongType(section: Section, { name, value }: FieldUse): Problem[] {
  if (name === "sso" || value.type === "null") return [];
  if (name === "groups") return wrongGroups(section, value);
  if (value.type === "string") return [];
  const key = fieldKey(name, section);
  const message = `${key} is ${kindOf(value)}, so the authenticator takes it for empty.${elsewhere(value)}`;
  const code = name === "arn" ? "arn-not-a-string" : "username-not-a-string";
  return [problemAt(section, value.node.start, code, "error", message, `Put the value of ${key} in quotes.`)];
}

function wrongGroups(section: Section, value: YamlValue): Problem[] {
  if (value.type === "list") return value.items.flatMap((item) => wrongGroup(section, item));
  const message = `groups is ${kindOf(value)} and not a list, so whoever signs in by this entry is in no group.`;
  return [
    problemAt(
      section,
      value.node.start,
      "groups-not-a-list",
      "error",
      message,
      "Write groups as a list, even for one group.",
    ),
  ];
}

function wrongGroup(section: Section, item: YamlValue): Problem[] {
  if (item.type === "string" && item.value !== "") return [];
  if (item.type === "string" || item.type === "null") {
    const message = "This group is empty. Nothing can be bound to it.";
    return [
      problemAt(
        section,
        item.node.start,
        "group-empty",
        "error",
        message,
        "Write the group's name, or remove the item.",
      ),
    ];
  }
  const message = `This group is ${kindOf(item)}, so the authenticator takes it for empty.${elsewhere(item)}`;
  return [
    problemAt(section, item.node.start, "group-not-a-string", "error", message, "Put the group's name in quotes."),
  ];
}

const KINDS: Readonly<Record<YamlValue["type"], string>> = {
  string: "a text",
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

/** What is a text only to YAML 1.2: a check with a reader of that shows nothing wrong. */
function elsewhere({ node }: YamlValue): string {
  const isOld = node.kind === "scalar" && node.tag === "" && isTextTo12(node.value);
  return isOld ? " Tools that read YAML 1.2 see a text there." : "";
}
