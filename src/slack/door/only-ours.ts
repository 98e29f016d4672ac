import type { AllMiddlewareArgs } from "@slack/bolt";
import type { Logger } from "pino";

type Middleware = (args: AllMiddlewareArgs & { body: object }) => Promise<void>;

export interface Ours {
  /** The id of the workspace that the bot's token belongs to: the configuration names people of that one. */
  readonly team: string;
  /** The id of the app; null: the configuration names none, and the signing secret alone says whose the request is. */
  readonly app: string | null;
}

/** Lets in only what is of our workspace and our app. What is turned away is not acknowledged. */
export function onlyOurs({ team, app }: Ours, log: Logger): Middleware {
  return async ({ body, next }) => {
    const from = { team: teamOf(body), app: field(body, "api_app_id") };
    if (from.team === team && (app === null || from.app === app)) return next();
    log.warn(from, "a request of another workspace or app was turned away");
  };
}

/** Commands and events name the workspace by its id, clicks and forms as an object. */
function teamOf(body: object): unknown {
  return field(body, "team_id") ?? field(field(body, "team"), "id");
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}
