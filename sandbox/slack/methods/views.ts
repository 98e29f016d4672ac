import type { JsonObject } from "../../json.ts";
import { findView, makeView, pushView, replaceView, viewJson } from "../open-views.ts";
import type { SandboxView } from "../shapes.ts";
import { personWith, type SlackState } from "../state.ts";
import { jsonArgument, type Methods, neededText, SlackRefusal, textArgument } from "./method.ts";

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
  pushView(state, user, view);
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
