import { arnProblems } from "./arn-problems.ts";
import type { DecodedEntry } from "./decode-entry.ts";
import type { Entry, SectionReading } from "./document.ts";
import { fieldKey, knownField, lastUse } from "./field.ts";
import { fieldProblems } from "./field-problems.ts";
import type { YamlNode } from "./go-yaml/node.ts";
import type { MapValue } from "./go-yaml/value.ts";
import { nameProblems } from "./name-problems.ts";
import { type Problem, problemAt, type Section } from "./problem.ts";
import type { Item } from "./read-entries.ts";
import { readerProblems } from "./reader-problems.ts";

/** What there is to tell about an item of mapRoles or mapUsers. */
export function itemProblems(reading: SectionReading, { node: item, read }: Item): Problem[] {
  const { section } = reading;
  if (read === null) return [noMapping(section, item)];
  const { entry, map, decoded } = read;
  return [
    ...fieldProblems(entry, map, decoded),
    ...unknownFields(section, map),
    ...identityProblems(entry, item, decoded),
    ...nameProblems(entry, item, decoded),
    ...readerProblems(reading, read),
  ];
}

function noMapping(section: Section, item: YamlNode): Problem {
  const message = "This item is no entry, so the authenticator skips it.";
  const remedy = `Write ${fieldKey("arn", section)}, username and groups under the dash, or remove the item.`;
  return problemAt(section, item.start, "item-not-an-entry", "error", message, remedy);
}

/** Whom an entry is for. */
function identityProblems(entry: Entry, item: YamlNode, { sso, uses }: DecodedEntry): Problem[] {
  const { section, arn } = entry;
  const key = fieldKey("arn", section);
  const ssoNode = uses.find((use) => use.name === "sso")?.key ?? item;
  if (sso && arn !== "") {
    const message = `This entry has both ${key} and sso, so the authenticator skips it.`;
    return [problemAt(section, ssoNode.start, "arn-and-sso", "error", message, "Remove sso.")];
  }
  if (sso) {
    const message = "EKS does not match entries by sso: the feature is off there. This entry matches nobody.";
    const remedy = "Write the rolearn of the AWSReservedSSO role, without its path.";
    return [problemAt(section, ssoNode.start, "sso-entry", "error", message, remedy)];
  }
  if (arn !== "") return arnProblems(entry, lastUse(uses, "arn")?.value.node ?? item);
  if (uses.some((use) => use.name === "arn" && use.value.type !== "string" && use.value.type !== "null")) return [];
  const message = `This entry has no ${key}, so the authenticator skips it.`;
  return [problemAt(section, item.start, "arn-missing", "error", message, `Write ${key}, or remove the entry.`)];
}

/** Fields that nobody reads though they look like ones that somebody would. */
function unknownFields(section: Section, map: MapValue): Problem[] {
  const problems: Problem[] = [];
  for (const [name, { key }] of map.fields) {
    const near = knownField(name, section) === null ? nearField(name, section) : null;
    if (near === null) continue;
    const message = `The authenticator does not read ${JSON.stringify(name)}.`;
    problems.push(
      problemAt(section, key.start, "field-unknown", "warning", message, `Write ${near}, or remove the field.`),
    );
  }
  return problems;
}

const NEAR_NAMES: Readonly<Record<string, string>> = {
  arn: "rolearn in mapRoles, userarn in mapUsers",
  role: "rolearn",
  rolearn: "rolearn in mapRoles",
  rolarn: "rolearn",
  user: "username",
  userarn: "userarn in mapUsers",
  username: "username",
  name: "username",
  group: "groups",
  groups: "groups",
  kubernetesgroups: "groups",
};

function nearField(name: string, section: Section): string | null {
  const plain = name.toLowerCase().replace(/[^a-z]/g, "");
  if (section === "mapUsers" && plain === "user") return "userarn or username";
  return Object.hasOwn(NEAR_NAMES, plain) ? (NEAR_NAMES[plain] ?? null) : null;
}
