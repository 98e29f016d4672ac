import { checkReport } from "../../jobs/questions/check-report.ts";
import { absentAnswer, checkAnswer } from "../messages/check-answer.ts";
import { notFoundOutAnswer, noWorkerAnswer } from "../messages/why-answer.ts";
import { aboutCluster, askWorker } from "./ask-worker.ts";
import type { Command } from "./command.ts";

/** In milliseconds. */
const checkWaitMs = 60_000;

export const check: Command = {
  word: "check",
  usage: "<cluster>",
  summary: "shows what is wrong with the live aws-auth, where, and how to mend it",
  run: (context, { user, rest }) =>
    aboutCluster(context, { user, name: rest }, async (cluster) => {
      const question = { type: "check", cluster: cluster.name, user } as const;
      const report = await askWorker(context, question, checkReport, checkWaitMs);
      if (!report) return noWorkerAnswer();
      if (report.type === "failed") return notFoundOutAnswer(cluster, report.message);
      return report.type === "absent" ? absentAnswer(cluster) : checkAnswer(cluster, report);
    }),
};
