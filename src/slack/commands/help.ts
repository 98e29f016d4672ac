import { approvesFor } from "../../policy/may-see.ts";
import type { SlackContext } from "../context.ts";
import { helpAnswer, type Role } from "../messages/help-answer.ts";
import type { Command } from "./command.ts";

export const help: Command = {
  word: "help",
  usage: "",
  summary: "shows this",
  run: async (context, { user, commands }) => helpAnswer(commands, roleOf(context, user)),
};

/** From the configuration alone: the help comes whatever Redis does. */
function roleOf({ config }: SlackContext, user: string): Role {
  const clusters = [...config.clusters.values()];
  return {
    approves: clusters.filter((cluster) => approvesFor(cluster, user)).map(({ name }) => name),
    onCall: clusters.filter(({ onCall }) => onCall.includes(user)).map(({ name }) => name),
  };
}
