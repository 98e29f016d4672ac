import { refuseDecision } from "../../access/approval/decide.ts";
import { isMigrationId } from "../../access/migration/migration.ts";
import { type Command, idAndRest } from "../app/command.ts";
import { refuseActor } from "../ask/admission.ts";
import { failureAnswer, noSuchRequestAnswer } from "../ask/answers.ts";
import { readStatus } from "../look/status.ts";
import { approveBelowAnswer } from "../look/status-answer.ts";
import { readMigrationToApprove } from "../migrate/read-migration-status.ts";
import { noteAttempt } from "../people/attempts.ts";
import { factsFor } from "../people/standing.ts";
import { clickAnswer } from "./decision-answers.ts";

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
    if (isMigrationId(id)) return readMigrationToApprove(context, user, id);
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
