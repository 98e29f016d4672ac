import { readPrincipal } from "./arn.ts";
import {
  type Entry,
  fieldKey,
  goFold,
  isAscii,
  type Problem,
  problemAt,
  type Section,
  type SectionReading,
} from "./document.ts";
import {
  type FieldUse,
  fieldProblems,
  fieldUses,
  hasSso,
  knownField,
  lastUse,
  seenByYaml12,
} from "./field-problems.ts";
import { decodeAgain, isMerge } from "./go-yaml/decode.ts";
import type { MapValue, YamlNode, YamlValue } from "./go-yaml/node.ts";
import { flawOf, hasGuardedSession, isNode, MASTERS, SESSION_NAME, TEMPLATES, unknownTemplate } from "./names.ts";
import { isMatchable, readItem } from "./read-document.ts";
import { quote } from "./render.ts";
import { isWildcard } from "./resolve.ts";

const CODE = "readers-differ";

const FIELDS = ["arn", "username", "groups"] as const;

const WILDCARD = "Most authenticators read the wildcard as a letter, the newest match every ARN that fits.";

/** @param isInForce whether callers can get what the entry says */
export function* itemProblems(
  reading: SectionReading,
  item: YamlNode,
  index: number,
  isInForce: boolean,
): Iterable<Problem> {
  const { section } = reading;
  const map = decodeAgain(item);
  if (map.type !== "map") return yield noMapping(section, item);
  const { entry } = readItem(section, map, item, index);
  const uses = fieldUses(map, section);
  yield* fieldProblems(section, map, uses);
  yield* unknownFields(section, map);
  yield* identityProblems(entry, item, uses);
  yield* nameProblems(entry, item, uses, isInForce || isWildcard(entry));
  yield* readerProblems(reading, map, uses);
}

function noMapping(section: Section, item: YamlNode): Problem {
  const message = "This item is not an entry.";
  const remedy = `Write ${fieldKey("arn", section)}, username and groups under the dash, or remove the item.`;
  return problemAt(section, item.start, "item-not-an-entry", "error", message, remedy);
}

function identityProblems(entry: Entry, item: YamlNode, uses: readonly FieldUse[]): Problem[] {
  const { section, arn } = entry;
  const key = fieldKey("arn", section);
  const sso = hasSso(uses);
  const ssoNode = uses.find((use) => use.name === "sso")?.key ?? item;
  if (sso && arn !== "") {
    const message = `This entry has both ${key} and sso, so the authenticator skips it.`;
    return [problemAt(section, ssoNode.start, "arn-and-sso", "error", message, "Remove sso.")];
  }
  if (sso) {
    const message = "EKS does not match entries by sso.";
    const remedy = "Write the rolearn of the AWSReservedSSO role, without its path.";
    return [problemAt(section, ssoNode.start, "sso-entry", "error", message, remedy)];
  }
  if (arn !== "") return arnProblems(entry, lastUse(uses, "arn")?.value.node ?? item);
  if (uses.some((use) => use.name === "arn" && use.value.type !== "string" && use.value.type !== "null")) return [];
  const message = `This entry has no ${key}, so the authenticator skips it.`;
  return [problemAt(section, item.start, "arn-missing", "error", message, `Write ${key}, or remove the entry.`)];
}

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

/** The authenticator itself never checks the syntax of an ARN. */
function arnProblems(entry: Entry, node: YamlNode): Problem[] {
  const { section, arn } = entry;
  const reading = readPrincipal(arn);
  if (reading.type === "principal") {
    const { kind } = reading.principal;
    if ((kind === "role") === (section === "mapRoles")) return [];
    const message = `This ARN names a ${kind}, but it is in ${section}. It works there.`;
    const remedy = `Move the entry to ${kind === "role" ? "mapRoles" : "mapUsers"}.`;
    return [problemAt(section, node.start, "arn-in-other-section", "notice", message, remedy)];
  }
  const remedy =
    reading.suggestion === undefined ? "Correct the ARN, or remove the entry." : `Write ${reading.suggestion}.`;
  if (!isMatchable(goFold(arn))) {
    const message = `${isWildcard(entry) ? WILDCARD : "This entry matches no caller."} ${reading.message}`;
    return [problemAt(section, node.start, reading.code, "error", message, remedy)];
  }
  if (reading.code === "arn-root") {
    const message = "This entry lets the root user of an account sign in.";
    return [problemAt(section, node.start, reading.code, "warning", message, "Map a role instead.")];
  }
  if (isAscii(arn)) return [];
  const message = "This ARN has a letter that only looks like an ASCII letter.";
  return [problemAt(section, node.start, "arn-confusable", "warning", message, "Retype the ARN.")];
}

/** Where readers of YAML 1.2 see another entry than the authenticator, although it looks correct. */
function* readerProblems(reading: SectionReading, map: MapValue, all: readonly FieldUse[]): Iterable<Problem> {
  const uses = FIELDS.flatMap((name) => lastUse(all, name) ?? []);
  yield* mergedFields(reading, map, uses);
  for (const use of uses) yield* valueProblems(reading, use);
}

function mergedFields({ section }: SectionReading, { node }: MapValue, uses: readonly FieldUse[]): Problem[] {
  const merged = uses.filter((use) => use.merged).map(({ name }) => fieldKey(name, section));
  if (merged.length === 0) return [];
  const message = `This entry gets fields from << (${merged.join(", ")}). Tools that read YAML 1.2 do not.`;
  const [first] = node.pairs.map((pair) => pair.key).filter(isMerge);
  return [problemAt(section, (first ?? node).start, CODE, "notice", message, "Write the fields out in the entry.")];
}

function* valueProblems(reading: SectionReading, { value }: FieldUse): Iterable<Problem> {
  const values = value.type === "list" ? value.items : [value];
  for (const item of values) yield* textProblem(reading, item);
}

function textProblem({ section, text }: SectionReading, value: YamlValue): Problem[] {
  if (value.type !== "string") return [];
  const { node } = value;
  const seen = seenByYaml12(node, text?.slice(node.start.at, node.end) ?? "");
  if (seen === null) return [];
  const meant = quote(value.value);
  const message = `The authenticator reads the text ${meant} here, but tools that read YAML 1.2 ${seen}.`;
  return [problemAt(section, node.start, CODE, "notice", message, `Write ${meant} in its place.`)];
}

function* nameProblems(entry: Entry, item: YamlNode, uses: readonly FieldUse[], isInForce: boolean): Iterable<Problem> {
  if (entry.arn === "") return;
  const username = lastUse(uses, "username");
  const groups = lastUse(uses, "groups");
  const at = username?.value.node ?? item;
  yield* entry.username === "" ? emptyUsername(entry, at, username?.value.type) : usernameProblems(entry, at);
  for (const [index, group] of entry.groups.entries()) {
    const node = groups?.value.type === "list" ? groups.value.items[index]?.node : undefined;
    yield* groupProblems(entry, group, node ?? item);
    if (group === MASTERS && isInForce) yield mastersNotice(entry, node ?? item);
  }
}

function emptyUsername({ section }: Entry, at: YamlNode, type: string | undefined): Problem[] {
  if (type !== undefined && type !== "null" && type !== "string") return [];
  const message = "This entry has no username, so audit logs can't identify its callers.";
  return [problemAt(section, at.start, "username-empty", "error", message, "Write a username.")];
}

const isRole = (arn: string) => /:role\//i.test(arn);

function usernameProblems({ section, arn, username }: Entry, at: YamlNode): Problem[] {
  const warn = (code: string, message: string, remedy: string) =>
    problemAt(section, at.start, code, "warning", message, remedy);
  const problems: Problem[] = [];
  const flaw = flawOf(username);
  if (flaw !== null) problems.push(warn("username-characters", `The username ${flaw}.`, "Correct the username."));
  const unknown = unknownTemplate(username);
  if (unknown !== null)
    problems.push(
      warn(
        "template-unknown",
        `The authenticator does not know the template ${unknown}.`,
        `Use one of ${TEMPLATES.join(", ")}.`,
      ),
    );
  if (username.includes("{{EC2PrivateDNSName}}") && !isNode({ username }))
    problems.push(
      warn(
        "template-node",
        "{{EC2PrivateDNSName}} lets only EC2 instances sign in.",
        "Use {{SessionName}} after a prefix that ends in a colon.",
      ),
    );
  if (SESSION_NAME.test(username) && !isRole(arn))
    problems.push(
      warn("template-session", "Only a role has sessions: the session name is empty here.", "Write the user's name."),
    );
  else if (!hasGuardedSession(username)) {
    const message = "Anyone who assumes this role can choose any username.";
    problems.push(
      warn("template-session", message, "Put a prefix that ends in a colon before it: admin:{{SessionName}}."),
    );
  }
  return problems;
}

function groupProblems({ section, arn }: Entry, group: string, at: YamlNode): Problem[] {
  const flaw = flawOf(group);
  const problems: Problem[] = [];
  if (flaw !== null)
    problems.push(
      problemAt(section, at.start, "group-characters", "warning", `The group ${flaw}.`, "Correct the group."),
    );
  if (group.includes("{{")) {
    const message =
      SESSION_NAME.test(group) && isRole(arn)
        ? "This group has a template: the session name chooses the group."
        : "This group has a template: RBAC may see another name.";
    problems.push(
      problemAt(section, at.start, "template-in-group", "warning", message, "Write the group's full name."),
    );
  }
  return problems;
}

function mastersNotice({ section, arn }: Entry, at: YamlNode): Problem {
  const message = `${arn} is in ${MASTERS}: it can do everything.`;
  return problemAt(section, at.start, "masters", "notice", message, "Bind a group to cluster-admin instead.");
}
