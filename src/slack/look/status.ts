import { type Command, idAndRest } from "../app/command.ts";
import { readStatus } from "./read-status.ts";

export const status: Command = {
  word: "status",
  usage: "<id>",
  summary: "shows one request or migration: how it stands, the change, the proof, what happened",
  run: (context, { user, rest }) => readStatus(context, user, idAndRest(rest)[0]),
};
