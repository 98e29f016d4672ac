import {
  type ClusterSelector,
  hasLabels,
  isByName,
  type Level,
  type Rule,
  type WantedLabels,
} from "../access/policy/cluster.ts";
import { type Creator, creatorArnOf, isSameCreator } from "../access/policy/creator.ts";
import { operatorGroup, operatorRole } from "../access/policy/operator-rights.ts";
import { isUser } from "../access/policy/person.ts";
import { approversOf, maxApprovalsNeeded } from "../access/policy/rule.ts";
import { partitionOfRegion } from "../aws-auth/index.ts";
import type { ConfigFile } from "./config-file.ts";
import { breakGlassOf, buildLevel, labelsOf, rulesOf } from "./policy-rules.ts";

/** The policy's mistakes, each with its path. Without a policy, the cluster's own approvers must be enough. */
export function policyProblems(file: ConfigFile): string[] {
  const rules = file.policy?.rules ?? [];
  return [
    ...rules.flatMap((rule, index) => problemsOfRule(rule, `policy.rules[${index}]`, rules.slice(0, index))),
    ...Object.keys(file.clusters).flatMap((cluster) => [
      ...levelProblems(file, cluster),
      ...breakGlassProblems(file, cluster),
    ]),
  ];
}

interface Named {
  readonly clusters?: ClusterSelector | undefined;
  readonly levels?: readonly string[] | undefined;
}

export interface PolicyNames {
  readonly rules: readonly Named[];
  readonly breakGlass: readonly (Named & { readonly level?: string | undefined })[];
}

/** @param known the names in the file; null: it does not name them all */
export function unknownNames(
  { rules, breakGlass }: PolicyNames,
  known: { readonly clusters: readonly string[] | null; readonly levels: readonly string[] },
): string[] {
  const missing = (kind: "cluster" | "level", name: string, path: string, there: readonly string[]) =>
    there.includes(name) ? [] : [`${path}: there is no ${kind} ${name}. Use one of ${there.join(", ")}.`];
  const clustersIn = ({ clusters }: Named, path: string) =>
    known.clusters && clusters && isByName(clusters)
      ? clusters.flatMap((name, at) => missing("cluster", name, `${path}.clusters[${at}]`, known.clusters ?? []))
      : [];
  return [
    ...rules.flatMap(({ levels = [], ...rule }, index) => [
      ...clustersIn(rule, `policy.rules[${index}]`),
      ...levels.flatMap((name, at) => missing("level", name, `policy.rules[${index}].levels[${at}]`, known.levels)),
    ]),
    ...breakGlass.flatMap(({ level, ...entry }, index) => [
      ...clustersIn(entry, `policy.breakGlass[${index}]`),
      ...(level === undefined ? [] : missing("level", level, `policy.breakGlass[${index}].level`, known.levels)),
    ]),
  ];
}

/** Labels that no cluster has. The fleet can have one later. */
export function unmatchedLabels(file: ConfigFile): string[] {
  if (!file.policy || file.fleet) return [];
  const isMatched = (wanted: WantedLabels) =>
    Object.keys(file.clusters).some((name) => hasLabels(wanted, labelsOf(file, name)));
  const { rules, breakGlass } = file.policy;
  return Object.entries({ rules, breakGlass }).flatMap(([kind, entries]) =>
    entries.flatMap(({ clusters = [] }, index) =>
      isByName(clusters) || isMatched(clusters)
        ? []
        : [
            `policy.${kind}[${index}].clusters: no cluster has these labels. Correct them, or add them to the labels of a cluster.`,
          ],
    ),
  );
}

type RuleInFile = NonNullable<ConfigFile["policy"]>["rules"][number];

function problemsOfRule(rule: RuleInFile, path: string, before: readonly RuleInFile[]): string[] {
  const problems: string[] = [];
  if (before.some(({ name }) => name === rule.name)) {
    problems.push(`${path}.name: another rule has the name ${rule.name}. Give each rule its own name.`);
  }
  if (rule.selfApproval && !rule.levels) {
    problems.push(`${path}.selfApproval: name the levels that people may approve for themselves.`);
  }
  return problems;
}

/** Each level of a cluster needs a person who can ask for it, and enough other approvers. */
function levelProblems(file: ConfigFile, name: string): string[] {
  const cluster = file.clusters[name];
  if (!cluster) return [];
  const rules = rulesOf(file, name);
  return cluster.levels.flatMap((level, index) => {
    const path = `clusters.${name}.levels[${index}]`;
    const speaking = rules.filter(({ levels }) => levels === null || levels.includes(level));
    if (speaking.length === 0) {
      return [`${path}: no rule of the policy covers ${level} here. Add a rule, or remove the level.`];
    }
    const given = levelOf(file, level);
    if (!given) return [];
    const asked = { cluster: name, approvers: cluster.approvers, level: buildLevel(level, given) };
    return speaking.flatMap((rule) => approverProblems(rule, asked).map((problem) => `${path}: ${problem}`));
  });
}

/** Undefined: the file has no such level, whatever its name, also `constructor`. */
function levelOf({ levels }: ConfigFile, name: string): ConfigFile["levels"][string] | undefined {
  return Object.hasOwn(levels, name) ? levels[name] : undefined;
}

interface Asked {
  readonly cluster: string;
  /** The cluster's own. */
  readonly approvers: readonly string[];
  readonly level: Level;
}

/** A user group can have any members; the Slack process checks them at its start. */
function approverProblems(rule: Rule, { cluster, level, ...asked }: Asked): string[] {
  const approvers = approversOf(rule, asked);
  if (!approvers.every(isUser)) return [];
  const needed = maxApprovalsNeeded(rule, level);
  const all = new Set(approvers);
  if (all.size < needed) return [tooFewApprovers(rule, cluster, level.name, needed, all.size)];
  const alone = (rule.who ?? []).filter(
    (user) => isUser(user) && !rule.selfApproval && new Set([...all].filter((each) => each !== user)).size < needed,
  );
  return alone.map(
    (user) =>
      `the rule ${rule.name} lets ${user} ask for ${level.name}, but has too few other approvers. Name more approvers.`,
  );
}

function tooFewApprovers({ name, approvers }: Rule, cluster: string, level: string, needed: number, count: number) {
  const by = name ? ` by the rule ${name}` : "";
  const owner = approvers ? "the rule" : cluster;
  const rest = name ? "" : `, or write a rule for ${level} with fewer approvals`;
  return `${level} on ${cluster} needs ${needed} approval${needed === 1 ? "" : "s"}${by}, but ${owner} has ${count} approver${count === 1 ? "" : "s"}. Name more approvers${rest}.`;
}

function breakGlassProblems(file: ConfigFile, name: string): string[] {
  const cluster = file.clusters[name];
  const breakGlass = breakGlassOf(file, name);
  if (!cluster || !breakGlass) return [];
  const path = `clusters.${name}.levels`;
  const level = levelOf(file, breakGlass.level);
  if (!level) return [];
  if (!cluster.levels.includes(breakGlass.level)) {
    return [
      `${path}: policy.breakGlass gives ${breakGlass.level} here. Offer this level, or name other clusters in policy.breakGlass.`,
    ];
  }
  if (breakGlass.durationSeconds <= level.maxDuration) return [];
  return [
    `policy.breakGlass: it gives ${breakGlass.level} for longer than the level's maxDuration. Use a shorter time.`,
  ];
}

type ClusterFile = ConfigFile["clusters"][string];

/** Creators and operators of another account or partition, and several users that the worker would have to be at once. */
export function creatorProblems(file: ConfigFile): string[] {
  const each = Object.entries(file.clusters).flatMap(([name, cluster]) => [
    ...identitiesOf(cluster).flatMap((identity) => [
      ...accountProblem(name, cluster.account, identity),
      ...partitionProblems(name, cluster.region, identity),
    ]),
    ...operatorProblems(name, cluster, file),
  ]);
  return [...each, ...usersWithoutProfile(file)];
}

/** Without a profile, a user must be the worker itself, which has one identity. */
function usersWithoutProfile(file: ConfigFile): string[] {
  const selves = Object.entries(file.clusters).flatMap(([name, { creator }]) =>
    creator.type === "user" && !creator.profile ? [{ name, userArn: creator.userArn }] : [],
  );
  const [first, ...others] = selves;
  return others
    .filter(({ userArn }) => userArn !== first?.userArn)
    .map(
      ({ name }) =>
        `clusters.${name}.creator.userArn: without a profile, the worker must be this user, but clusters.${first?.name} needs another one. Put the keys of one of them into a profile.`,
    );
}

/** An identity of the worker in a cluster, with its setting. */
type NamedIdentity = readonly [setting: "creator" | "operator", identity: Creator];

function identitiesOf({ creator, operator }: ClusterFile): readonly NamedIdentity[] {
  return [["creator", creator], ...(operator ? ([["operator", operator]] as const) : [])];
}

function accountProblem(name: string, account: string, [setting, identity]: NamedIdentity): string[] {
  const arn = creatorArnOf(identity);
  const found = arn?.split(":")[4];
  if (arn === null || found === account) return [];
  const kind = identity.type === "role" ? "roleArn" : "userArn";
  return [
    `clusters.${name}.${setting}.${kind}: it is in account ${found}, the cluster in ${account}. Name a ${identity.type} of the cluster's own account.`,
  ];
}

/** Credentials of one partition do not work in any other one, nor do its endpoints. */
function partitionProblems(name: string, region: string, [setting, identity]: NamedIdentity): string[] {
  const partition = partitionOfRegion(region);
  if (partition === null) return [];
  return arnsOf(identity).flatMap(([path, arn]) => {
    const found = arn.split(":")[1];
    if (found === partition) return [];
    return [
      `clusters.${name}.${setting}.${path}: it is in the partition ${found}, but the region ${region} is in ${partition}. Correct one of them.`,
    ];
  });
}

/** The operator is a separate role: a creator already has every right, and no entry or binding limits it. */
function operatorProblems(name: string, { creator, operator, levels }: ClusterFile, file: ConfigFile): string[] {
  if (!operator) return [];
  const isCreator = isSameCreator(operator.roleArn, creatorArnOf(creator));
  const offered = levels.flatMap((level) => {
    const given = levelOf(file, level);
    return given ? [[level, given] as const] : [];
  });
  const taken = offered.filter(([, { groups }]) => groups.includes(operatorGroup));
  const bound = offered.filter(([, { bind }]) =>
    bind.some(({ clusterRole, role }) => [clusterRole, role].includes(operatorRole)),
  );
  return [
    ...(isCreator
      ? [`clusters.${name}.operator.roleArn: it is the creator of the cluster. Name a role that does nothing else.`]
      : []),
    ...taken.map(
      ([level]) => `levels.${level}.groups: ${operatorGroup} is the group of the operator. Use another group.`,
    ),
    ...bound.map(([level]) => `levels.${level}.bind: ${operatorRole} is the role of the operator. Use another role.`),
  ];
}

function arnsOf(creator: Creator): readonly (readonly [path: string, arn: string])[] {
  if (creator.type === "user") return [["userArn", creator.userArn]];
  const steps = creator.through.map(({ roleArn }, index) => [`through[${index}]`, roleArn] as const);
  return creator.type === "role" ? [["roleArn", creator.roleArn], ...steps] : steps;
}
