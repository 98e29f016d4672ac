import { AsyncLocalStorage } from "node:async_hooks";
import type { AllMiddlewareArgs } from "@slack/bolt";
import { z } from "zod";
import type { Ledger } from "../ledger/ledger.ts";

/** From where in Slack somebody acted: a message with its channel and time stamp, a command, or a form. */
export interface SlackOrigin {
  readonly [key: string]: string;
}

const origins = new AsyncLocalStorage<SlackOrigin>();

const id = z.string().max(100);
const origin = z.union([
  z.object({ container: z.object({ channel_id: id, message_ts: id }) }).transform(({ container }) => ({
    channel: container.channel_id,
    message: container.message_ts,
  })),
  z.object({ command: id, channel_id: id }).transform(({ command, channel_id: channel }) => ({ channel, command })),
  z.object({ view: z.object({ callback_id: id }) }).transform(({ view }) => ({ form: view.callback_id })),
]);

/** Remembers for everything that a handler does from where it was asked to. */
export async function rememberOrigin({ body, next }: AllMiddlewareArgs & { body: object }): Promise<void> {
  const read = origin.safeParse(body);
  if (read.success) await origins.run(read.data, next);
  else await next();
}

/** The ledger whose events tell in `slack` from where in Slack the change came. */
export function tellOrigin(ledger: Ledger): Ledger {
  return {
    ...ledger,
    commit: ({ after, event }) => {
      const slack = origins.getStore();
      return ledger.commit({ after, event: slack ? { ...event, detail: { ...event.detail, slack } } : event });
    },
  };
}
