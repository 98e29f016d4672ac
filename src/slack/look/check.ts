import { answersFor } from "../../access/policy/may-see.ts";
import { checkReport } from "../../diagnosis/check-report.ts";
import type { Command } from "../app/command.ts";
import { personShown } from "../people/standing.ts";
import { aboutCluster, askWorker } from "./ask-worker.ts";
import { checkAnswer } from "./check-answer.ts";
import { notFoundOutAnswer, noWorkerAnswer } from "./why-answer.ts";

export const check: Command = {
  word: "check",
  usage: "<cluster>",
  summary: "shows what decides who gets in, what is wrong with it, where, and how to mend it",
  run: (context, { user, rest }) =>
    aboutCluster(context, { user, name: rest }, async (cluster) => {
      const answers = answersFor(cluster, await personShown(context, user));
      const question = { type: "check", cluster: cluster.name, user, answers } as const;
      const report = await askWorker(context, question, checkReport);
      if (!report) return noWorkerAnswer();
      return report.type === "failed" ? notFoundOutAnswer(cluster, report.message) : checkAnswer(cluster, report);
    }),
};
