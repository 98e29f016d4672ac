import { randomBytes } from "node:crypto";
import { type JsonObject, textAt } from "../json.ts";
import { problemsOfView } from "./block-limits.ts";
import { inputsOf } from "./inputs.ts";
import { storedBlocks } from "./message-content.ts";
import { refusedFor, SlackRefusal } from "./methods/method.ts";
import type { SandboxView } from "./shapes.ts";
import { newId, type SlackState } from "./state.ts";

const deepestStack = 3;

/** Checks the app's view and stores it. A view that replaces another view keeps its id and its inputs. */
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

export function pushView(state: SlackState, user: string, view: SandboxView): void {
  const stack = state.views.get(user) ?? [];
  if (stack.length >= deepestStack) throw new SlackRefusal("push_limit_reached");
  state.views.set(user, [...stack, view]);
  state.changed();
}

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

export function closeViews(state: SlackState, user: string, all: boolean): void {
  state.views.set(user, all ? [] : (state.views.get(user) ?? []).slice(0, -1));
  state.changed();
}

export function findView(state: SlackState, id: string | undefined): SandboxView | undefined {
  return [...state.views.values(), [...state.homes.values()]].flat().find((view) => view.id === id);
}

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
