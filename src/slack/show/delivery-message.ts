import type { AccessRequest } from "../../access/request/record.ts";
import type { Shown } from "../../ledger/migrations.ts";
import { code, mentions, section, time } from "../blocks/mrkdwn.ts";
import { said } from "../blocks/words.ts";
import type { Presence } from "../decide/presence.ts";
import type { Milestone } from "../lease/requester-message.ts";

/** What a requester is told of the way to the approvers, beside how the request stands. */
function tell(name: string, text: string): Milestone {
  return { name, message: { text, blocks: [section(text)] } };
}

function subjectOf({ level, cluster, id }: AccessRequest): string {
  return `${code(level)} on ${code(cluster)} (${code(id)})`;
}

const askedInstead = "channel-lost-asked";

/** The channel is deleted, archived, or without the bot. `why` says which, and how to mend it. */
export function lostChannelMilestones(
  request: AccessRequest,
  why: string,
  { copies, told }: Shown,
): readonly Milestone[] {
  // Who was told that the approvers are asked in another way knows it already.
  if (told.includes(askedInstead)) return [];
  const subject = subjectOf(request);
  if (request.state !== "pending") {
    const text = `The message about ${subject} does not change any more. ${said(why)}. You are told here how it goes on.`;
    return [tell("channel-lost", text)];
  }
  const failed = `The approvers of ${code(request.cluster)} could not be asked in their channel about ${subject}. ${said(why)}.`;
  const how =
    copies.length > 0
      ? `They were asked in direct messages instead: ${mentions(copies.map(({ user }) => user))}.`
      : `An approver can still decide with ${code(`/eks-access approve ${request.id}`)}.`;
  // Whoever is asked later is told of as well: at first there may have been nobody.
  return [tell(copies.length > 0 ? askedInstead : "channel-lost", `${failed} ${how}`)];
}

/** Somebody deleted the message, which stood there under this timestamp. */
export function deletedMessageMilestone(request: AccessRequest, ts: string): Milestone {
  return tell(
    `deleted-${ts}`,
    `Somebody deleted the message about ${subjectOf(request)} in the channel. It was posted again, and nothing else changed.`,
  );
}

/** Fewer people are left than have to approve. */
export function tooFewMilestone(request: AccessRequest, { present }: Presence): Milestone {
  const left = present.length > 0 ? `only ${mentions(present)}` : "nobody";
  const text =
    `Too few approvers can still sign in to Slack to decide about ${subjectOf(request)}: ${left}. ` +
    `Ask an operator to name others for ${code(request.cluster)} in eks-access.yml. Without them it lapses ${time(request.lapsesAt)}.`;
  return tell("too-few-approvers", text);
}
