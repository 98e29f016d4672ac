import { approvesFor } from "../../access/policy/may-see.ts";
import { isNamedIn, type Person } from "../../access/policy/person.ts";
import type { Command } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { personShown } from "../people/standing.ts";
import { helpAnswer, type Role } from "./help-answer.ts";

export const help: Command = {
  word: "help",
  usage: "",
  summary: "shows this",
  run: async (context, { user, commands }) => helpAnswer(commands, roleOf(context, await personShown(context, user))),
};

/** From the configuration alone: the help comes whatever Redis does. */
function roleOf({ config }: SlackContext, person: Person): Role {
  const clusters = [...config.clusters.values()];
  return {
    approves: clusters.filter((cluster) => approvesFor(cluster, person)).map(({ name }) => name),
    onCall: clusters.filter(({ onCall }) => isNamedIn(onCall, person)).map(({ name }) => name),
  };
}
