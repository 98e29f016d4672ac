import { AccessError, explainFailure, hasCode } from "../../access/access-error.ts";
import { isApprovable, othersWhoMayApprove, peopleNotDue } from "../../access/decide.ts";
import { approversLeft } from "../../access/decide-migration.ts";
import { reviewersOf } from "../../access/emergency.ts";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import type { Cluster, Level, Rule } from "../../access/policy/cluster.ts";
import { approversOf, isUser, maxApprovalsNeeded, namesIn } from "../../access/policy/rule.ts";
import type { AccessRequest } from "../../access/record.ts";
import { broken, counted, type Finding, found, someOf } from "../../diagnosis/link.ts";
import type { SlackContext } from "./context.ts";
import { type Directory, peopleNamed } from "./directory.ts";
import { slackErrorCode } from "./web-client.ts";

export interface Presence {
  readonly present: readonly string[];
  /** Also user groups without people. */
  readonly departed: readonly string[];
}

/** Slack answers for one person at a time. */
const maxPeople = 50;

/** Slack accepts messages to deactivated people (python-slack-sdk#1156). Null: no decision is due, or Slack did not answer. */
export async function presenceOf(
  { config, directory, log }: Pick<SlackContext, "config" | "directory" | "log">,
  request: AccessRequest,
): Promise<Presence | null> {
  const cluster = config.clusters.get(request.cluster);
  if (request.state !== "pending" || !request.preview || !cluster || !isApprovable(request, cluster)) return null;
  try {
    const out = peopleNotDue(request, cluster);
    const names = othersWhoMayApprove(request, cluster);
    const named = await Promise.all(names.map((name) => peopleOfName(directory, name)));
    const empty = names.filter((_, index) => named[index]?.length === 0);
    const people = [...new Set(named.flat())].filter((user) => !out.includes(user)).slice(0, maxPeople);
    const accounts = await Promise.all(people.map((user) => directory.accountOf(user)));
    return {
      present: people.filter((_, index) => accounts[index] === "active"),
      departed: [...empty, ...people.filter((_, index) => accounts[index] !== "active")],
    };
  } catch (error) {
    log.warn({ request: request.id, err: error }, "could not check whether approvers are active in Slack");
    return null;
  }
}

async function peopleOfName(directory: Directory, name: string): Promise<readonly string[]> {
  const people = await peopleBehind(directory, name);
  return Promise.all(people.map((user) => directory.idOf(user)));
}

interface Due {
  /** The people and user groups who must act. */
  readonly names: readonly string[];
  /** People who need not decide, also as one of such a group. */
  readonly out: readonly string[];
}

/** Whether approvers must still decide or review. */
export function isDecisionDue(record: LedgerRecord): boolean {
  return record.state === "pending" || (!isMigration(record) && record.emergency !== null && !record.emergency.review);
}

export function dueIn(record: LedgerRecord, cluster: Cluster): Due {
  if (!isDecisionDue(record)) return { names: [], out: [] };
  if (isMigration(record)) return { names: approversLeft(record, cluster), out: record.approvals.map(({ by }) => by) };
  if (record.emergency) return { names: reviewersOf(record, cluster), out: [record.requester] };
  return { names: othersWhoMayApprove(record, cluster), out: peopleNotDue(record, cluster) };
}

/** Who gets a message of their own if the channel is out of reach: a deleted one, or one that its person archived. @param presence of a pending request */
export async function whoToAsk(
  { config, directory }: Pick<SlackContext, "config" | "directory">,
  record: LedgerRecord,
  presence: Presence | null = null,
): Promise<readonly string[]> {
  if (presence) return presence.present;
  const cluster = config.clusters.get(record.cluster);
  const isReady = isMigration(record) ? record.plan !== null : record.preview !== null || record.emergency !== null;
  if (!cluster || !isReady) return [];
  const { names, out } = dueIn(record, cluster);
  const people = (await peopleNamed(directory, names)).filter((user) => !out.includes(user));
  return activeAmong(directory, people.slice(0, maxPeople));
}

/** The most people to mention in one post. A user group counts as one. */
export const maxCalled = 10;

/** Only people who can act, one by one where a small user group has others too. Without an answer of Slack, everyone counts. */
export async function whoIsCalled(directory: Directory, { names, out }: Due): Promise<readonly string[]> {
  const called = names.map(async (name) => {
    if (isUser(name)) return activeAmong(directory, [name]);
    const members = await peopleBehind(directory, name).catch(() => null);
    if (!members || members.length > maxCalled + out.length) return [name];
    const people = await peopleOfName(directory, name).catch(() => members);
    const possible = people.filter((user) => !out.includes(user));
    const others = await activeAmong(directory, possible);
    const isAll = people.length > 0 && others.length === people.length;
    return isAll || others.length > maxCalled ? [name] : others;
  });
  return [...new Set((await Promise.all(called)).flat())];
}

/** These user groups, and those of these people who can act. Without an answer of Slack, everyone counts. */
export async function activeAmong(directory: Directory, names: readonly string[]): Promise<readonly string[]> {
  const ask = async (name: string) => (isUser(name) ? directory.accountOf(name).catch(() => "active") : "active");
  const accounts = await Promise.all(names.map(ask));
  return names.filter((_, index) => accounts[index] === "active");
}

export function hasTooFewApprovers({ approvals, approvalsWanted }: AccessRequest, { present }: Presence): boolean {
  return present.length < approvalsWanted - approvals.length;
}

export interface ApprovableLevel {
  readonly cluster: Cluster;
  readonly level: Level;
  readonly rule: Rule;
}

function approvableLevels(clusters: Iterable<Cluster>): readonly ApprovableLevel[] {
  return [...clusters].flatMap((cluster) =>
    cluster.levels.flatMap((level) =>
      cluster.rules
        .filter(({ levels }) => levels === null || levels.includes(level.name))
        .map((rule) => ({ cluster, level, rule })),
    ),
  );
}

export interface ActiveApprovers {
  readonly active: readonly string[];
  readonly inactive: readonly string[];
}

export interface ShortLevel extends ApprovableLevel, ActiveApprovers {
  readonly needed: number;
}

export interface ApproverCheck {
  readonly enough: readonly ApprovableLevel[];
  readonly tooFew: readonly ShortLevel[];
  readonly unanswered: readonly (ApprovableLevel & { readonly error: unknown })[];
}

/** Checks in Slack whether each level has enough approvers. After the first failure to reach Slack it stops asking. */
export async function checkApprovers(directory: Directory, clusters: Iterable<Cluster>): Promise<ApproverCheck> {
  const enough: ApprovableLevel[] = [];
  const tooFew: ShortLevel[] = [];
  const unanswered: ApproverCheck["unanswered"][number][] = [];
  let away: unknown = null;
  for (const each of approvableLevels(clusters)) {
    try {
      if (away) throw away;
      const needed = maxApprovalsNeeded(each.rule, each.level);
      const approvers = await activeApprovers(directory, each.rule, each.cluster, { enough: needed });
      if (approvers.active.length >= needed) enough.push(each);
      else tooFew.push({ ...each, ...approvers, needed });
    } catch (error) {
      unanswered.push({ ...each, error });
      if (hasCode(error, "slack-unreachable")) away = error;
    }
  }
  return { enough, tooFew, unanswered };
}

/** Asks Slack until there are enough. `without`: people who do not count. @throws AccessError */
export async function activeApprovers(
  directory: Directory,
  rule: Rule,
  cluster: Cluster,
  {
    enough = Number.POSITIVE_INFINITY,
    without = [],
  }: { readonly enough?: number; readonly without?: readonly string[] } = {},
): Promise<ActiveApprovers> {
  const active = new Set<string>();
  const inactive: string[] = [];
  for (const approver of approversOf(rule, cluster)) {
    let isThere = false;
    for (const person of await peopleBehind(directory, approver)) {
      if (active.size >= enough) return { active: [...active], inactive };
      if ((await directory.accountOf(person)) !== "active") continue;
      isThere = true;
      const id = await directory.idOf(person);
      if (!without.includes(id)) active.add(id);
    }
    if (!isThere) inactive.push(approver);
  }
  return { active: [...active], inactive };
}

/** A user group that is gone has none. @throws AccessError */
export async function peopleBehind(directory: Directory, approver: string): Promise<readonly string[]> {
  return isUser(approver) ? [approver] : directory.membersOf(approver).catch(noneIfGone);
}

export function noneIfGone(error: unknown): readonly string[] {
  if (error instanceof AccessError && slackErrorCode(error.cause) === "no_such_subteam") return [];
  throw error;
}

export function shortageText(needed: number, activeCount: number): string {
  const approvals = needed === 1 ? "an approval" : `${needed} approvals`;
  const active =
    activeCount === 0 ? "no approver is" : `only ${activeCount} approver${activeCount === 1 ? " is" : "s are"}`;
  return `needs ${approvals}, but ${active} active in Slack`;
}

export function remedyForApprovers({ name, approvers }: Rule, cluster: Cluster): string {
  const place = approvers === null || name === "" ? `the cluster ${cluster.name}` : `the rule ${name}`;
  return `An operator can add approvers for ${place}.`;
}

/** Whether each level has enough active approvers. If Slack fails, only that level has the failure. */
export async function examineApprovers(directory: Directory, clusters: Iterable<Cluster>): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const all = [...clusters];
  for (const { cluster, level, rule } of approvableLevels(all)) {
    findings.push(await examineLevel(directory, cluster, level, rule));
  }
  // Without an answer about each, no one can request or approve.
  for (const group of new Set(all.flatMap(namesIn).filter((name) => name.startsWith("S")))) {
    await directory.membersOf(group).catch((error: unknown) => findings.push(broken(group, explainFailure(error))));
  }
  return findings;
}

async function examineLevel(directory: Directory, cluster: Cluster, level: Level, rule: Rule): Promise<Finding> {
  const what = `${cluster.name}, ${level.name}${rule.name ? ` by the rule ${rule.name}` : ""}`;
  try {
    const { active, inactive } = await activeApprovers(directory, rule, cluster);
    const needed = maxApprovalsNeeded(rule, level);
    const lost = inactive.length > 0 ? `; not active: ${someOf(inactive)}` : "";
    const count = `${what}: ${counted(active.length, "active approver")}, needed: ${needed}${lost}`;
    return active.length >= needed ? found(count) : broken(count, `${remedyForApprovers(rule, cluster)}`);
  } catch (error) {
    return broken(`${what}: could not check the approvers`, explainFailure(error));
  }
}
