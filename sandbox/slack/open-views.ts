import { randomBytes } from "node:crypto";
import { type JsonObject, textAt } from "../json.ts";
import { problemsOfView } from "./block-limits.ts";
import { inputsOf } from "./inputs.ts";
import { storedBlocks } from "./message-content.ts";
import { refusedFor, SlackRefusal } from "./methods/method.ts";
import type { SandboxView } from "./shapes.ts";
import { newId, type SlackState } from "./state.ts";

/** The deepest stack of modals that Slack shows. */
const deepestStack = 3;

/** Checks a view that the app gives and makes it Slack's. A view that takes another's place keeps its id and its inputs. */
export function makeView(state: SlackState, given: unknown, before?: SandboxView): SandboxView {
  const problems = problemsOfView(given);
  if (problems.length > 0) throw refusedFor("invalid_arguments", problems);
  const view = given as JsonObject;
  const blocks = storedBlocks(view.blocks);
  const id = before?.id ?? newId("V");
  const hash = `${Math.floor(state.now().getTime() / 1000)}.${randomBytes(4).toString("hex")}`;
  return {
    id,
    hash,
    type: view.type === "home" ? "home" : "modal",
    title: textAt(view.title, "text") ?? "",
    callback_id: textAt(view, "callback_id") ?? "",
    private_metadata: textAt(view, "private_metadata") ?? "",
    blocks,
    json: view,
    inputs: inputsOf(blocks, before?.inputs),
    errors: {},
    updates: before ? before.updates + 1 : 0,
  };
}

/** Puts a modal on top of a person's stack. */
export function pushView(state: SlackState, user: string, view: SandboxView): void {
  const stack = state.views.get(user) ?? [];
  if (stack.length >= deepestStack) throw new SlackRefusal("push_limit_reached");
  state.views.set(user, [...stack, view]);
  state.changed();
}

/** Puts a changed view in the place of the one with its id. */
export function replaceView(state: SlackState, view: SandboxView): void {
  for (const [user, stack] of state.views) {
    state.views.set(
      user,
      stack.map((open) => (open.id === view.id ? view : open)),
    );
  }
  for (const [user, home] of state.homes) if (home.id === view.id) state.homes.set(user, view);
  state.changed();
}

/** Takes the top of a person's stack away, or the whole stack. */
export function closeViews(state: SlackState, user: string, all: boolean): void {
  state.views.set(user, all ? [] : (state.views.get(user) ?? []).slice(0, -1));
  state.changed();
}

export function findView(state: SlackState, id: string | undefined): SandboxView | undefined {
  return [...state.views.values(), [...state.homes.values()]].flat().find((view) => view.id === id);
}

/** A view as the Web API and the payloads give it. */
export function viewJson(state: SlackState, view: SandboxView): JsonObject {
  const { identity } = state;
  return {
    ...view.json,
    id: view.id,
    team_id: identity.teamId,
    app_id: identity.appId,
    bot_id: identity.botId,
    blocks: view.blocks,
    private_metadata: view.private_metadata,
    callback_id: view.callback_id,
    hash: view.hash,
    root_view_id: view.id,
    previous_view_id: null,
    state: { values: view.inputs },
  };
}
