import { randomBytes } from "node:crypto";
import { type JsonObject, textAt } from "../json.ts";
import { problemsOfView } from "./block-limits.ts";
import { inputsOf, type SandboxView } from "./inputs.ts";
import { storedBlocks } from "./message-content.ts";
import { jsonArgument, type Methods, neededText, refusedFor, SlackRefusal, textArgument } from "./method.ts";
import { newId, personWith, type SlackState } from "./state.ts";

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

export function replaceView(state: SlackState, view: SandboxView): void {
  for (const [user, stack] of state.views) {
    const replaced = stack.map((open) => (open.id === view.id ? view : open));
    state.views.set(user, replaced);
  }
  state.changed();
}

export function closeViews(state: SlackState, user: string, all: boolean): void {
  state.views.set(user, all ? [] : (state.views.get(user) ?? []).slice(0, -1));
  state.changed();
}

function findView(state: SlackState, id: string | undefined): SandboxView | undefined {
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

/** @see https://docs.slack.dev/reference/methods/views.open and its neighbours */
export const viewMethods: Methods = {
  "views.open": { limit: "tier 4", answer: open },
  "views.push": { limit: "tier 4", answer: open },
  "views.update": { limit: "tier 4", answer: update },
  "views.publish": { limit: "tier 4", answer: publish },
};

function open(state: SlackState, args: JsonObject): JsonObject {
  const view = makeView(state, viewArgument(args));
  const user = exchangeTrigger(state, neededText(args, "trigger_id"));
  const stack = state.views.get(user) ?? [];
  if (stack.length >= deepestStack) throw new SlackRefusal("push_limit_reached");
  state.views.set(user, [...stack, view]);
  state.changed();
  return { view: viewJson(state, view) };
}

/** A trigger works once, within three seconds of the person's action. */
function exchangeTrigger(state: SlackState, id: string): string {
  const trigger = state.triggers.get(id);
  if (trigger === undefined) throw new SlackRefusal("invalid_trigger_id");
  if (trigger.used) throw new SlackRefusal("exchanged_trigger_id");
  if (state.now() > trigger.expires) throw new SlackRefusal("expired_trigger_id");
  trigger.used = true;
  return trigger.user;
}

function update(state: SlackState, args: JsonObject): JsonObject {
  const old = findView(state, textArgument(args, "view_id"));
  if (old === undefined) throw new SlackRefusal("not_found");
  refuseOldHash(old, args);
  const view = makeView(state, viewArgument(args), old);
  replaceView(state, view);
  return { view: viewJson(state, view) };
}

function publish(state: SlackState, args: JsonObject): JsonObject {
  const user = personWith(state, neededText(args, "user_id"))?.id;
  if (user === undefined) throw new SlackRefusal("user_not_found");
  const old = state.homes.get(user);
  if (old) refuseOldHash(old, args);
  const view = makeView(state, viewArgument(args), old);
  state.homes.set(user, view);
  state.changed();
  return { view: viewJson(state, view) };
}

function refuseOldHash(view: SandboxView, args: JsonObject): void {
  const hash = textArgument(args, "hash");
  if (hash !== undefined && hash !== view.hash) throw new SlackRefusal("hash_conflict");
}

function viewArgument(args: JsonObject): unknown {
  return jsonArgument(args, "view", "invalid_arguments");
}
