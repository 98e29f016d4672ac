import type { Button, KnownBlock } from "@slack/types";
import { z } from "zod";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import { isMigrationOver, type Migration } from "../../access/migration.ts";
import { peopleOf } from "../../access/record.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { lastOfAccess, recordWith } from "../../ledger/look-ups.ts";
import { wake } from "../../ledger/queues.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import type { SlackContext } from "../app/context.ts";
import { approvalMessage } from "../decide/approval-message.ts";
import { migrationMessage } from "../migrate/migration-card.ts";
import { detailsButton } from "./buttons.ts";
import { goneText, type Message } from "./message.ts";
import { actions, code, context as contextBlock, section, unformatted } from "./mrkdwn.ts";
import { type MessengerContext, updateDirectMessage, updateInChannel } from "./show-in-channel.ts";
import { isSame, type KnownCard } from "./shown-messages.ts";
import { subjectFor, whatFor } from "./words.ts";

const oneReplyForMs = 24 * 3_600_000;

/** The card of a record as it must be now. */
export async function cardOf(
  { ledger, config }: Pick<SlackContext, "ledger" | "config">,
  record: LedgerRecord,
): Promise<Message> {
  const cluster = config.clusters.get(record.cluster);
  if (isMigration(record)) return migrationMessage(record, !cluster);
  return approvalMessage(record, cluster, null, await lastOfAccess(ledger, record));
}

/** Slack sends the whole message with a click, but not one that only the person sees. */
const clickedForm = z.object({
  message: z.object({
    text: z.string(),
    blocks: z.array(
      z.looseObject({
        type: z.string(),
        elements: z.array(z.looseObject({ action_id: z.string().optional() })).optional(),
      }),
    ),
  }),
});

/** A note takes their place. Null: only one person sees it, or it has none. @param details the button that stays */
export function withoutButtons(body: object, note: string, details: Button | null = null): Message | null {
  const clicked = clickedForm.safeParse(body).data?.message;
  const isButton = (block: { readonly type: string }) => block.type === "actions";
  const others = clicked?.blocks.filter(isButton).flatMap(({ elements = [] }) => elements) ?? [];
  if (!clicked || (details && others.every(({ action_id: action }) => action === details.action_id))) return null;
  const text = `:warning: ${note}`;
  // They are ours, as Slack keeps them.
  const blocks = clicked.blocks.filter((block) => !isButton(block)) as unknown as KnownBlock[];
  return {
    text: `${clicked.text}\n${text}`,
    blocks: [...blocks, contextBlock(text), ...(details ? [actions("details", [details])] : [])],
  };
}

/** Only a record that is not closed has it: a closed one leaves Redis in its time, and its card stays true. */
const openTitle = /^:(?:hourglass_flowing_sand|white_check_mark): /;

/** As on any card, the title says the state. Nothing that the card waited for is left. */
function titledLost({ text, blocks }: Message): Message {
  const [card, ...others] = blocks;
  const shown = card?.type === "section" ? (card.text?.text ?? "") : "";
  if (!openTitle.test(shown)) return { text, blocks };
  const [title = "", ...lines] = shown.replace(openTitle, "").replaceAll("*", "").split("\n");
  const left = [`:warning: *Lost*: ${title}`, ...lines.filter((line) => line.startsWith(">"))].join("\n");
  const note = others.filter(({ type }) => type === "context").slice(-1);
  const buttons = others.filter(({ type }) => type === "actions");
  return { text: `${unformatted(left)}\n${text.split("\n").at(-1)}`, blocks: [section(left), ...note, ...buttons] };
}

/** @param body with the message of a record that Redis lost; null: it may still have it */
export async function lostText(
  { ledger }: { readonly ledger: Ledger },
  id: string,
  body: object,
): Promise<Message | null> {
  if (await ledger.whyUnreadable(id)) return null;
  const hasHistory = (await ledger.eventsOf(id, 1)).length > 0;
  const settled = withoutButtons(body, goneText(code(id)), hasHistory ? detailsButton({ id }) : null);
  return settled && titledLost(settled);
}

const lookEveryMs = 60_000;

export function startShowingLost({
  configuration,
  ...given
}: Omit<MessengerContext, "config"> & { readonly configuration: () => Config }): Ticking {
  return startTicking(lookEveryMs, () =>
    showLost({ ...given, config: configuration() }).catch((error: unknown) => {
      given.log.warn({ err: error }, "could not look for requests that Redis lost");
    }),
  );
}

/** Takes the buttons off what went on and Redis lost, and gives them back if a backup brings it. @throws AccessError */
export async function showLost(context: MessengerContext): Promise<void> {
  const { known } = context.updates;
  const open = [...known].filter(([, { record }]) => goesOn(record));
  const found = await Promise.all(open.map(([id]) => recordWith(context.ledger, id)));
  for (const [index, [id, card]] of open.entries()) {
    const now = found[index];
    const record = now && isSame(card.record, now) ? now : null;
    // A messenger can have shown this record meanwhile.
    if (known.get(id) !== card) continue;
    if (!record && !card.isLost) {
      await settleLost(context, card);
      known.set(id, { ...card, isLost: true });
    } else if (record) {
      if (card.isLost) await showAgain(context, id);
      // Another process can have shown it meanwhile.
      known.set(id, { ...card, record, isLost: false });
    }
  }
}

/** Whether only Redis has what comes next. A cluster remembers its leases. */
function goesOn(record: LedgerRecord): boolean {
  return isMigration(record)
    ? !isMigrationOver(record)
    : record.state === "pending" || record.lease?.state === "scheduled";
}

/** Redis lost a migration, and the next one of the cluster got its number. @throws AccessError */
export async function settleReplaced(context: MessengerContext, { id, createdAt }: Migration): Promise<void> {
  const card = context.updates.known.get(id);
  if (!card || card.record.createdAt === createdAt) return;
  if (goesOn(card.record) && !card.isLost) await settleLost(context, card);
}

async function settleLost(context: MessengerContext, { record, shown }: KnownCard): Promise<void> {
  const { id, version } = record;
  const message = await lostText(context, id, { message: await cardOf(context, record) });
  if (!message) return;
  const places = [...(shown.message ? [shown.message] : []), ...shown.copies];
  for (const place of places) await updateInChannel(context, { record, message }, place);
  if (isMigration(record)) return;
  // Another process can have shown it too.
  const isFirst = await context.ledger.takeTurn(`lost-${id}`, oneReplyForMs);
  const buttons = message.blocks.filter(({ type }) => type === "actions");
  for (const user of peopleOf(record)) {
    const theirs = user === record.requester ? shown : shown.asker;
    if (!theirs?.direct) continue;
    const text = `:warning: ${subjectFor(user, record)} ${lostClause}`;
    const ping = isFirst && { ping: `${whatFor(user, record)} ${lostClause}` };
    const settled = { name: "lost", message: { text, blocks: [section(text), ...buttons] }, ...ping };
    await updateDirectMessage(context, user, version, settled, theirs, async () => {});
  }
}
const lostClause = "has no record any more. Ask again.";

/** Changes the messages of a record, whatever the ledger says that they show. */
export async function showAgain(context: MessengerContext, record: string): Promise<void> {
  const { message, direct } = (await context.ledger.shown(record)) ?? {};
  const place = message ?? direct;
  if (place) await context.ledger.rememberOutdated(record, place.channel);
  await wake(context.queues, { type: "show", record });
}
