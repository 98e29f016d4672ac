import type { Command } from "../app/command.ts";
import { breakGlass } from "./break-glass-form.ts";

/** For an emergency: the way around the approvers, which the whole channel sees. */
export const breakGlassCommand: Command = {
  word: "break-glass",
  usage: "<cluster> [<arn>] <reason>",
  summary: "gives access at once in an emergency, told loudly and reviewed afterwards",
  records: true,
  run: (context, { user, rest }) => breakGlass(context, user, rest),
};
