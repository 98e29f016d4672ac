import { answersFor } from "../../policy/may-see.ts";
import { levelsFor } from "../../policy/rule.ts";
import { clustersAnswer, noClusterFitsAnswer } from "../messages/clusters-answer.ts";
import { personShown } from "../standing.ts";
import type { Command } from "./command.ts";

export const clusters: Command = {
  word: "clusters",
  usage: "[<part of a name>]",
  summary: "shows the clusters, what may be asked for there, and who decides",
  run: async (context, { user, rest }) => {
    const person = await personShown(context, user);
    const seen = [...context.config.clusters.values()].filter(
      (cluster) => levelsFor(cluster, person).length > 0 || answersFor(cluster, person),
    );
    const part = rest.toLowerCase();
    const found = seen.filter(({ name }) => name.includes(part));
    const names = seen.map(({ name }) => name);
    return found.length > 0 ? clustersAnswer(found, person, context.now()) : noClusterFitsAnswer(rest, names);
  },
};
