import { parseDuration } from "../../access/request/duration.ts";
import { readExtension, usualExtension } from "../../access/request/extension.ts";
import { readPrincipal } from "../../aws-auth/index.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { extensionAnswer, failureAnswer, noSuchRequestAnswer, notYoursToExtendAnswer } from "../ask/answers.ts";
import { refuseToAsk } from "../ask/limits.ts";
import { submitRequest } from "../ask/submit-request.ts";
import type { Message } from "../blocks/message.ts";
import { noteAttempt } from "../people/attempts.ts";

/** `extend <id> <for>`, and the button (`by` undefined: the same time again). Only who holds the grant may ask. */
export async function extendGrant(
  context: SlackContext,
  user: string,
  id: string,
  by: string | undefined,
): Promise<Message> {
  const request = await context.ledger.get(id);
  if (!request) return noSuchRequestAnswer(id);
  const turnedAway = await refuseActor(context, user, "extend", request);
  if (turnedAway) return turnedAway;
  if (request.requester !== user) {
    await noteAttempt(context, { act: "extend", by: user, code: "not-yours", request });
    return notYoursToExtendAnswer(request);
  }
  const cluster = context.config.clusters.get(request.cluster);
  const level = cluster?.levels.find((each) => each.name === request.level);
  const reading = readPrincipal(request.principal);
  if (!cluster || !level || reading.type === "invalid") {
    return failureAnswer(`${request.level} on ${request.cluster} is not offered any more. Ask for another level.`);
  }
  const now = context.now();
  const bySeconds = by === undefined ? usualExtension(request, level, now) : parseDuration(by);
  if (bySeconds === null) return failureAnswer(`"${by}" is not a duration. Write for example: extend ${id} 2h`);
  const extension = readExtension(request, level, bySeconds, now);
  if (extension.type === "refused") return failureAnswer(extension.message);
  const wish = {
    cluster,
    level,
    principal: reading.principal,
    durationSeconds: extension.durationSeconds,
    ticket: request.ticket,
    reason: request.reason,
  };
  const notNow = await refuseToAsk(context, user, wish, request.id);
  return notNow ?? extensionAnswer(await submitRequest(context, user, wish, request.id), request);
}
