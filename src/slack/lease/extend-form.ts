import type { ModalView, MrkdwnOption } from "@slack/types";
import { formatDuration } from "../../access/request/duration.ts";
import { type ExtensionChoice, extensionChoices, readExtension } from "../../access/request/extension.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { answerSubmission, type Submission } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import { answer } from "../ask/answers.ts";
import { text } from "../ask/fields.ts";
import type { Message } from "../blocks/message.ts";
import { messageModal } from "../blocks/modals.ts";
import { code, context as contextBlock, section, shortTime, time, told } from "../blocks/mrkdwn.ts";
import { extendLease, readExtendable } from "./extend-lease.ts";

/** The form that asks how much longer. `private_metadata` is the request's id. */
export const extendModalId = "extend";

/** What is chosen when the form opens, where it is offered. */
const usualSeconds = 3600;

/** The form for a lease, or why there is none. */
export async function extendForm(
  context: SlackContext,
  user: string,
  id: string,
): Promise<
  { readonly type: "form"; readonly view: ModalView } | { readonly type: "refused"; readonly message: Message }
> {
  const found = await readExtendable(context, user, id);
  if (found.type === "refused") return found;
  const now = context.now();
  const choices = extensionChoices(found.request, found.level, now);
  if (choices.length > 0) return { type: "form", view: extendModal(found.request, choices) };
  const reading = readExtension(found.request, found.level, Number.POSITIVE_INFINITY, now);
  const message = reading.type === "refused" ? reading.message : "";
  return { type: "refused", message: answer(`:warning: ${told(message)}`) };
}

/** The same for a click, which a message over the page answers as well. */
export async function extendView(context: SlackContext, user: string, id: string): Promise<ModalView> {
  const form = await extendForm(context, user, id);
  return form.type === "form" ? form.view : messageModal("Extend access", form.message);
}

function extendModal(request: AccessRequest, choices: readonly ExtensionChoice[]): ModalView {
  const { id, level, cluster, lease } = request;
  const options = choices.map(optionOf);
  const usual = options[choices.findLastIndex(({ bySeconds }) => bySeconds <= usualSeconds)];
  return {
    type: "modal",
    callback_id: extendModalId,
    private_metadata: id,
    title: text("Extend access"),
    submit: text("Ask"),
    close: text("Cancel"),
    blocks: [
      section(`${code(level)} on ${code(cluster)} (${code(id)}) ends ${time(lease?.endsAt ?? "")}.`),
      {
        type: "input",
        block_id: "until",
        label: text("How much longer"),
        element: { type: "radio_buttons", action_id: "value", options, ...(usual && { initial_option: usual }) },
      },
      contextBlock("The approvers see this end. A late approval does not move it."),
    ],
  };
}

/** The value is the end that is shown: it is what the request asks for, whenever the form is sent. */
function optionOf({ bySeconds, until }: ExtensionChoice): MrkdwnOption {
  const words = `${formatDuration(bySeconds)} more, until ${shortTime(until)}`;
  return { text: { type: "mrkdwn", text: words, verbatim: true }, value: until };
}

/** The form is sent: a request of its own is made. */
export function handleExtendSubmission(context: SlackContext, submission: Submission): Promise<void> {
  const { body, view } = submission;
  const until = Date.parse(view.state.values.until?.value?.selected_option?.value ?? "");
  return answerSubmission(context, submission, "Extend access", () =>
    extendLease(context, body.user.id, view.private_metadata, ({ lease }) => secondsBetween(lease?.endsAt, until)),
  );
}

/** Null: one of the times can't be read, or it is not later. */
function secondsBetween(from: string | undefined, until: number): number | null {
  const seconds = (until - Date.parse(from ?? "")) / 1000;
  return seconds > 0 ? seconds : null;
}
