import type { ModalView, WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import { isMigrationId, type LedgerRecord } from "../../access/lists.ts";
import { recordWith } from "../../ledger/look-ups.ts";
import { wake } from "../../ledger/queues.ts";
import type { MessageRef } from "../../ledger/stored.ts";
import { inTimeOr, withinTime } from "../../operations/deadlines.ts";
import { copyFor } from "../decide/approval-message.ts";
import { readDetails } from "../look/status.ts";
import { detailsAction, detailsButton, readDecideValue } from "../show/buttons.ts";
import { cardOf, lostText, withoutButtons } from "../show/lost-cards.ts";
import {
  answer,
  detailsModal,
  detailsModalId,
  failedAnswer,
  type Message,
  messageModal,
  notRecordedYetAnswer,
  refuseEmptyReason,
} from "../show/message.ts";
import { code, section } from "../show/mrkdwn.ts";
import { placeOfClick } from "../show/shown-messages.ts";
import type { CommandCall, SlackContext } from "./context.ts";
import type { ButtonClick, Submission } from "./payload.ts";
import { personFor } from "./request-people.ts";
import { formFailure } from "./web-client.ts";

const notYet = { type: "not-yet" } as const;

/** What each button does, by its action, and each form by its id: a use case has its own beside its commands. */
export type Buttons = Readonly<Record<string, (context: SlackContext, click: ButtonClick) => Promise<void>>>;
export type Forms = Readonly<Record<string, (context: SlackContext, submission: Submission) => Promise<void>>>;

/** What a person does by a button or a form. @param value the button's, or the form's memory of its button's */
type Deed<T> = (context: SlackContext, user: string, value: string) => Promise<T>;

/** Carries out a click, then acknowledges it and answers in place. Null: the message itself shows the result. */
export function answers(deed: Deed<Message | null>): Buttons[string] {
  return async (context, click) => {
    const done = deed(context, click.body.user.id, click.action.value ?? "").catch((error: unknown) => {
      context.log.error({ err: error, action: click.action.action_id }, "a click failed");
      return failedAnswer(error);
    });
    await answerWhereClicked(context, click, await acknowledgeClick(context, click, done));
  };
}

/** Acknowledges a click when its work is done or has failed. @throws what `doing` rejects with */
export async function acknowledgeClick<T>(
  { log, config }: SlackContext,
  click: ButtonClick,
  doing: Promise<T>,
): Promise<T> {
  const ended = doing.then(
    () => {},
    () => {},
  );
  await acknowledgeWhenDone(ended, config.timing.deadlines.acknowledge, async ({ type }) => {
    await click.ack();
    if (type === "not-yet") void sendNotRecordedYet(log, click.client, click.body.user.id);
  });
  return doing;
}

export async function answerWhereClicked(
  context: SlackContext,
  click: ButtonClick,
  answer: Message | null,
): Promise<void> {
  const { body, client, respond } = click;
  const { view } = body;
  if (view?.callback_id === detailsModalId) return refreshDetails(context, click, view, answer);
  if (!answer) return;
  if (body.response_url) {
    return void (await respond({ response_type: "ephemeral", replace_original: false, ...answer }));
  }
  // A form opens within three seconds or not at all, but a direct message always arrives.
  const how = { trigger_id: body.trigger_id, view: messageModal("eks-access", answer) };
  const open = view?.type === "modal" ? client.views.push : client.views.open;
  const opening = context.opensTooMany(body.user.id) ? Promise.reject() : open(how);
  await opening.catch(() => client.chat.postMessage({ channel: body.user.id, ...answer }));
}

/** The open details show the result of the click; closed meanwhile, a direct message does. */
async function refreshDetails(
  context: SlackContext,
  { body, client }: ButtonClick,
  view: { readonly id: string; readonly private_metadata: string },
  answer: Message | null,
): Promise<void> {
  const id = readDecideValue(view.private_metadata)?.request ?? view.private_metadata;
  const details = await readDetails(context, body.user.id, id, answer).catch((error: unknown) =>
    detailsModal(id, failedAnswer(error), answer),
  );
  const updating = client.views.update({ view_id: view.id, view: details });
  await (answer ? updating.catch(() => client.chat.postMessage({ channel: body.user.id, ...answer })) : updating);
}

type Progress<T> = { readonly type: "done"; readonly outcome: T } | { readonly type: "not-yet" };

/**
 * Acknowledges a change when it is saved. Slack never resends a command, a click or a form, and shows its own error for
 * an unacknowledged one, so a person sees when a process dies. Slow work is acknowledged as not saved yet.
 * @param withinMs how long it may take (`acknowledge` of the deadlines)
 */
export async function acknowledgeWhenDone<T>(
  doing: Promise<T>,
  withinMs: number,
  acknowledge: (progress: Progress<T>) => Promise<unknown>,
): Promise<{ readonly outcome: T; readonly inTime: boolean }> {
  const done = doing.then((outcome) => ({ type: "done", outcome }) as const);
  const progress = await withinTime(done, withinMs, notYet);
  await acknowledge(progress);
  return { outcome: await doing, inTime: progress.type === "done" };
}

async function sendNotRecordedYet(log: Logger, client: WebClient, user: string): Promise<void> {
  await client.chat.postMessage({ channel: user, ...notRecordedYetAnswer() }).catch((error: unknown) => {
    log.warn({ err: error, user }, "could not tell a person that the answer takes longer");
  });
}

/**
 * Carries out a form, and answers in its place; null closes it. Slow work closes it too, and answers in a direct message.
 * @param began of work before this, for which Slack waits too (`performance.now()`)
 */
export function submits(
  title: string,
  deed: (context: SlackContext, user: string, value: string, view: Submission["view"]) => Promise<Message | null>,
  began = Number.POSITIVE_INFINITY,
): Forms[string] {
  return async (context, { ack, body, client, view }) => {
    const done = deed(context, body.user.id, view.private_metadata, view).catch((error: unknown) => {
      context.log.error({ err: error, form: view.callback_id }, "a form failed");
      return failedAnswer(error);
    });
    const { outcome, inTime } = await acknowledgeWhenDone(
      done,
      context.config.timing.deadlines.acknowledge - Math.max(0, performance.now() - began),
      async (progress) => {
        const shown = progress.type === "done" ? progress.outcome : null;
        const replaced = shown && ({ response_action: "update", view: messageModal(title, shown) } as const);
        await ack(replaced ?? { response_action: "clear" });
        if (progress.type === "not-yet") void sendNotRecordedYet(context.log, client, body.user.id);
      },
    );
    if (inTime || !outcome) return;
    await client.chat.postMessage({ channel: body.user.id, ...outcome });
  };
}

/** A form that needs a reason: without one it stays open, and says so. */
export function denies(
  deed: (context: SlackContext, user: string, value: string, why: string) => Promise<Message | null>,
): Forms[string] {
  return async (context, submission) => {
    const why = await refuseEmptyReason(submission);
    if (why === null) return;
    await submits("Not denied", (...[, user, value]) => deed(context, user, value, why))(context, submission);
  };
}

/** Null: it opens. Otherwise why it does not. @throws AccessError if Slack does not open it */
export async function openOnCommand(
  { opensTooMany }: Pick<SlackContext, "opensTooMany">,
  { client, triggerId, user }: CommandCall,
  make: () => Promise<ModalView | Message>,
): Promise<Message | null> {
  if (opensTooMany(user)) return tooManyFormsAnswer();
  const view = await make();
  if ("text" in view) return view;
  await client.views.open({ trigger_id: triggerId, view }).catch((error: unknown) => {
    throw formFailure(error);
  });
  return null;
}

/** Slack opens a form within three seconds or not at all, and waits as long for its answer: what is late is left out. In milliseconds. */
export const formMs = { opens: 1_200, answers: 1_500 } as const;

/** The form, or why this person can't send it. @param looking a text: they can, and it says what the form is about */
export async function formUnless(looking: Promise<Message | string>, form: ModalView): Promise<ModalView> {
  const found = await inTimeOr(looking, formMs.opens, "");
  if (typeof found !== "string") return messageModal(form.title.text, found);
  return found ? { ...form, blocks: [section(found), ...form.blocks] } : form;
}

function tooManyFormsAnswer(): Message {
  return answer(":hourglass: Too many forms. Try again in a minute.");
}

/** @param title over a message in place of the form @param isLimited false: nothing keeps a person from it */
export function opens(
  make: (...deed: [...Parameters<Deed<ModalView>>, click: ButtonClick]) => Promise<ModalView | Message>,
  title = "eks-access",
  isLimited = true,
): Buttons[string] {
  return async (context, click) => {
    await click.ack();
    const { action, body, client } = click;
    try {
      if (isLimited && context.opensTooMany(body.user.id)) {
        return await answerWhereClicked(context, click, tooManyFormsAnswer());
      }
      const made = await make(context, body.user.id, action.value ?? "", click);
      const how = { trigger_id: body.trigger_id, view: "text" in made ? messageModal(title, made) : made };
      const opening = body.view?.type === "modal" ? client.views.push(how) : client.views.open(how);
      await opening.catch((error: unknown) => {
        throw formFailure(error);
      });
    } catch (error) {
      context.log.error({ err: error, action: action.action_id }, "could not open a form");
      await answerWhereClicked(context, click, failedAnswer(error));
    }
  };
}

export const detailsButtons: Buttons = {
  [detailsAction]: opens((context, user, id) => readDetails(context, user, id, null)),
};

/** After a click: no button stays whose record or cluster is gone, that no update reaches, or that a newer message replaced. */
export async function settleClicked(context: SlackContext, click: ButtonClick): Promise<void> {
  const { ledger, config, queues, log } = context;
  const { action, body } = click;
  const id = recordOf(action.value ?? "");
  if (id === null) return;
  try {
    if (body.view?.type === "home") return await wake(queues, { type: "show-home", user: body.user.id });
    const record = await recordWith(ledger, id);
    const settled = record ? await newestOf(context, record, body) : await lostText(context, id, body);
    if (settled) return void (await click.respond({ replace_original: true, ...settled }));
    if (record && !config.clusters.has(record.cluster)) await wake(queues, { type: "show", record: id });
  } catch (error) {
    log.warn({ request: id, err: error }, "could not take the buttons off a message");
  }
}

/** The clicked message as it must be, if no update makes it so; null: one does, or it is not known yet. */
async function newestOf(context: SlackContext, record: LedgerRecord, body: ButtonClick["body"]) {
  const { ledger, config } = context;
  const [shown, outdatedIn] = await Promise.all([ledger.shown(record.id), ledger.outdatedIn(record.id)]);
  const clicked = placeOfClick(body);
  if (!shown || !clicked) return null;
  const { message, copies, direct, asker } = shown;
  const isClicked = (place: MessageRef | null = null) => place?.ts === clicked.ts && place.channel === clicked.channel;
  const isCopy = copies.some(isClicked);
  if (isCopy || (outdatedIn !== null && isClicked(message))) {
    const cluster = config.clusters.get(record.cluster);
    const card = await cardOf(context, record);
    return isCopy ? copyFor(card, record, cluster, await personFor(context, cluster, body.user.id)) : card;
  }
  if ([message, direct, asker?.direct].some(isClicked)) return null;
  const note = `This no longer updates. Details shows ${code(record.id)} as it is.`;
  return withoutButtons(body, note, detailsButton(record));
}

/** The record of a button, by its value; null: it is of none. */
function recordOf(value: string): string | null {
  const isId = /^r-[a-z0-9]{1,40}$/.test(value) || isMigrationId(value);
  return readDecideValue(value)?.request ?? (isId ? value : null);
}
