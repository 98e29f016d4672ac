import { reviewGlass } from "../handlers/review-glass.ts";
import { type Command, idAndRest } from "./command.ts";

export const reviewed: Command = {
  word: "reviewed",
  usage: "<id>",
  summary: "says that you have looked at access that was given without an approval",
  forApprovers: true,
  records: true,
  run: (context, { user, rest }) => reviewGlass(context, user, idAndRest(rest)[0]),
};
