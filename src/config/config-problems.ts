import { partitionOfRegion } from "../access/arn.ts";
import { type ClusterSelector, isByName } from "../access/policy/cluster.ts";
import { isSameCreator } from "../access/policy/creator.ts";
import { operatorGroup, operatorRole } from "../access/policy/operator-rights.ts";
import { choosesNamespaces } from "../access/policy/policy-text.ts";
import { clusterRule, isUser, maxApprovalsNeeded } from "../access/policy/rule.ts";
import { givenBy, isForCluster } from "./clusters.ts";
import type { ConfigFile, WrittenCreator } from "./config-file.ts";
import { unknown, use } from "./forms.ts";
import { ifReadable, inEach, inEachEntry } from "./readable.ts";

type RuleInFile = NonNullable<ConfigFile["policy"]>["rules"][number];
type ClusterInFile = ConfigFile["clusters"][string];

/** The policy's mistakes, each with its path. Without a policy, the cluster's own approvers must be enough. */
export function policyProblems(file: ConfigFile): readonly string[] {
  const rules = () => file.policy?.rules ?? [];
  const breakGlass = () => file.policy?.breakGlass ?? [];
  return [
    ...inEachEntry({ rules, breakGlass }, (kind, all) =>
      inEach<{ readonly clusters?: ClusterSelector | undefined }, string>(all(), ({ clusters }, index) =>
        selectorProblems(file, clusters, `policy.${kind}[${index}].clusters`),
      ),
    ),
    ...ifReadable(() => inEach(rules(), (rule, index) => problemsOfRule(file, rule, index, rules()))),
    ...ifReadable(() =>
      inEach(breakGlass(), ({ level }, index) => {
        const path = `policy.breakGlass[${index}].level`;
        return [...unknownLevel(file, level, path), ...choosingLevel(file, level, path)];
      }),
    ),
    ...inEachEntry(file.clusters, (name, cluster) => [
      ...ifReadable(() =>
        inEach(cluster.levels, (level, index) => levelProblems(file, name, level, `clusters.${name}.levels[${index}]`)),
      ),
      ...ifReadable(() => breakGlassProblems(file, name, cluster)),
    ]),
  ];
}

/** Unknown clusters, and labels that none has. The fleet can have one later. */
function selectorProblems(file: ConfigFile, selector: ClusterSelector | undefined, path: string): readonly string[] {
  if (!selector || file.fleet) return [];
  const names = Object.keys(file.clusters);
  if (!isByName(selector)) {
    if (names.some((name) => isForCluster(file, name)(selector))) return [];
    return [`${path}: no cluster has these labels. Correct them.`];
  }
  return selector.flatMap((name, at) =>
    names.includes(name) ? [] : [unknown("cluster", name, `${path}[${at}]`, names)],
  );
}

export function unknownLevel({ levels }: ConfigFile, name: string, path: string): readonly string[] {
  if (Object.hasOwn(levels, name)) return [];
  return [unknown("level", name, path, Object.keys(levels))];
}

function problemsOfRule(file: ConfigFile, rule: RuleInFile, index: number, all: readonly RuleInFile[]) {
  const path = `policy.rules[${index}]`;
  return [
    ...ifReadable(() => inEach(rule.levels ?? [], (name, at) => unknownLevel(file, name, `${path}.levels[${at}]`))),
    ...ifReadable(() =>
      inEach([...Array(index).keys()], (before) => (all[before]?.name === rule.name ? [rule.name] : []))
        .slice(0, 1)
        .map((name) => use(`${path}.name`, `another name: an earlier rule has ${name}`)),
    ),
    ...ifReadable(() =>
      rule.selfApproval && !rule.levels
        ? [`${path}.selfApproval: name levels that people may approve for themselves.`]
        : [],
    ),
  ];
}

/** Each level of a cluster needs a person who can ask for it, and enough other approvers. */
function levelProblems(file: ConfigFile, name: string, level: string, path: string): readonly string[] {
  if (!Object.hasOwn(file.levels, level)) return [];
  const isFor = isForCluster(file, name);
  const speaks = ({ clusters, levels }: RuleInFile) => isFor(clusters) && (!levels || levels.includes(level));
  if (!file.policy) return approverProblems(file, clusterRule, { cluster: name, level, path, called: "" });
  const { rules } = file.policy;
  const uncovered = ifReadable(() => (rules.some(speaks) ? [] : [level]));
  // The first rule that names a person decides: none counts after one for everyone.
  const [last = rules.length] = inEach(rules, (rule, index) => (speaks(rule) && !rule.who ? [index] : []));
  return [
    ...uncovered.map(() => `${path}: no rule covers ${level} here. Add one, or remove the level.`),
    ...inEach(rules, (rule, index) => {
      const [called = `policy.rules[${index}]`] = ifReadable(() => [rule.name]);
      return index <= last && speaks(rule) ? approverProblems(file, rule, { cluster: name, level, path, called }) : [];
    }),
  ];
}

/** Undefined: the file has no such level, whatever its name, also `constructor`. */
function levelOf({ levels }: ConfigFile, name: string): ConfigFile["levels"][string] | undefined {
  return Object.hasOwn(levels, name) ? levels[name] : undefined;
}

interface Asked {
  readonly cluster: string;
  readonly level: string;
  readonly path: string;
  readonly called: string;
}

type Approving = RuleInFile | typeof clusterRule;

/** A user group can have any members; the Slack process checks them at its start. */
function approverProblems(file: ConfigFile, rule: Approving, asked: Asked): readonly string[] {
  const { cluster, level, path } = asked;
  const given = levelOf(file, level);
  const approvers = rule.approvers ?? file.clusters[cluster]?.approvers ?? [];
  if (!given || !approvers.every(isUser)) return [];
  // Hours with a mistake can only add an approval.
  const [hours = null] = ifReadable(() => [rule.hours ?? null]);
  const approvals = { approvals: rule.approvals ?? null, hours };
  const needed = maxApprovalsNeeded(approvals, {
    get groups() {
      return givenBy(given);
    },
  });
  const all = new Set(approvers);
  if (all.size < needed)
    return [`${path}: ${tooFewApprovers(asked, rule.approvers ? "the rule" : cluster, needed, all.size)}`];
  if (rule.selfApproval) return [];
  return inEach(rule.who ?? [], (user) =>
    isUser(user) && new Set([...all].filter((each) => each !== user)).size < needed
      ? [`${path}: ${tooFewApprovers(asked, "the rule", needed, all.size - (all.has(user) ? 1 : 0), user)}`]
      : [],
  );
}

/** @param asker the one user of the rule whose own requests have too few; empty: anyone's */
function tooFewApprovers({ cluster, level, called }: Asked, owner: string, needed: number, count: number, asker = "") {
  const by = called ? ` by the rule ${called}` : "";
  const rest = called ? "" : `, or write a rule for ${level} with fewer approvals`;
  return `${level} on ${cluster} needs ${needed} approval${needed === 1 ? "" : "s"}${by}, but ${owner} has ${count} approver${count === 1 ? "" : "s"}${asker && ` besides ${asker}`}. Name more${rest}.`;
}

/** It would be taken at night, alert everyone, and give nothing. */
function choosingLevel(file: ConfigFile, level: string, path: string): readonly string[] {
  const given = levelOf(file, level);
  if (!given || !choosesNamespaces(givenBy(given))) return [];
  return [use(path, `a level that names its namespaces: in an emergency no one chooses those of ${level}`)];
}

function breakGlassProblems(file: ConfigFile, name: string, { levels }: ClusterInFile): readonly string[] {
  const isFor = isForCluster(file, name);
  const all = file.policy?.breakGlass ?? [];
  const index = all.findIndex(({ clusters }) => isFor(clusters));
  const entry = all[index];
  const level = entry && levelOf(file, entry.level);
  if (!entry || !level) return [];
  if (!levels.includes(entry.level)) {
    return [
      `clusters.${name}.levels: policy.breakGlass[${index}] gives ${entry.level} here. Offer it, or correct policy.breakGlass[${index}].`,
    ];
  }
  if (entry.for <= level.maxDuration) return [];
  return [use(`policy.breakGlass[${index}].for`, `a time of at most the maxDuration of ${entry.level}`)];
}

/** Creators and operators of another account or partition, and several users that the worker would have to be at once. */
export function creatorProblems(file: ConfigFile): readonly string[] {
  return [
    ...inEachEntry(file.clusters, (name, cluster) => [
      ...inEach(["creator", "operator"] as const, (setting) => {
        const { [setting]: identity } = cluster;
        return identity ? identityProblems(`clusters.${name}.${setting}`, identity, cluster) : [];
      }),
      ...ifReadable(() => operatorProblems(name, cluster, file)),
    ]),
    ...usersWithoutProfile(file),
  ];
}

/** Without a profile, a user must be the worker itself, which has one identity. */
function usersWithoutProfile({ clusters }: ConfigFile): readonly string[] {
  const selves = inEachEntry(clusters, (name, { creator: { userArn, profile } }) =>
    userArn !== undefined && !profile ? [{ name, userArn }] : [],
  );
  const [first, ...others] = selves;
  return others
    .filter(({ userArn }) => userArn !== first?.userArn)
    .map(
      ({ name }) =>
        `clusters.${name}.creator.userArn: without a profile, the worker is this user; clusters.${first?.name} needs another one. Give one a profile.`,
    );
}

/** A creator or an operator, as the file names it. */
type Identity = Pick<WrittenCreator, "roleArn" | "through"> & Pick<Partial<WrittenCreator>, "userArn">;

function identityProblems(path: string, identity: Identity, cluster: ClusterInFile): readonly string[] {
  return [
    ...inEach(["roleArn", "userArn"] as const, (kind) => {
      const { [kind]: arn } = identity;
      if (arn === undefined) return [];
      return [
        ...ifReadable(() => accountProblem(`${path}.${kind}`, arn, cluster)),
        ...otherPartition(`${path}.${kind}`, arn, cluster),
      ];
    }),
    ...ifReadable(() =>
      inEach(identity.through, ({ roleArn }, index) => otherPartition(`${path}.through[${index}]`, roleArn, cluster)),
    ),
  ];
}

function accountProblem(path: string, arn: string, { account }: ClusterInFile): readonly string[] {
  const found = arn.split(":")[4];
  if (found === account) return [];
  return [elsewhere(path, `account ${found}`, account)];
}

/** An identity that can't be one of its cluster. */
export function elsewhere(path: string, place: string, clusters: string, also = ""): string {
  return `${path}: it is in ${place}, the cluster in ${clusters}. Correct one${also}.`;
}

/** Credentials of one partition do not work in any other one, nor do its endpoints. */
export function otherPartition(path: string, arn: string, cluster: ClusterInFile): readonly string[] {
  return ifReadable(() => {
    const { region } = cluster;
    const [partition, of] = [partitionOfRegion(region), arn.split(":")[1]];
    if (partition === null || partition === of) return [];
    return [elsewhere(path, `partition ${of}`, partition)];
  });
}

/** The operator is a separate role: a creator already has every right, and no entry or binding limits it. */
function operatorProblems(name: string, cluster: ClusterInFile, file: ConfigFile): readonly string[] {
  const { operator } = cluster;
  if (!operator) return [];
  const isCreator = ifReadable(() => {
    const { roleArn, userArn } = cluster.creator;
    return isSameCreator(operator.roleArn, roleArn ?? userArn ?? null) ? [name] : [];
  });
  return [
    ...isCreator.map(() =>
      use(`clusters.${name}.operator.roleArn`, "a role that does nothing else: this is the creator"),
    ),
    ...ifReadable(() =>
      inEach(cluster.levels, (level) => {
        const given = levelOf(file, level);
        return given ? operatorsOwn(given, `levels.${level}`) : [];
      }),
    ),
  ];
}

function operatorsOwn(level: ConfigFile["levels"][string], path: string): readonly string[] {
  const groups = ifReadable(() => inEach(level.groups, (group) => (group === operatorGroup ? [group] : [])));
  const roles = ifReadable(() =>
    inEach(level.bind, (bind) =>
      inEach(["clusterRole", "role"] as const, (kind) => (bind[kind] === operatorRole ? [operatorRole] : [])),
    ),
  );
  return [
    ...groups.slice(0, 1).map((group) => use(`${path}.groups`, `another group: ${group} is the operator's`)),
    ...roles.slice(0, 1).map((role) => use(`${path}.bind`, `another role: ${role} is the operator's`)),
  ];
}
