import { type EndVerdict, extensionsOf, judgeCancel, judgeRevoke } from "../../access/lease/may-revoke.ts";
import { isMigrationId } from "../../access/migration/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Person } from "../../access/policy/person.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { eventOf, type RequestStep, updateRequest } from "../../ledger/record-change.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { endedAnswer, endRefusedAnswer, failureAnswer, noSuchRequestAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { stopMigrationByAnswer } from "../migrate/migration-words.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";

/** `revoke <id> [why]`, and the button: the worker takes the lease's part away, and that of the leases that extend it. */
export function revokeLease(context: SlackContext, by: string, id: string, why: string): Promise<Message> {
  return endAccess(context, id, (request, cluster, person, now) => judgeRevoke(request, cluster, person, why, now), {
    type: "lease.ending",
    by,
    why,
  });
}

/** `cancel <id>`: the requester takes the request back. */
export function cancelRequest(context: SlackContext, by: string, id: string): Promise<Message> {
  return endAccess(context, id, (request) => judgeCancel(request, by), { type: "request.cancelled", by, why: "" });
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

/** Whether it was ended by this. */
function endExtension(
  context: SlackContext,
  id: string,
  end: (request: AccessRequest) => EndVerdict,
  { type, by, why }: Ending,
): Promise<boolean> {
  return updateRequest<boolean>(context, id, (current) => {
    const verdict = current && end(current);
    if (!current || verdict?.type !== "ended") return { type: "stop", outcome: false };
    const event = eventOf(type, current, by, context.now(), { why });
    return { type: "write", after: verdict.after, event, outcome: true };
  });
}

function extendsRevoked({ id }: AccessRequest): string {
  return `it extends ${id}, which was revoked`;
}

interface Ending {
  readonly type: "lease.ending" | "request.cancelled";
  readonly by: string;
  readonly why: string;
}

type EndDecision = (request: AccessRequest, cluster: Cluster, person: Person, now: Date) => EndVerdict;

async function endAccess(context: SlackContext, id: string, decide: EndDecision, ending: Ending): Promise<Message> {
  if (isMigrationId(id)) return stopMigrationByAnswer(id);
  // Each is ended once, and told although the request itself is decided about again.
  const extensions: string[] = [];
  return updateRequest(context, id, (request) => decideEnd(context, id, request, decide, ending, extensions));
}

async function decideEnd(
  context: SlackContext,
  id: string,
  request: AccessRequest | null,
  decide: EndDecision,
  ending: Ending,
  extensions: string[],
): Promise<RequestStep<Message>> {
  const stop = (outcome: Message) => ({ type: "stop", outcome }) as const;
  const { type, by, why } = ending;
  const act = type === "lease.ending" ? "revoke" : "cancel";
  const turnedAway = await refuseActor(context, by, act, request ?? { id, cluster: "" });
  if (turnedAway) return stop(turnedAway);
  if (!request) return stop(noSuchRequestAnswer(id));
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster)
    return stop(failureAnswer(`The cluster ${request.cluster} is not configured any more. Ask an operator.`));
  // Access must go also while Slack does not say who is of which group: who is named by the id needs no group.
  const person = await personFor(context, cluster, by).catch(() => ({ user: by, memberships: [] }));
  const now = context.now();
  const verdict = decide(request, cluster, person, now);
  if (verdict.type === "refused") {
    await noteAttempt(context, { act, by, code: verdict.code, request });
    return stop(endRefusedAnswer(verdict.code, request, cluster));
  }
  const endIt = (each: AccessRequest) => judgeRevoke(each, cluster, person, extendsRevoked(request), now);
  if (act === "revoke") extensions.push(...(await endExtensions(context, request, endIt, ending)));
  const { after } = verdict;
  return {
    type: "write",
    after,
    event: eventOf(type, request, by, now, { why }),
    outcome: endedAnswer(after, extensions),
  };
}
