import type { SectionReading } from "./document.ts";
import { type FieldUse, fieldKey, lastUse } from "./field.ts";
import { isMerge } from "./go-yaml/decode.ts";
import type { MapValue, YamlValue } from "./go-yaml/value.ts";
import { type Problem, problemAt } from "./problem.ts";
import { quote } from "./quote.ts";
import type { ReadItem } from "./read-entries.ts";
import { seenBy12 } from "./yaml-1-2.ts";

const CODE = "readers-differ";
const FIELDS = ["arn", "username", "groups"] as const;

/** Where readers of YAML 1.2 make something else of an entry than the authenticator, though all seems well in it. */
export function readerProblems(reading: SectionReading, { map, decoded }: ReadItem): Problem[] {
  const uses = FIELDS.flatMap((name) => lastUse(decoded.uses, name) ?? []);
  return [...mergedFields(reading, map, uses), ...uses.flatMap((use) => valueProblems(reading, use))];
}

function mergedFields({ section }: SectionReading, { node }: MapValue, uses: readonly FieldUse[]): Problem[] {
  const merged = uses.filter((use) => use.merged).map(({ name }) => fieldKey(name, section));
  if (merged.length === 0) return [];
  const message = `Fields of this entry come by << (${merged.join(", ")}). YAML 1.2 has no such key: tools that read it see the entry without them.`;
  const [first] = node.pairs.map((pair) => pair.key).filter(isMerge);
  return [problemAt(section, (first ?? node).start, CODE, "notice", message, "Write the fields out in the entry.")];
}

function valueProblems(reading: SectionReading, { value }: FieldUse): Problem[] {
  const values = value.type === "list" ? value.items : [value];
  return values.flatMap((item) => textProblem(reading, item));
}

/** A value that is no text to the authenticator either is told as an error already. */
function textProblem({ section, text }: SectionReading, value: YamlValue): Problem[] {
  if (value.type !== "string") return [];
  const { node } = value;
  const seen = seenBy12(node, text?.slice(node.start.at, node.end) ?? "");
  if (seen === null) return [];
  const meant = quote(value.value);
  const message = `This is the text ${meant} to the authenticator, but tools that read YAML 1.2 ${seen}.`;
  return [problemAt(section, node.start, CODE, "notice", message, `Write ${meant} in its place.`)];
}
