import { type Command, idAndRest } from "../app/command.ts";
import { reviewEmergency } from "./review-emergency.ts";

export const reviewed: Command = {
  word: "reviewed",
  usage: "<id>",
  summary: "says that you have looked at access that was given without an approval",
  forApprovers: true,
  records: true,
  run: (context, { user, rest }) => reviewEmergency(context, user, idAndRest(rest)[0]),
};
