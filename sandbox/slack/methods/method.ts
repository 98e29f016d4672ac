import type { JsonObject } from "../json.ts";
import type { rateLimits } from "../rate-limits.ts";
import type { SlackState } from "../state.ts";

/** One method of the Web API. */
export interface Method {
  /** The scope that the token needs; none for methods that any token may call. */
  scope?: string | ((state: SlackState, args: JsonObject) => string);
  limit: keyof typeof rateLimits;
  /** What is counted apart within the method: the channel, for posting. */
  countedBy?: (args: JsonObject) => string;
  /** The app-level token instead of the bot's. */
  appToken?: boolean;
  /** The fields of the answer beside `ok`; throws SlackRefusal. */
  answer: (state: SlackState, args: JsonObject) => JsonObject;
}

export type Methods = Readonly<Record<string, Method>>;
