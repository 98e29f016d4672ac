import { z } from "zod";
import type { AuditEvent } from "../../access/audit/event.ts";
import type { Ledger } from "../../ledger/ledger.ts";

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

/** From where in Slack a payload comes; null: it does not say. */
export function originOf(body: object): SlackOrigin | null {
  return origin.safeParse(body).data ?? null;
}

/** The ledger for what this request of Slack asks for: its events tell in `slack` from where in Slack it came. */
export function ledgerFor(ledger: Ledger, body: object): Ledger {
  const slack = originOf(body);
  if (!slack) return ledger;
  const from = (event: AuditEvent): AuditEvent => ({ ...event, detail: { ...event.detail, slack } });
  return {
    ...ledger,
    commit: ({ after, event }) => ledger.commit({ after, event: event && from(event) }),
    migrations: {
      ...ledger.migrations,
      commit: ({ after, event }) => ledger.migrations.commit({ after, event: from(event) }),
    },
    append: (event) => ledger.append(from(event)),
    note: (event) => ledger.note(from(event)),
    changeLink: (change) => ledger.changeLink({ ...change, event: from(change.event) }),
  };
}
