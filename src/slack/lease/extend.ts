import { parseDuration } from "../../access/request/duration.ts";
import type { Command, CommandCall } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { formFailure } from "../app/slack-failure.ts";
import type { Message } from "../blocks/message.ts";
import { extendForm } from "./extend-form.ts";
import { extendLease } from "./extend-lease.ts";

export const extend: Command = {
  word: "extend",
  usage: "<id> [for 1h]",
  summary: "asks to extend what you have; alone it opens a form",
  records: true,
  run: (context, call) => {
    const [id = "", ...by] = call.rest.split(/\s+/).filter((word) => word.toLowerCase() !== "for");
    if (by.length === 0) return openForm(context, call, id);
    return extendLease(context, call.user, id, () => parseDuration(by.join(" ")));
  },
};

async function openForm(context: SlackContext, call: CommandCall, id: string): Promise<Message | null> {
  const form = await extendForm(context, call.user, id);
  if (form.type === "refused") return form.message;
  await call.client.views.open({ trigger_id: call.triggerId, view: form.view }).catch((error: unknown) => {
    throw formFailure(error);
  });
  return null;
}
