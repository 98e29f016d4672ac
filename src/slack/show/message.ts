import type { SlackViewMiddlewareArgs, ViewSubmitAction } from "@slack/bolt";
import type { KnownBlock, ModalView } from "@slack/types";
import { explainFailure, isLedgerFailure } from "../../access/access-error.ts";
import { isMigrationId } from "../../access/lists.ts";
import { readDecideValue, runsIn } from "./buttons.ts";
import { code, cut, escapeText, oneOf, plainText, section, styled, unformatted } from "./mrkdwn.ts";

/** A message to Slack: blocks, and the same in one line for notifications and screen readers. */
export interface Message {
  readonly text: string;
  /** A list that can change, because Slack's clients ask for one. */
  readonly blocks: KnownBlock[];
}

/** One event in the thread under the channel's message of a record. */
export interface ThreadEntry {
  /** Its name in the list of sent replies; each is sent once. */
  readonly name: string;
  readonly text: string;
}

/** An answer that only the person who acted sees. */
export function answer(said: string): Message {
  const text = cut(said, 3000);
  return { text, blocks: [section(text)] };
}

/** A message of one section that many people get, with its commands as buttons. Its `text` has all of it, without the signs that only format. */
export function announcement(...lines: readonly string[]): Message {
  const said = lines.join("\n");
  return { text: unformatted(said), blocks: [section(said), ...runsIn(said)] };
}

/** Whole lines in as few texts as possible, each shorter than `most`, except a line that alone is longer. */
export function joinedLines(lines: readonly string[], most: number, between = "\n"): readonly string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length < most) texts[texts.length - 1] = `${last}${between}${line}`;
    else texts.push(line);
  }
  return texts;
}

/** Slack takes no longer text with an update. */
const longestText = 4_000;

/** A message of many blocks. Its `text` has all their words, without the signs that only format. */
export function messageOf(blocks: KnownBlock[]): Message {
  return { text: cut(unformatted(blocks.flatMap(wordsOf).join("\n")), longestText), blocks };
}

function wordsOf(block: KnownBlock): string[] {
  if (block.type === "section")
    return [...(block.text ? [block.text] : []), ...(block.fields ?? [])].map(({ text }) => text);
  if (block.type === "context") return block.elements.flatMap((each) => ("text" in each ? [each.text] : []));
  if (block.type === "rich_text")
    return block.elements.flatMap(({ elements }) =>
      elements.map((each) => ("text" in each ? escapeText(each.text ?? "") : "")),
    );
  return [];
}

export function noSuchRequestAnswer(id: string): Message {
  return answer(
    id
      ? `There is no request ${code(id)}. Copy the id from its message.`
      : "Which request? Copy the id from its message.",
  );
}

/** When Slack stops waiting and the outcome is still open. */
export function notRecordedYetAnswer(): Message {
  return answer(":hourglass_flowing_sand: Slow: not saved yet. Check `/eks-access list` before you retry.");
}

export function clusterGoneAnswer(cluster: string): Message {
  return failureAnswer(`${cluster} is not in eks-access.yml. Ask an operator.`);
}

export function failureAnswer(sentence: string): Message {
  return answer(`:warning: ${styled(sentence, 2900)}`);
}

/** A decision that a person took with a reason. */
export function deniedAnswer(id: string): Message {
  return answer(`Denied ${code(id)}. The requester reads why.`);
}

/** What a person tried and others can do. @param next what they can do instead */
export function onlyAnswer(who: string, next = ""): Message {
  return answer(`Only ${who} can do this.${next && ` ${next}`}`);
}

export function notYoursAnswer({ cluster }: { readonly cluster: string }): Message {
  return onlyAnswer(`the requester, the approvers of ${code(cluster)} and its on-call`);
}

/** @param next what everyone else can do instead */
export function onlyResponsibleAnswer(next: string): Message {
  return onlyAnswer("approvers, on-call and administrators", next);
}

/** @param others who can act */
export function oneToAsk(others: readonly string[]): string {
  return oneOf(others) || "an operator to add approvers";
}

/** A second person must look. @param what such as `request` @param others who can */
export function ownAnswer(what: string, others: string, verb = "decide about"): Message {
  return answer(`You can't ${verb} your own ${what}. Ask ${others}.`);
}

/** @param what in a card or under a button, such as `This request` */
export function goneText(what: string): string {
  return `${what} no longer exists.`;
}

/** The first post of a message, until an update has its state. */
export function newerMessageNote(name: string): string {
  return `${name}. If it does not update, look for a newer message.`;
}

/** Operators read elsewhere that Redis is down. If only its answer was lost, the change is saved. */
export function explainToPerson(error: unknown): string {
  if (!isLedgerFailure(error)) return explainFailure(error);
  return "I can't reach my records now. Try again in a minute. A change may be saved.";
}

export function failedAnswer(error: unknown): Message {
  return failureAnswer(explainToPerson(error));
}

/** Everything about a request or a migration. `private_metadata` is its id. */
export const detailsModalId = "details";
/** Messages show a reason of this length whole. */
export const maxWhyLength = 300;

export function reasonInput(label: string, placeholder: string, optional: boolean): KnownBlock {
  return {
    type: "input",
    block_id: "why",
    optional,
    label: plainText(label),
    element: {
      type: "plain_text_input",
      action_id: "value",
      multiline: true,
      max_length: maxWhyLength,
      placeholder: plainText(placeholder),
    },
  };
}

interface Form {
  readonly id: string;
  /** What its submission gets back. */
  readonly memory: string;
  readonly title: string;
  readonly submit: string;
  readonly close: string;
}

export function formModal({ id, memory, title, submit, close }: Form, blocks: ModalView["blocks"]): ModalView {
  return {
    ...{ type: "modal", callback_id: id, private_metadata: memory },
    ...{ title: plainText(title), submit: plainText(submit), close: plainText(close), blocks },
  };
}

/** A message as a modal, for places without a conversation: over a form or App Home. */
export function messageModal(title: string, { blocks }: Message): ModalView {
  return { type: "modal", title: plainText(title), close: plainText("Close"), blocks };
}

/** `notice`: the answer to the last click, on top. */
export function detailsModal(id: string, status: Message, notice: Message | null): ModalView {
  return {
    ...messageModal(isMigrationId(id) ? "Plan" : "Request", status),
    callback_id: detailsModalId,
    private_metadata: id,
    blocks: [...(notice ? [...notice.blocks, { type: "divider" as const }] : []), ...status.blocks],
  };
}

export const denyModalId = "deny";
export const revokeModalId = "revoke";

/** Asks for a reason: the requester must know the alternative. @param memory the value of the button */
export function denyModal(memory: string): ModalView {
  const title = isMigrationId(readDecideValue(memory)?.request ?? "") ? "Deny the plan" : "Deny the request";
  const why = reasonInput("Why", "The requester reads this", false);
  return formModal({ id: denyModalId, memory, title, submit: "Deny", close: "Back" }, [why]);
}

type Submission = Pick<SlackViewMiddlewareArgs<ViewSubmitAction>, "view" | "ack">;

export const sayWhy = "Say why: the requester reads it.";

/** Null: it is empty, and the form says so. */
export async function refuseEmptyReason(submission: Submission): Promise<string | null> {
  const why = whyOf(submission);
  if (why !== "") return why;
  await submission.ack({ response_action: "errors", errors: { why: sayWhy } });
  return null;
}

export function whyOf({ view }: Pick<Submission, "view">): string {
  return view.state.values.why?.value?.value?.trim() ?? "";
}
