import { creatorReport } from "../../diagnosis/creator-report.ts";
import type { Command } from "../app/command.ts";
import { aboutCluster, askWorker } from "./ask-worker.ts";
import { creatorAnswer } from "./creator-answer.ts";
import { noWorkerAnswer } from "./why-answer.ts";

export const creator: Command = {
  word: "creator",
  usage: "<cluster>",
  summary: "shows who created a cluster, and whether the worker can become it",
  run: (context, { user, rest }) =>
    aboutCluster(context, { user, name: rest }, async (cluster) => {
      const question = { type: "creator", cluster: cluster.name } as const;
      const report = await askWorker(context, question, creatorReport);
      return report ? creatorAnswer(cluster, report) : noWorkerAnswer();
    }),
};
