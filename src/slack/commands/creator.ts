import { creatorReport } from "../../jobs/creator-report.ts";
import { failureAnswer } from "../messages/answers.ts";
import { creatorAnswer, noSuchClusterAnswer } from "../messages/creator-answer.ts";
import type { Command } from "./command.ts";

/** CloudTrail takes two questions a second, and may have many pages. */
const creatorWaitMs = 60_000;

export const creator: Command = {
  word: "creator",
  usage: "<cluster>",
  summary: "shows who created a cluster, and whether the worker can become it",
  run: async (context, { rest: name }) => {
    const cluster = context.config.clusters.get(name);
    if (!cluster) return noSuchClusterAnswer(name, [...context.config.clusters.keys()]);
    const answer = await context.workers.ask({ type: "creator", cluster: name }, creatorWaitMs).catch(() => null);
    const report = creatorReport.safeParse(answer);
    return report.success
      ? creatorAnswer(cluster, report.data)
      : failureAnswer("No worker answered. Check that one runs, then ask again.");
  },
};
