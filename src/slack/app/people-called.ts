import { isApprovable, othersWhoMayApprove, peopleNotDue } from "../../access/decide.ts";
import { approversLeft } from "../../access/decide-migration.ts";
import { reviewersOf } from "../../access/emergency.ts";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isUser } from "../../access/policy/rule.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { SlackContext } from "./context.ts";
import { type Directory, peopleNamed } from "./directory.ts";

export interface Presence {
  readonly present: readonly string[];
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
    const named = await Promise.all(othersWhoMayApprove(request, cluster).map((name) => peopleOfName(directory, name)));
    const people = [...new Set(named.flat())].filter((user) => !out.includes(user)).slice(0, maxPeople);
    const accounts = await Promise.all(people.map((user) => directory.accountOf(user)));
    return {
      present: people.filter((_, index) => accounts[index] === "active"),
      departed: people.filter((_, index) => accounts[index] !== "active"),
    };
  } catch (error) {
    log.warn({ request: request.id, err: error }, "could not check whether approvers are active in Slack");
    return null;
  }
}

async function peopleOfName(directory: Directory, name: string): Promise<readonly string[]> {
  const people = isUser(name) ? [name] : await directory.membersOf(name);
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
    const members = await directory.membersOf(name).catch(() => []);
    if (members.length > maxCalled + out.length) return [name];
    const people = await peopleOfName(directory, name).catch(() => []);
    const others = await activeAmong(
      directory,
      people.filter((user) => !out.includes(user)),
    );
    return others.length < people.length && others.length <= maxCalled ? others : [name];
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
