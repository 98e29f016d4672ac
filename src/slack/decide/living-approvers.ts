import { othersWhoMayApprove } from "../../access/approval/approvers.ts";
import { AccessError, explain } from "../../access/failure/access-error.ts";
import type { Cluster, Level, Rule } from "../../access/policy/cluster.ts";
import { isUser } from "../../access/policy/person.ts";
import { approversOf, mostApprovalsNeeded } from "../../access/policy/rule.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { broken, counted, type Finding, found, someOf } from "../../diagnosis/link.ts";
import type { SlackContext } from "../app/context.ts";
import { slackErrorCode } from "../app/slack-failure.ts";
import type { Directory } from "../people/directory.ts";

/** A level of a cluster with one of the rules that stand for it. */
export interface ApprovableLevel {
  readonly cluster: Cluster;
  readonly level: Level;
  readonly rule: Rule;
}

/** Each level of each cluster with each rule that stands for it, in the order of the configuration. */
function approvableLevels(clusters: Iterable<Cluster>): readonly ApprovableLevel[] {
  return [...clusters].flatMap((cluster) =>
    cluster.levels.flatMap((level) =>
      cluster.rules
        .filter(({ levels }) => levels === null || levels.includes(level.name))
        .map((rule) => ({ cluster, level, rule })),
    ),
  );
}

/** Who of a level's approvers is still there. */
export interface LivingApprovers {
  readonly living: readonly string[];
  /** Of those that the rule names: people who are deactivated or unknown, and user groups without anybody active. */
  readonly gone: readonly string[];
}

export interface ShortLevel extends ApprovableLevel, LivingApprovers {
  readonly needed: number;
}

/** What Slack said of the approvers of all levels. */
export interface Look {
  readonly good: readonly ApprovableLevel[];
  /** Too few of them are active to approve a request. */
  readonly short: readonly ShortLevel[];
  /** Slack did not say. */
  readonly untold: readonly (ApprovableLevel & { readonly error: unknown })[];
}

/** Looks in Slack whether each level still has as many approvers as it may ask for. Where Slack is away, it is not asked on. */
export async function lookAtApprovers(directory: Directory, clusters: Iterable<Cluster>): Promise<Look> {
  const look: { good: ApprovableLevel[]; short: ShortLevel[]; untold: Look["untold"][number][] } = {
    good: [],
    short: [],
    untold: [],
  };
  let away: unknown = null;
  for (const each of approvableLevels(clusters)) {
    try {
      if (away) throw away;
      const needed = mostApprovalsNeeded(each.rule, each.level);
      const approvers = await livingApprovers(directory, each.rule, each.cluster, { enough: needed });
      if (approvers.living.length >= needed) look.good.push(each);
      else look.short.push({ ...each, ...approvers, needed });
    } catch (error) {
      look.untold.push({ ...each, error });
      if (error instanceof AccessError && error.code === "slack-unreachable") away = error;
    }
  }
  return look;
}

/**
 * Asks Slack for the approvers of a rule, one after another, until there are enough. `without`: who does not count.
 * @throws AccessError
 */
export async function livingApprovers(
  directory: Directory,
  rule: Rule,
  cluster: Cluster,
  { enough = Number.POSITIVE_INFINITY, without = "" }: { readonly enough?: number; readonly without?: string } = {},
): Promise<LivingApprovers> {
  const living = new Set<string>();
  const gone: string[] = [];
  for (const approver of approversOf(rule, cluster)) {
    let isThere = false;
    for (const person of await peopleOf(directory, approver)) {
      if (living.size >= enough) return { living: [...living], gone };
      if ((await directory.accountOf(person)) !== "active") continue;
      isThere = true;
      if (person !== without) living.add(person);
    }
    if (!isThere) gone.push(approver);
  }
  return { living: [...living], gone };
}

/** A user group that there is not holds nobody: that is an answer. */
async function peopleOf(directory: Directory, approver: string): Promise<readonly string[]> {
  if (isUser(approver)) return [approver];
  try {
    return await directory.membersOf(approver);
  } catch (error) {
    if (error instanceof AccessError && slackErrorCode(error.cause) === "no_such_subteam") return [];
    throw error;
  }
}

/** Who can mend it, and where. */
export function mendApprovers({ name, approvers }: Rule, cluster: Cluster): string {
  const place = approvers === null || name === "" ? `the cluster ${cluster.name}` : `the rule ${name}`;
  return `An operator has to name others as approvers of ${place} in eks-access.yml, or to add people to its user group in Slack.`;
}

/**
 * Whether each level of each cluster still has as many active approvers as it asks for at any time of the week. What
 * Slack does not tell of one level is a finding of that level alone.
 */
export async function examineApprovers(directory: Directory, clusters: Iterable<Cluster>): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { cluster, level, rule } of approvableLevels(clusters)) {
    findings.push(await examineLevel(directory, cluster, level, rule));
  }
  return findings;
}

async function examineLevel(directory: Directory, cluster: Cluster, level: Level, rule: Rule): Promise<Finding> {
  const what = `${cluster.name}, ${level.name}${rule.name ? ` by the rule ${rule.name}` : ""}`;
  try {
    const { living, gone } = await livingApprovers(directory, rule, cluster);
    const needed = mostApprovalsNeeded(rule, level);
    const lost = gone.length > 0 ? `; nobody is active of ${someOf(gone)}` : "";
    const count = `${what}: ${counted(living.length, "active approver")}, needed: ${needed}${lost}`;
    return living.length >= needed
      ? found(count)
      : broken(count, `A request would only lapse. ${mendApprovers(rule, cluster)}`);
  } catch (error) {
    return broken(`${what}: the approvers were not looked at`, explain(error));
  }
}

/** Who of those that may decide about a request can still sign in to Slack. Slack user ids. */
export interface Presence {
  readonly present: readonly string[];
  readonly departed: readonly string[];
}

/** More people are not asked one by one. */
const mostPeople = 50;

/**
 * Looks who is left to decide: Slack takes messages to people who were deactivated, and tells nobody that they are never
 * read (slackapi/python-slack-sdk#1156). Null: nobody has to decide, or Slack did not say, which must hold nothing up.
 */
export async function presenceOf(
  { config, directory, log }: Pick<SlackContext, "config" | "directory" | "log">,
  request: AccessRequest,
): Promise<Presence | null> {
  const cluster = config.clusters.get(request.cluster);
  if (request.state !== "pending" || !request.preview || !cluster) return null;
  try {
    const named = await Promise.all(
      othersWhoMayApprove(request, cluster).map((name) => peopleOfName(directory, name, request.requester)),
    );
    const people = [...new Set(named.flat())].slice(0, mostPeople);
    const accounts = await Promise.all(people.map((user) => directory.accountOf(user)));
    return {
      present: people.filter((_, index) => accounts[index] === "active"),
      departed: people.filter((_, index) => accounts[index] !== "active"),
    };
  } catch (error) {
    log.warn({ request: request.id, err: error }, "could not look whether approvers are active in Slack");
    return null;
  }
}

/** Being of a user group of approvers lets nobody decide about the own request. */
async function peopleOfName(directory: Directory, name: string, requester: string): Promise<readonly string[]> {
  return isUser(name) ? [name] : (await directory.membersOf(name)).filter((user) => user !== requester);
}

/** Whether fewer people are left than have to approve: without an operator it can only lapse. */
export function isTooFew({ approvals, approvalsWanted }: AccessRequest, { present }: Presence): boolean {
  return present.length < approvalsWanted - approvals.length;
}
