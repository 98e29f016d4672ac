import type { Command } from "../app/command.ts";
import { cancelRequest } from "./end-access.ts";

export const cancel: Command = {
  word: "cancel",
  usage: "<id>",
  summary: "takes your request back",
  records: true,
  run: (context, { user, rest }) => cancelRequest(context, user, rest),
};
