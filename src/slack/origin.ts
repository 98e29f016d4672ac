import { z } from "zod";
import type { Ledger } from "../ledger/ledger.ts";

/** From where in Slack somebody acted: a message with its channel and time stamp, a command, or a form. */
export interface SlackOrigin {
  readonly [key: string]: string;
}

const id = z.string().max(100);
const origin = z.union([
  z.object({ container: z.object({ channel_id: id, message_ts: id }) }).transform(({ container }) => ({
    channel: container.channel_id,
    message: container.message_ts,
  })),
  z.object({ command: id, channel_id: id }).transform(({ command, channel_id: channel }) => ({ channel, command })),
  z.object({ view: z.object({ callback_id: id }) }).transform(({ view }) => ({ form: view.callback_id })),
]);

/** The ledger for what this request of Slack asks for: its events tell in `slack` from where in Slack it came. */
export function ledgerFor(ledger: Ledger, body: object): Ledger {
  const slack: SlackOrigin | undefined = origin.safeParse(body).data;
  if (!slack) return ledger;
  return {
    ...ledger,
    commit: ({ after, event }) => ledger.commit({ after, event: { ...event, detail: { ...event.detail, slack } } }),
  };
}
