import type { Button, KnownBlock } from "@slack/types";
import type { ChainedEvent } from "../../access/audit/event.ts";
import type { Act } from "../../access/policy/may-act.ts";
import { maySee } from "../../access/policy/may-see.ts";
import { formatDuration } from "../../access/request/duration.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { SlackContext } from "../app/context.ts";
import {
  approveButton,
  cancelButton,
  denyButton,
  extendButton,
  reviewedButton,
  revokeButton,
} from "../blocks/buttons.ts";
import type { Message } from "../blocks/message.ts";
import { failureAnswer } from "../blocks/message.ts";
import {
  code,
  codeList,
  context,
  cut,
  fields,
  mention,
  mentions,
  plainLine,
  preformatted,
  section,
  time,
} from "../blocks/mrkdwn.ts";
import {
  admitsText,
  emergencyTitle,
  endProofLines,
  identityOf,
  leaseField,
  placeOf,
  proofLines,
  reviewState,
  said,
  stateOf,
  troubleOf,
} from "../blocks/words.ts";
import { rightsBlocks } from "../decide/approval-message.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";
import { timelineText } from "../show/timeline.ts";

/** More than any record has. */
const mostEvents = 500;

/** What the first event of a record is, where its actor is the person who asked. */
const askingEvents: readonly string[] = ["request.created", "emergency.taken", "migration.asked"];

const buttonOf: Readonly<Record<Act, (request: AccessRequest) => Button>> = {
  approve: approveButton,
  deny: denyButton,
  cancel: cancelButton,
  review: reviewedButton,
  extend: extendButton,
  revoke: revokeButton,
};

export interface Status {
  readonly request: AccessRequest;
  /** The events that tell of it, in order. */
  readonly events: readonly ChainedEvent[];
  /** What the reader may do about it. */
  readonly acts: readonly Act[];
}

/** Everything that is known of one request, for whoever may see it: how it stands, the change, the proof, what happened. */
export function statusAnswer(status: Status): Message {
  const { request } = status;
  return {
    text: `${code(request.id)}: ${request.level} on ${request.cluster}. ${stateOf(request)}`,
    blocks: [
      ...subjectBlocks(request),
      section(cut(stateOf(request), 1500)),
      ...standingBlocks(request),
      ...changeBlocks(request),
      section(`*What happened*, with the numbers of the audit log\n${timelineText(status.events, 2000)}`),
      ...actBlocks(status),
    ],
  };
}

function subjectBlocks(request: AccessRequest): KnownBlock[] {
  const { id, requester, level, cluster, reason, extends: extended } = request;
  const extending = extended ? `, to extend ${code(extended)}` : "";
  const asks = `*${mention(requester)} asks for ${code(level)} on ${code(cluster)}${extending}*`;
  return [
    section(
      `${request.emergency ? emergencyTitle(request) : asks}\n${admitsText(request)}\n>${plainLine(reason, 1200)}`,
    ),
    fields([
      `*Principal*\n${code(request.principal)}`,
      `*Groups*\n${codeList(request.groups, 500)}`,
      leaseField(request),
      `*Request*\n${code(id)}, asked ${time(request.createdAt)}`,
      ...(request.ticket ? [`*Ticket*\n${code(request.ticket)}`] : []),
    ]),
  ];
}

/** What goes wrong, and what was proved of a active lease. */
function standingBlocks(request: AccessRequest): KnownBlock[] {
  const { voided, lease } = request;
  const trouble = troubleOf(request);
  const ended = lease?.state === "ended" && endProofLines(lease);
  const proof = lease?.state === "active" && !lease.end && !lease.drift && lease.proof;
  return [
    ...(voided && request.state === "pending"
      ? [section(`:warning: The approval by ${mentions(voided.by)} is void: ${said(voided.message, 400)}.`)]
      : []),
    ...(request.emergency ? [section(reviewState(request))] : []),
    ...(trouble ? [section(cut(trouble, 900))] : []),
    ...(ended ? [section(`*Proof of the end*\n${ended}`)] : []),
    ...(proof ? [section(`*Proof* ${time(proof.at)}\n${proofLines(lease)}`)] : []),
  ];
}

/** A change that was not made, or is undone, is told as what it was: a look at one time. */
function changeBlocks(request: AccessRequest): KnownBlock[] {
  const { preview } = request;
  if (!preview) return [];
  const isOpen = request.state === "pending" || request.state === "approved";
  const title = isOpen ? `Change to ${placeOf(preview)}` : `What would have changed in ${placeOf(preview)}`;
  const seen = `as it was seen ${time(preview.at)}, digest ${code(preview.digest.slice(0, 12))}`;
  return [
    // Who decides here must see what the channel's message shows.
    ...(request.state === "pending" ? rightsBlocks(preview.rights) : []),
    section(`*Before* ${identityOf(preview.today, 400)}\n*After* ${identityOf(preview.afterwards, 700)}`),
    section(`*${title}*, ${seen}${preview.diff ? "" : "\nnone: another lease gives it already"}`),
    ...(preview.diff ? [preformatted(preview.diff, 1800)] : []),
    ...(request.state === "pending" ? preview.warnings : [])
      .slice(0, 6)
      .map((warning) => context(`:warning: ${said(warning, 250)}`)),
  ];
}

/** Here the change stands above its buttons: this is where a typed `approve` leads, too. */
function actBlocks({ request, acts }: Status): KnownBlock[] {
  const elements = acts.map((act) => buttonOf[act](request));
  return elements.length > 0 ? [{ type: "actions", block_id: `status-${request.id}`, elements }] : [];
}

/** Only who made a request or asked for a move, and who answers for its cluster, may read it. */
export function notYoursToSeeAnswer({ id, cluster }: Pick<AccessRequest, "id" | "cluster">): Message {
  const text = `Only the requester, the approvers of ${code(cluster)} and its on-call can see ${code(id)}.`;
  return { text, blocks: [section(text)] };
}

/** A typed `approve` is answered with the change and its button. */
export function approveBelowAnswer({ text, blocks }: Message): Message {
  return {
    text,
    blocks: [section("Nothing is approved yet. Read what would change, then click *Approve* below."), ...blocks],
  };
}

/**
 * What the audit log says about a record that the ledger has removed, for the same readers as before, and why there is one that can't be
 * read. Null: there was none, or its events are forgotten as well. @throws AccessError
 */
export async function readRemoved(context: SlackContext, user: string, id: string): Promise<Message | null> {
  const { ledger, config } = context;
  const events = await ledger.eventsOf(id, mostEvents);
  const [first] = events;
  const last = events.findLast(({ event }) => event.type !== "attempt.refused");
  if (!first || !last) return null;
  const record = { id, cluster: first.event.cluster, requester: requesterIn(first) };
  const cluster = config.clusters.get(record.cluster);
  if (!maySee(record, cluster, await personFor(context, cluster, user))) {
    await noteAttempt(context, { act: "see", by: user, code: "not-yours", request: record });
    return notYoursToSeeAnswer(record);
  }
  const why = await ledger.whyUnreadable(id);
  if (why !== null) return failureAnswer(why);
  return removedAnswer(record, events, last.event.at, config.ledger.keepSeconds);
}

/** Nobody, where a worker found the lease in a cluster: then only who answers for the cluster reads it. */
function requesterIn({ event }: ChainedEvent): string {
  return askingEvents.includes(event.type) ? event.actor : "";
}

function removedAnswer(
  { id, cluster }: { readonly id: string; readonly cluster: string },
  events: readonly ChainedEvent[],
  closedAt: string,
  keepSeconds: number,
): Message {
  const kept = formatDuration(keepSeconds);
  const text = `${code(id)} on ${code(cluster)} closed on ${time(closedAt)}. Its record was removed after ${kept}; the audit log has its events.`;
  return {
    text,
    blocks: [
      section(text),
      section(`*What happened*, with the numbers of the audit log\n${timelineText(events, 2000)}`),
    ],
  };
}
