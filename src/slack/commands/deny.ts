import { decideRequest } from "../handlers/decision-click.ts";
import { deniedAnswer, missingReasonAnswer, noSuchRequestAnswer } from "../messages/answers.ts";
import { maxWhyLength } from "../messages/modals.ts";
import { type Command, idAndRest } from "./command.ts";

/** To say no one need not have seen the change: whatever it is, nothing is given. */
export const deny: Command = {
  word: "deny",
  usage: "<id> <why>",
  summary: "denies a request, with the reason for whoever asked",
  forApprovers: true,
  records: true,
  run: async (context, { user, rest }) => {
    const [id, why] = idAndRest(rest);
    const request = await context.ledger.get(id);
    if (!request) return noSuchRequestAnswer(id);
    if (why === "" || why.length > maxWhyLength) return missingReasonAnswer(id, why.length, maxWhyLength);
    const digest = request.preview?.digest ?? "";
    return (await decideRequest(context, id, { verdict: "denied", by: user, digest, why })) ?? deniedAnswer(id);
  },
};
