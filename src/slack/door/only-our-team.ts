import type { AllMiddlewareArgs } from "@slack/bolt";
import type { Logger } from "pino";

type Middleware = (args: AllMiddlewareArgs & { body: object }) => Promise<void>;

/**
 * Lets in only what comes from the workspace that the bot's token belongs to: the configuration names people of that one.
 * What is turned away is not acknowledged.
 */
export function onlyOurTeam(team: string, log: Logger): Middleware {
  return async ({ body, next }) => {
    const from = teamOf(body);
    if (from === team) return next();
    log.warn({ team: from }, "a request of another workspace was turned away");
  };
}

/** Commands and events name the workspace by its id, clicks and forms as an object. */
function teamOf(body: object): unknown {
  return field(body, "team_id") ?? field(field(body, "team"), "id");
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}
