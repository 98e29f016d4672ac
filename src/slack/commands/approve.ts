import { refuseDecision } from "../../approval/decide.ts";
import { isMoveId } from "../../migration/move.ts";
import { refuseActor } from "../admission.ts";
import { noteAttempt } from "../attempts.ts";
import { readMoveToApprove } from "../handlers/read-move-status.ts";
import { readStatus } from "../handlers/read-status.ts";
import { failureAnswer, noSuchRequestAnswer } from "../messages/answers.ts";
import { clickAnswer } from "../messages/decision-answers.ts";
import { approveBelowAnswer } from "../messages/status-answer.ts";
import { factsFor } from "../standing.ts";
import { type Command, idAndRest } from "./command.ts";

/**
 * An approver approves a change, not an id (law 4): what is typed can't say which change its writer has seen. So it is
 * answered with the change, and with a button that carries its digest.
 */
export const approve: Command = {
  word: "approve",
  usage: "<id>",
  summary: "shows what would change, with the button that approves exactly that",
  forApprovers: true,
  run: async (context, { user, rest }) => {
    const [id] = idAndRest(rest);
    if (isMoveId(id)) return readMoveToApprove(context, user, id);
    const request = await context.ledger.get(id);
    if (!request) return noSuchRequestAnswer(id);
    const turnedAway = await refuseActor(context, user, "approve", request);
    if (turnedAway) return turnedAway;
    const cluster = context.config.clusters.get(request.cluster);
    if (!cluster) return failureAnswer(`The cluster ${request.cluster} is not configured any more. Ask an operator.`);
    const digest = request.preview?.digest ?? "";
    const facts = await factsFor(context, cluster, request, { by: user, verdict: "approved" });
    const refusal = refuseDecision(request, cluster, { verdict: "approved", by: user, digest }, context.now(), facts);
    if (refusal) {
      await noteAttempt(context, { act: "approve", by: user, code: refusal, request, detail: { digest } });
      return clickAnswer(refusal, request, cluster);
    }
    return approveBelowAnswer(await readStatus(context, user, id));
  },
};
