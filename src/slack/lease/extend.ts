import type { Command } from "../app/command.ts";
import { extendGrant } from "./extend-form.ts";

export const extend: Command = {
  word: "extend",
  usage: "<id> <for>",
  summary: "asks to extend what you have",
  records: true,
  run: (context, { user, rest }) => {
    const [id = "", ...by] = rest.split(" ").filter((word) => word !== "for");
    return extendGrant(context, user, id, by.join("") || undefined);
  },
};
