import type { Deliver } from "./delivery.ts";
import type { JsonObject } from "./json.ts";
import type { SlackState } from "./state.ts";

/** What the deeds of a person need. */
export interface PersonContext {
  state: SlackState;
  deliver: Deliver;
  /** `http://127.0.0.1:<port>` of the workspace. */
  url: () => string;
  /** Options that the app gave for menus that it fills, by action_id. */
  loaded: Map<string, readonly JsonObject[]>;
}
