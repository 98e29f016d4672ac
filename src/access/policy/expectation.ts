import { parseDuration, readIsoTime } from "../ask/duration.ts";
import { readHolder } from "../principal.ts";
import { type Cluster, type Level, partitionOf } from "./cluster.ts";
import { creatorArnOf, isSameCreator, runsAs } from "./creator.ts";
import { mayAsk } from "./may-ask.ts";
import {
  approvalsNeeded,
  approversOf,
  breakGlassFor,
  isNamedIn,
  isShutAt,
  type Person,
  type RequesterFacts,
  ruleFor,
  ruleName,
} from "./rule.ts";

export type Expectation = {
  readonly type: "ask" | "approve" | "approve-own" | "takes" | "break-glass";
  readonly who: string;
  /** False: "may not". */
  readonly may: boolean;
  readonly of: string | null;
  readonly cluster: string | null;
  readonly level: string | null;
  readonly durationSeconds: number | null;
  readonly principal: string | null;
  readonly approvals: number | null;
  /** Null: within the hours, whatever they are. */
  readonly at: Date | null;
};

export const expectationForms: readonly string[] = [
  "<person> may [not] ask for <level> on <cluster> [for 8h] [as <arn>] [at 2026-03-01T09:00Z]",
  "<person> may [not] approve a request of <person> for <level> on <cluster> [at 2026-03-01T09:00Z]",
  "<person> may [not] approve a request of their own [for <level> on <cluster>]",
  "a request of <person> for <level> on <cluster> takes <number> approvals [at 2026-03-01T09:00Z]",
  "<person> may [not] take emergency access to <cluster>",
];

const person = "(?:an? |the )?(?<who>[\\w-]+)";
const what = "(?<level>[\\w-]+) on (?<cluster>[\\w-]+)";
const at = "(?: at (?<at>\\S+))?";
const forms: readonly (readonly [Expectation["type"], string])[] = [
  ["ask", `${person} may (?<not>not )?ask for ${what}(?: for (?<duration>\\w+))?(?: as (?<principal>arn:\\S+))?${at}`],
  ["approve-own", `${person} may (?<not>not )?approve a request of (?:his|her|their|its) own(?: for ${what})?${at}`],
  ["approve", `${person} may (?<not>not )?approve a request of (?:an? |the )?(?<of>[\\w-]+) for ${what}${at}`],
  ["takes", `a request of ${person} for ${what} takes (?<count>\\d+|one|two|three) approvals?${at}`],
  ["break-glass", `${person} may (?<not>not )?take emergency access to (?<cluster>[\\w-]+)`],
];
const counts: Readonly<Record<string, number>> = { one: 1, two: 2, three: 3 };

/** Reads a sentence; null: it has none of the forms. */
export function readExpectation(sentence: string): Expectation | null {
  const plain = sentence.trim().replace(/\.$/, "").replace(/\s+/g, " ");
  for (const [type, form] of forms) {
    const groups = new RegExp(`^${form}$`, "i").exec(plain)?.groups;
    if (groups) return expectationOf(type, groups);
  }
  return null;
}

type Named = Readonly<Record<string, string | undefined>>;

function expectationOf(type: Expectation["type"], groups: Named): Expectation | null {
  const { who = "", of, cluster, level, duration, principal, count, at: moment } = groups;
  const durationSeconds = duration === undefined ? null : parseDuration(duration);
  const time = moment === undefined ? null : readIsoTime(moment);
  if ((duration !== undefined && durationSeconds === null) || (moment !== undefined && time === null)) return null;
  return {
    type,
    who: who.toLowerCase(),
    may: groups.not === undefined,
    of: of?.toLowerCase() ?? null,
    cluster: cluster ?? null,
    level: level ?? null,
    durationSeconds,
    principal: principal ?? null,
    approvals: count === undefined ? null : (counts[count.toLowerCase()] ?? Number(count)),
    at: time,
  };
}

export type Actor = Person & { readonly linked: string | null };

export type ExpectationVerdict =
  | { readonly type: "judged"; readonly holds: boolean; readonly why: string }
  /** It names an unknown person, cluster or level. */
  | { readonly type: "unknown"; readonly message: string };

interface World {
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly actors: ReadonlyMap<string, Actor>;
}

export function judgeExpectation(expectation: Expectation, world: World): ExpectationVerdict {
  const who = world.actors.get(expectation.who);
  if (!who) return unknown(`there is no person ${expectation.who}`);
  const cluster = expectation.cluster === null ? null : world.clusters.get(expectation.cluster);
  if (cluster === undefined) return unknown(`there is no cluster ${expectation.cluster}`);
  if (expectation.type === "approve-own" && !cluster) return judgeOwnEverywhere(expectation, world, who);
  if (!cluster) return unknown("it names no cluster");
  if (expectation.type === "break-glass") return judgeEmergency(expectation, cluster, who);
  const level = cluster.levels.find(({ name }) => name === expectation.level);
  if (!level) return unknown(`${cluster.name} offers no level ${expectation.level}`);
  if (expectation.type === "ask") return judgeAsking(expectation, cluster, level, who);
  if (expectation.type === "takes") return judgeCount(expectation, cluster, level, who);
  const requester = expectation.type === "approve-own" ? who : world.actors.get(expectation.of ?? "");
  if (!requester) return unknown(`there is no person ${expectation.of}`);
  const [may, why] = mayApprove(cluster, level, who, requester, expectation.at);
  return judged(may === expectation.may, why);
}

function judgeAsking(expectation: Expectation, cluster: Cluster, level: Level, who: Actor): ExpectationVerdict {
  const name = who.user.replaceAll(/[^\w+=,.@-]/g, "-");
  const arn = expectation.principal ?? who.linked ?? `arn:${partitionOf(cluster)}:iam::${cluster.account}:user/${name}`;
  const reading = readHolder(arn, partitionOf(cluster));
  if (reading.type === "invalid") return unknown(`${arn} can't get access: ${reading.message}`);
  const durationSeconds = expectation.durationSeconds ?? 1;
  const requesterFacts: RequesterFacts = { memberships: who.memberships, linked: who.linked };
  const asking = { cluster, level, principal: reading.principal, durationSeconds, requester: who.user, requesterFacts };
  const verdict = mayAsk(asking, expectation.at);
  const by = verdict.rule ? `, by ${ruleName(verdict.rule)}` : "";
  const why = verdict.type === "allowed" ? `allowed${by}` : `refused${by}: ${verdict.message.replace(/\.$/, "")}`;
  return judged((verdict.type === "allowed") === expectation.may, why);
}

function judgeCount(expectation: Expectation, cluster: Cluster, level: Level, who: Actor): ExpectationVerdict {
  const rule = ruleFor(cluster, level.name, who);
  if (!rule) return judged(false, `no rule lets ${expectation.who} ask for ${level.name} on ${cluster.name}`);
  const needed = approvalsNeeded(rule, level, expectation.at);
  return judged(needed === expectation.approvals, `it takes ${needed}, by ${ruleName(rule)}`);
}

function judgeEmergency({ may }: Expectation, cluster: Cluster, who: Actor): ExpectationVerdict {
  const emergency = breakGlassFor(cluster, who);
  const why = emergency ? `it gives ${emergency.level}` : "the policy does not name them";
  return judged((emergency !== null) === may, why);
}

/** "May not approve a request of their own" without a level means every level. */
function judgeOwnEverywhere({ may, at }: Expectation, { clusters }: World, who: Actor): ExpectationVerdict {
  for (const cluster of clusters.values()) {
    for (const level of cluster.levels) {
      const [mayHere, why] = mayApprove(cluster, level, who, who, at);
      if (mayHere !== may) return judged(false, `${level.name} on ${cluster.name}: ${why}`);
    }
  }
  return judged(true, "on every cluster, for every level");
}

function mayApprove(
  cluster: Cluster,
  level: Level,
  approver: Actor,
  requester: Actor,
  at: Date | null,
): readonly [boolean, string] {
  const rule = ruleFor(cluster, level.name, requester);
  if (!rule) return [false, `no rule lets the requester ask for ${level.name} on ${cluster.name}`];
  const by = ruleName(rule);
  if (approver.user === requester.user && !rule.selfApproval) return [false, `not of their own, by ${by}`];
  const approvers = approversOf(rule, cluster);
  if (!isNamedIn(approvers, approver)) return [false, `${by} names ${approvers.join(", ")}`];
  if (cluster.quiet !== null) return [false, `${cluster.name} is quiet: ${cluster.quiet}`];
  if (at && isShutAt(rule, at)) return [false, `outside the hours of ${by}`];
  return [true, `by ${by}`];
}

function judged(holds: boolean, why: string): ExpectationVerdict {
  return { type: "judged", holds, why };
}

function unknown(message: string): ExpectationVerdict {
  return { type: "unknown", message };
}

/** A token has only a cluster's name (aws-iam-authenticator, pkg/token: `x-k8s-aws-id`). */
export function sharedTokenWarnings(clusters: readonly Cluster[]): readonly string[] {
  return clusters.flatMap((one, index) =>
    clusters.slice(index + 1).flatMap((other) => {
      if (one.eksName !== other.eksName) return [];
      const shared = [
        [sharedCreator(one, other), one.operator ? "operator" : "creator"],
        [signInRoleOfBoth(one, other) ?? signInRoleOfBoth(other, one), "signIn.roles"],
      ] as const;
      return shared.flatMap(([what, own]) => {
        const text = `${one.name} and ${other.name} share the EKS name ${one.eksName} and ${what}. Give each its own ${own}.`;
        return what === null ? [] : [text];
      });
    }),
  );
}

/** As a clause; null: the other cluster takes no role with which the worker signs in to this one. */
function signInRoleOfBoth({ signIn }: Cluster, { account, foreignAccounts }: Cluster): string | null {
  const taken = [account, ...foreignAccounts];
  const role = signIn.roles.find((each) => taken.includes(each.split(":")[4] ?? ""));
  return role === undefined ? null : `perhaps the role ${role}`;
}

/** The shared creator, as a clause; null: they differ. */
function sharedCreator(one: Cluster, other: Cluster): string | null {
  if (one.account !== other.account) return null;
  const [arn, otherArn] = [creatorArnOf(runsAs(one)), creatorArnOf(runsAs(other))];
  if (arn === null || otherArn === null) return "perhaps one creator: CloudTrail names it";
  return isSameCreator(arn, otherArn) ? `the ${one.operator ? "operator" : "creator"} ${arn}` : null;
}
