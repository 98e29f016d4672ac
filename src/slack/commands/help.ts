import { helpAnswer } from "../messages/help-answer.ts";
import type { Command } from "./command.ts";

export const help: Command = {
  word: "help",
  usage: "",
  summary: "shows this",
  run: async (_context, { commands }) => helpAnswer(commands),
};
