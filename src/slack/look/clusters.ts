import { answersFor } from "../../access/policy/may-see.ts";
import { levelsFor } from "../../access/policy/rule.ts";
import type { Command } from "../app/command.ts";
import { personShown } from "../people/standing.ts";
import { clustersAnswer, noClusterFitsAnswer } from "./clusters-answer.ts";

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
