import { othersWhoMayApprove } from "../../access/approval/approvers.ts";
import { isUser } from "../../access/policy/person.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { Directory } from "../people/directory.ts";
import type { MessengerContext } from "../show/messenger-context.ts";

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
  { config, directory, log }: Pick<MessengerContext, "config" | "directory" | "log">,
  request: AccessRequest,
): Promise<Presence | null> {
  const cluster = config.clusters.get(request.cluster);
  if (request.state !== "pending" || !request.preview || !cluster) return null;
  try {
    const named = await Promise.all(
      othersWhoMayApprove(request, cluster).map((name) => peopleOf(directory, name, request.requester)),
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
async function peopleOf(directory: Directory, name: string, requester: string): Promise<readonly string[]> {
  return isUser(name) ? [name] : (await directory.membersOf(name)).filter((user) => user !== requester);
}

/** Whether fewer people are left than have to approve: without an operator it can only lapse. */
export function isTooFew({ approvals, approvalsWanted }: AccessRequest, { present }: Presence): boolean {
  return present.length < approvalsWanted - approvals.length;
}
