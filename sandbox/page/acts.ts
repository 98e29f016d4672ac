import {
  type CommandAnswer,
  elementsOf,
  type InputValue,
  type SandboxMessage,
  type SandboxView,
  type SlackBlock,
} from "../slack/inputs.ts";
import type { Filling, SandboxPerson } from "../slack/person.ts";
import { fieldName } from "./blocks/controls.ts";
import { direct } from "./conversation.ts";
import { conversationIn, type LivePage, watchOf } from "./live/live-page.ts";

export type Notice = string | undefined;

type Act = (livePage: LivePage, form: URLSearchParams) => Promise<Notice>;

/** Each act on the page, by the last part of its address: `/act/click`. */
export const acts: Readonly<Record<string, Act>> = {
  command,
  click: async (livePage, form) => {
    const place = { blockId: needed(form, "block"), actionId: needed(form, "action") };
    return failureOf(await personOf(livePage, form).click(shownTo(livePage, form), place));
  },
  choose: async (livePage, form) => {
    const place = { blockId: needed(form, "block"), actionId: needed(form, "action") };
    const value = valueFor(form.get("value"));
    return failureOf(await personOf(livePage, form).choose(shownTo(livePage, form), place, value));
  },
  fill: async (livePage, form) => {
    personOf(livePage, form).fill(inputsIn(form, openView(livePage, form).blocks));
    return undefined;
  },
  submit: async (livePage, form) => {
    const values = inputsIn(form, openView(livePage, form).blocks);
    return failureOf(await personOf(livePage, form).submit(values));
  },
  close: async (livePage, form) => {
    openView(livePage, form);
    personOf(livePage, form).close();
    return undefined;
  },
  home: async (livePage, form) => {
    await personOf(livePage, form).openHome();
    return undefined;
  },
  kubectl: async ({ clusters }, form) => {
    await watchOf(clusters, needed(form, "at")).kubectl.run();
    return undefined;
  },
  tour: async ({ tour, ledger, live }, form) => {
    const does = needed(form, "does");
    if (does === "open") tour.open({ sequence: ledger.events().at(-1)?.sequence ?? 0, at: Date.now() });
    if (does === "see") tour.see(needed(form, "step"));
    if (does === "leave") tour.leave();
    if (does === "finish") tour.finish();
    live.changes.announce();
    return undefined;
  },
  trouble: async ({ troubles, live }, form) => {
    const trouble = troubles.find((each) => each.state().id === form.get("trouble"));
    if (!trouble) throw new Error("There is no such trouble.");
    await (form.get("does") === "stop" ? trouble.stop() : trouble.start()).finally(live.changes.announce);
    return undefined;
  },
};

/** Slack sends the app only slash commands. */
async function command(livePage: LivePage, form: URLSearchParams): Promise<Notice> {
  const text = needed(form, "text").trim();
  if (!text.startsWith("/")) return "The bot reads commands alone: begin with /eks-access.";
  const [name = ""] = text.split(/\s/);
  if (name !== "/eks-access") return `${name} is not a valid command.`;
  const place = form.get("in") ?? direct;
  return failureOf(await personOf(livePage, form).command(text, place === direct ? undefined : place));
}

/** Slack's words for a wrong answer of the app. @see https://docs.slack.dev/interactivity/implementing-slash-commands#responding_response_failures */
function failureOf({ error }: CommandAnswer): Notice {
  if (error === undefined) return undefined;
  if (error === "operation_timeout") return "eks-access did not respond in time (operation_timeout).";
  return `eks-access did not respond as it should (${error}).`;
}

function personOf({ live }: LivePage, form: URLSearchParams): SandboxPerson {
  return live.sandbox.slack.person(needed(form, "as"));
}

function needed(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null) throw new Error(`The form lacks ${name}.`);
  return value;
}

function shownTo(livePage: LivePage, form: URLSearchParams): SandboxMessage | SandboxView {
  if (form.has("view")) return openView(livePage, form);
  const { slack } = livePage.live.sandbox;
  const [user, channel, ts] = [needed(form, "as"), needed(form, "channel"), form.get("ts")];
  const place = channel.startsWith("D") ? direct : channel;
  const message = conversationIn(slack, user, place).find((each) => each.ts === ts);
  if (!message) throw new Error("This message no longer exists.");
  return message;
}

function openView(livePage: LivePage, form: URLSearchParams): SandboxView {
  const person = personOf(livePage, form);
  const view = [person.view(), person.home()].find((each) => each?.id === form.get("view"));
  if (!view) throw new Error("This form is no longer open.");
  return view;
}

/** The inputs of a browser's form. A missing input stays: the app can have added it meanwhile. */
export function inputsIn(form: URLSearchParams, blocks: readonly SlackBlock[]): readonly Filling[] {
  return elementsOf(blocks).flatMap(({ block, blockId, actionId }) => {
    const name = fieldName(blockId, actionId);
    if (block.type !== "input" || !form.has(name)) return [];
    return [{ field: { blockId, actionId }, value: valueFor(form.get(name)) }];
  });
}

function valueFor(value: string | null): InputValue {
  return value?.replaceAll("\r\n", "\n") || null;
}
