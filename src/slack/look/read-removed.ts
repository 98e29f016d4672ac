import type { ChainedEvent } from "../../access/audit/event.ts";
import { maySee } from "../../access/policy/may-see.ts";
import { formatDuration } from "../../access/request/duration.ts";
import type { SlackContext } from "../app/context.ts";
import { failureAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { code, section, time } from "../blocks/mrkdwn.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";
import { timelineText } from "../show/timeline.ts";
import { notYoursToSeeAnswer } from "./status-answer.ts";

/** More than any record has. */
const mostEvents = 500;

/** What the first event of a record is, where its actor is the person who asked. */
const askingEvents: readonly string[] = ["request.created", "emergency.taken", "migration.asked"];

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
