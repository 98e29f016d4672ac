import { type Command, idAndRest } from "../app/command.ts";
import { revokeLease } from "./end-access.ts";

export const revoke: Command = {
  word: "revoke",
  usage: "<id> [why]",
  summary: "takes access away before its end",
  records: true,
  run: (context, { user, rest }) => {
    const [id, why] = idAndRest(rest);
    return revokeLease(context, user, id, why);
  },
};
