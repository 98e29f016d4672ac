import { readPrincipal } from "../access/arn.ts";
import { type FieldUse, fieldUses, hasSso, knownField, lastUse } from "./decode-entry.ts";
import {
  competingEntries,
  type Entry,
  fieldKey,
  goFold,
  goLower,
  isAscii,
  type Lookup,
  type Problem,
  problemAt,
  type Report,
  readersDiffer,
  type Section,
  type SectionReading,
} from "./document.ts";
import { findFieldProblems, isOtherToYaml12 } from "./field-problems.ts";
import { LINE_BREAK } from "./go-yaml/cursor.ts";
import { isMerge } from "./go-yaml/decode.ts";
import type { MapValue, ScalarNode, YamlNode, YamlValue } from "./go-yaml/node.ts";
import { groupFlaws, isNode, MASTERS, NODES, SESSION_NAME, usernameFlaws } from "./names.ts";
import { isMatchable, isWildcard } from "./resolve.ts";
import { quote } from "./text-edit.ts";

const FIELDS = ["arn", "username", "groups"] as const;

export const WILDCARD = "Most authenticators read * as a letter.";

/**
 * Reports instead of returning: a cluster has many entries, nearly all without problems, and finding none then takes no memory.
 * @param value of the item @param entry null: it has no ARN
 */
export function findItemProblems(
  reading: SectionReading,
  item: YamlNode,
  value: YamlValue,
  entry: Entry | null,
  lookup: Lookup,
  report: Report,
): void {
  const { section } = reading;
  if (value.type !== "map") {
    report(noMapping(section, item));
    return;
  }
  const uses = fieldUses(value, section);
  findFieldProblems(section, value, uses, report);
  for (const [name, { key }] of value.fields) report(unknownField(section, name, key));
  report(identityProblem(section, entry, item, uses, lookup));
  if (entry !== null) findNameProblems(entry, item, uses, report);
  report(mergedFields(section, value, uses));
  for (const name of FIELDS) {
    const use = lastUse(uses, name)?.value;
    if (use?.type === "list") for (const each of use.items) report(textProblem(reading, each));
    else if (use !== undefined) report(textProblem(reading, use));
  }
}

function noMapping(section: Section, item: YamlNode): Problem {
  const message = "This item is not an entry.";
  const remedy = `Write ${fieldKey("arn", section)}, username and groups under the dash.`;
  return problemAt(section, item.start, "item-not-an-entry", "error", message, remedy);
}

function identityProblem(
  section: Section,
  entry: Entry | null,
  item: YamlNode,
  uses: readonly FieldUse[],
  lookup: Lookup,
): Problem | null {
  const key = fieldKey("arn", section);
  const sso = hasSso(uses);
  const ssoNode = uses.find((use) => use.name === "sso")?.key ?? item;
  if (sso && entry !== null) {
    const message = `This entry has both ${key} and sso.`;
    const remedy = unlessMapped(entry.arn, lookup, "Remove sso.");
    return problemAt(section, ssoNode.start, "arn-and-sso", "error", message, remedy);
  }
  if (sso) {
    const message = "EKS does not match entries by sso.";
    return problemAt(section, ssoNode.start, "sso-entry", "error", message, "Write its rolearn, without path.");
  }
  if (entry !== null) return arnProblem(entry, lastUse(uses, "arn")?.value.node ?? item, lookup);
  if (uses.some((use) => use.name === "arn" && use.value.type !== "string" && use.value.type !== "null")) return null;
  const message = `This entry has no ${key}.`;
  return problemAt(section, item.start, "arn-missing", "error", message, `Write ${key}, or remove the entry.`);
}

/** A second entry with an ARN would replace the first one, or have no effect. */
function unlessMapped(arn: string, lookup: Lookup, remedy: string): string {
  return competingEntries({ arn }, lookup).length === 0 ? remedy : `Remove the entry: another one maps ${arn}.`;
}

function unknownField(section: Section, name: string, key: YamlNode): Problem | null {
  const near = knownField(name, section) === null ? nearField(name, section) : null;
  if (near === null) return null;
  const message = `The authenticator does not read ${JSON.stringify(name)}.`;
  return problemAt(section, key.start, "field-unknown", "warning", message, `Write ${near}, or remove the field.`);
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

/** The authenticator itself never checks the syntax of an ARN. */
function arnProblem(entry: Entry, node: YamlNode, lookup: Lookup): Problem | null {
  const { section, arn } = entry;
  const reading = readPrincipal(arn);
  if (reading.type === "principal") {
    const { kind } = reading.principal;
    if ((kind === "role") === (section === "mapRoles")) return null;
    const message = `This ARN names a ${kind}, but it is in ${section}.`;
    const remedy = `Move it to ${kind === "role" ? "mapRoles" : "mapUsers"}.`;
    return problemAt(section, node.start, "arn-in-other-section", "notice", message, remedy);
  }
  const { suggestion } = reading;
  const remedy =
    suggestion === undefined
      ? "Correct the ARN, or remove the entry."
      : unlessMapped(suggestion, lookup, `Write ${suggestion}.`);
  // To releases that only lower the case, U+0130 is an i.
  if (!isMatchable(goFold(goLower(arn)))) {
    const message = `${isWildcard(entry) ? WILDCARD : "This entry matches no caller."} ${reading.message}`;
    return problemAt(section, node.start, reading.code, "error", message, remedy);
  }
  if (reading.code === "arn-root") {
    const message = "This entry lets an account's root user sign in.";
    return problemAt(section, node.start, reading.code, "warning", message, "Map a role instead.");
  }
  if (isAscii(arn)) return null;
  const message = "This ARN has a look-alike letter.";
  return problemAt(section, node.start, "arn-confusable", "warning", message, "Retype it.");
}

function mergedFields(section: Section, { node }: MapValue, uses: readonly FieldUse[]): Problem | null {
  if (!uses.some((use) => use.merged)) return null;
  const merged = FIELDS.filter((name) => lastUse(uses, name)?.merged).map((name) => fieldKey(name, section));
  if (merged.length === 0) return null;
  const [first] = node.pairs.map((pair) => pair.key).filter(isMerge);
  return readersDiffer(section, (first ?? node).start, `Write out ${merged.join(", ")}.`);
}

/** A text longer than it was meant, or that readers of YAML 1.2 see as another value than the authenticator. */
function textProblem({ section, text }: SectionReading, value: YamlValue): Problem | null {
  if (value.type !== "string") return null;
  const { node } = value;
  const more = continuation(node, text ?? "");
  if (more !== null)
    return problemAt(section, node.start, "text-continues", "warning", `This text ${more.how}.`, more.remedy);
  if (!isOtherToYaml12(node, text ?? "")) return null;
  const how = node.tag.endsWith(":binary") ? "without its tag" : "instead";
  return readersDiffer(section, node.start, `Write ${quote(value.value)} ${how}.`);
}

/** What a missing dash, key or space adds to a text, or what a list of JSON leaves at its end. */
function continuation({ style, value, start, end }: ScalarNode, text: string): { how: string; remedy: string } | null {
  if (style === "plain" && LINE_BREAK.test(text.slice(start.at, end)))
    return { how: "goes on in the next line", remedy: "Add the missing dash or field." };
  if (style === "plain" && /#(?:\s|$)/.test(value))
    return { how: "goes on with a comment", remedy: "Write a space before #." };
  return /[,;]$/.test(value) ? { how: "ends with a comma or semicolon", remedy: "Remove it." } : null;
}

function findNameProblems(entry: Entry, item: YamlNode, uses: readonly FieldUse[], report: Report): void {
  const username = lastUse(uses, "username")?.value;
  const groups = lastUse(uses, "groups")?.value;
  const at = username?.node ?? item;
  const isText = !username || username.type === "null" || username.type === "string";
  if (entry.username !== "" || isText) findUsernameProblems(entry, at, report);
  if (isNode(entry) && !entry.groups.includes(NODES)) {
    const message = `Without ${NODES}, no node can join.`;
    const remedy = "Add it, or write another username.";
    report(problemAt(entry.section, at.start, "node-group", "warning", message, remedy));
  }
  let index = 0;
  for (const group of entry.groups) {
    const node = (groups?.type === "list" ? groups.items[index]?.node : undefined) ?? item;
    for (const { code, message, remedy } of groupFlaws(group, isRole(entry.arn)))
      report(problemAt(entry.section, node.start, code, "warning", message, remedy));
    // Only where callers can get what the entry says.
    if (group === MASTERS && (entry.reachable || isWildcard(entry))) report(mastersNotice(entry, node));
    index += 1;
  }
}

const isRole = (arn: string) => /:role\//i.test(arn);

function findUsernameProblems({ section, arn, username }: Entry, at: YamlNode, report: Report): void {
  const hasNoSession = SESSION_NAME.test(username) && !isRole(arn);
  for (const { code, message, remedy } of usernameFlaws(username, isNode({ username }))) {
    const severity = code === "username-empty" ? "error" : "warning";
    if (!(hasNoSession && code === "template-session"))
      report(problemAt(section, at.start, code, severity, message, remedy));
  }
  if (!hasNoSession) return;
  const message = "Users have no session name.";
  report(problemAt(section, at.start, "template-session", "warning", message, "Write the user's name."));
}

function mastersNotice({ section, arn }: Entry, at: YamlNode): Problem {
  const message = `${arn} is in ${MASTERS}.`;
  return problemAt(section, at.start, "masters", "notice", message, "Bind a group to cluster-admin instead.");
}
