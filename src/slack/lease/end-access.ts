import { cancel, type EndVerdict, extensionsOf, revoke } from "../../access/lease/may-revoke.ts";
import { isMoveId } from "../../access/migration/move.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Person } from "../../access/policy/person.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { eventOf, recordChange } from "../../ledger/record-change.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { endedAnswer, endRefusedAnswer, failureAnswer, noSuchRequestAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { stopMoveByAnswer } from "../migrate/move-answers.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";

/** `revoke <id> [why]`, and the button: the worker takes the grant's part away, and that of the leases that extend it. */
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

/**
 * Ends the leases that extend the one that is revoked, before that one: a process that dies in between leaves a lease that can still be
 * revoked, and never one that outlives what it extends.
 */
async function endExtensions(
  context: SlackContext,
  request: AccessRequest,
  end: (request: AccessRequest) => EndVerdict,
  { type, by }: Ending,
): Promise<readonly string[]> {
  const ended: string[] = [];
  for (const { id } of extensionsOf(request.id, await context.ledger.grantedOf(request.cluster))) {
    const isEnded = await endExtension(context, id, end, { type, by, why: extendsRevoked(request) });
    if (isEnded) ended.push(id);
  }
  return ended;
}

/** Where somebody else wrote meanwhile, decides again on what is there now. */
async function endExtension(
  context: SlackContext,
  id: string,
  end: (request: AccessRequest) => EndVerdict,
  ending: Ending,
): Promise<boolean> {
  const current = await context.ledger.get(id);
  if (!current) return false;
  const verdict = end(current);
  if (verdict.type !== "ended") return false;
  const now = context.now();
  const event = eventOf(ending.type, current, ending.by, now, { why: ending.why });
  const result = await recordChange(context, verdict.after, event, now);
  return result.type === "committed" || endExtension(context, id, end, ending);
}

function extendsRevoked({ id }: AccessRequest): string {
  return `it extends ${id}, which was revoked`;
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
  endedBefore: readonly string[] = [],
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
  const endIt = (each: AccessRequest) => revoke(each, cluster, person, extendsRevoked(request), now);
  const isRevocation = ending.type === "grant.ending";
  const extensions = [...endedBefore, ...(isRevocation ? await endExtensions(context, request, endIt, ending) : [])];
  const event = eventOf(ending.type, request, ending.by, now, { why: ending.why });
  const result = await recordChange(context, verdict.after, event, now);
  if (result.type === "committed") return endedAnswer(verdict.after, extensions);
  return endAccess(context, id, decide, ending, extensions);
}
