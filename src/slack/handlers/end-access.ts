import { cancel, type EndVerdict, revoke } from "../../grant/may-revoke.ts";
import { eventOf, recordChange } from "../../jobs/record-change.ts";
import { isMoveId } from "../../migration/move.ts";
import type { Cluster } from "../../policy/cluster.ts";
import type { Person } from "../../policy/person.ts";
import type { AccessRequest } from "../../request/request.ts";
import { refuseActor } from "../admission.ts";
import { noteAttempt } from "../attempts.ts";
import type { SlackContext } from "../context.ts";
import { endedAnswer, endRefusedAnswer, failureAnswer, noSuchRequestAnswer } from "../messages/answers.ts";
import type { Message } from "../messages/message.ts";
import { stopMoveByAnswer } from "../messages/move-answers.ts";
import { personFor } from "../standing.ts";

/** `revoke <id> [why]`, and the button: the worker takes the grant's part away. */
export function revokeGrant(context: SlackContext, by: string, id: string, why: string): Promise<Message> {
  return endAccess(context, id, (request, cluster, person, now) => revoke(request, cluster, person, why, now), {
    type: "grant.ending",
    by,
    why,
  });
}

/** `cancel <id>`: the requester takes the request back. */
export function cancelRequest(context: SlackContext, by: string, id: string): Promise<Message> {
  return endAccess(context, id, (request) => cancel(request, by), { type: "request.cancelled", by, why: "" });
}

interface Ending {
  readonly type: "grant.ending" | "request.cancelled";
  readonly by: string;
  readonly why: string;
}

/** Where somebody else wrote meanwhile, decides again on what stands there now. */
async function endAccess(
  context: SlackContext,
  id: string,
  decide: (request: AccessRequest, cluster: Cluster, person: Person, now: Date) => EndVerdict,
  ending: Ending,
): Promise<Message> {
  if (isMoveId(id)) return stopMoveByAnswer(id);
  const request = await context.ledger.get(id);
  const act = ending.type === "grant.ending" ? "revoke" : "cancel";
  const turnedAway = await refuseActor(context, ending.by, act, request ?? { id, cluster: "" });
  if (turnedAway) return turnedAway;
  if (!request) return noSuchRequestAnswer(id);
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return failureAnswer(`The cluster ${request.cluster} is not configured any more. Ask an operator.`);
  // Access must go also while Slack does not say who is of which group: who is named by the id needs no group.
  const person = await personFor(context, cluster, ending.by).catch(() => ({ user: ending.by, memberships: [] }));
  const now = context.now();
  const verdict = decide(request, cluster, person, now);
  if (verdict.type === "refused") {
    await noteAttempt(context, { act, by: ending.by, code: verdict.code, request });
    return endRefusedAnswer(verdict.code, request, cluster);
  }
  const event = eventOf(ending.type, request, ending.by, now, { why: ending.why });
  const result = await recordChange(context, verdict.after, event, now);
  return result.type === "committed" ? endedAnswer(verdict.after) : endAccess(context, id, decide, ending);
}
