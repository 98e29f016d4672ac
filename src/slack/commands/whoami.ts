import { whoAmIAnswer } from "../messages/answers.ts";
import type { Command } from "./command.ts";

/** How long somebody waits for the answer of a worker, in milliseconds. */
const answerWaitMs = 8_000;

export const whoami: Command = {
  word: "whoami",
  usage: "",
  summary: "shows who you are, who the bot is, and what you have",
  run: async (context, { user }) => {
    const workerAnswered = await context.workers.ask({ type: "identity" }, answerWaitMs).then(
      () => true,
      () => false,
    );
    const [principal, requests, worker] = await Promise.all([
      context.ledger.principalOf(user),
      context.ledger.ofRequester(user, 50),
      context.ledger.workerIdentity(),
    ]);
    return whoAmIAnswer({ user, principal, requests, worker, workerAnswered });
  },
};
