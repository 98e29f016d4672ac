import { cancelRequest } from "../handlers/end-access.ts";
import type { Command } from "./command.ts";

export const cancel: Command = {
  word: "cancel",
  usage: "<id>",
  summary: "takes your request back",
  records: true,
  run: (context, { user, rest }) => cancelRequest(context, user, rest),
};
