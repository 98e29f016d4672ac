import { extensionsOf } from "../../access/lease/may-revoke.ts";
import type { Cluster, Level } from "../../access/policy/cluster.ts";
import { levelsOffered } from "../../access/policy/offer.ts";
import { readExtension } from "../../access/request/extension.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { type Principal, readPrincipal } from "../../aws-auth/index.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { answer, extensionAnswer, failureAnswer, noSuchRequestAnswer, notYoursToExtendAnswer } from "../ask/answers.ts";
import { refuseToAsk } from "../ask/limits.ts";
import { submitRequest } from "../ask/submit-request.ts";
import type { Message } from "../blocks/message.ts";
import { code, time, told } from "../blocks/mrkdwn.ts";
import { noteAttempt } from "../people/attempts.ts";
import { personFor } from "../people/standing.ts";

/** A lease that this person may ask to extend. */
export interface Extendable {
  readonly type: "extendable";
  readonly request: AccessRequest;
  readonly cluster: Cluster;
  /** With the longest time for which this person can have it. */
  readonly level: Level;
  readonly principal: Principal;
}

type Refused = { readonly type: "refused"; readonly message: Message };

const refused = (message: Message): Refused => ({ type: "refused", message });

/** Looks whether somebody may ask to extend a lease. Only who holds it may. */
export async function readExtendable(context: SlackContext, user: string, id: string): Promise<Extendable | Refused> {
  const request = await context.ledger.get(id);
  if (!request) return refused(noSuchRequestAnswer(id));
  const turnedAway = await refuseActor(context, user, "extend", request);
  if (turnedAway) return refused(turnedAway);
  if (request.requester !== user) {
    await noteAttempt(context, { act: "extend", by: user, code: "not-yours", request });
    return refused(notYoursToExtendAnswer(request));
  }
  const cluster = context.config.clusters.get(request.cluster);
  const level = cluster?.levels.find((each) => each.name === request.level);
  const reading = readPrincipal(request.principal);
  if (!cluster || !level || reading.type === "invalid") {
    const gone = `${request.level} on ${request.cluster} is not offered any more. Ask for another level.`;
    return refused(failureAnswer(gone));
  }
  const longer = await extendedBy(context, request);
  if (longer) return refused(extendedAlreadyAnswer(request, longer));
  return {
    type: "extendable",
    request,
    cluster,
    level: await offeredTo(context, cluster, level, user),
    principal: reading.principal,
  };
}

/** The rule may allow less than the level. Where Slack does not say whose groups somebody is of, the request itself is refused. */
async function offeredTo(context: SlackContext, cluster: Cluster, level: Level, user: string): Promise<Level> {
  const person = await personFor(context, cluster, user).catch(() => null);
  const offered = person ? levelsOffered(cluster, person) : [];
  return offered.find(({ name }) => name === level.name) ?? level;
}

/** The lease that extends this one and ends last; null: none does. */
async function extendedBy(
  { ledger }: SlackContext,
  { id, cluster, lease }: AccessRequest,
): Promise<AccessRequest | null> {
  const endOf = (request: AccessRequest) => Date.parse(request.lease?.endsAt ?? "") || 0;
  const [last] = extensionsOf(id, await ledger.grantedOf(cluster)).toSorted((a, b) => endOf(b) - endOf(a));
  return last && lease?.state === "active" && !lease.end ? last : null;
}

function extendedAlreadyAnswer({ id }: AccessRequest, { id: longer, lease }: AccessRequest): Message {
  return answer(
    `${code(longer)} extends ${code(id)} until ${time(lease?.endsAt ?? "")} already. Extend ${code(longer)}.`,
  );
}

/** Asks to extend a lease by so many seconds, in a request of its own. */
export async function extendLease(
  context: SlackContext,
  user: string,
  id: string,
  bySeconds: (request: AccessRequest) => number | null,
): Promise<Message> {
  const found = await readExtendable(context, user, id);
  if (found.type === "refused") return found.message;
  const { request, cluster, level, principal } = found;
  const seconds = bySeconds(request);
  if (seconds === null) return answer(`Say how much longer, for example ${code(`/eks-access extend ${id} for 1h`)}.`);
  const reading = readExtension(request, level, seconds, context.now());
  if (reading.type === "refused") return answer(`:warning: ${told(reading.message)}`);
  const { until, durationSeconds } = reading;
  const { ticket, reason } = request;
  const wish = { cluster, level: levelIn(cluster, level), principal, durationSeconds, ticket, reason };
  const extension = { of: request.id, until };
  const notNow = await refuseToAsk(context, user, wish, extension);
  return notNow ?? extensionAnswer(await submitRequest(context, user, wish, extension), request);
}

/** The level as the configuration has it: the policy looks at the rule by itself. */
function levelIn({ levels }: Cluster, level: Level): Level {
  return levels.find(({ name }) => name === level.name) ?? level;
}
