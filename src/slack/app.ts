import { App, type Logger as BoltLogger, LogLevel, type Receiver, SocketModeReceiver } from "@slack/bolt";
import type { WebClientOptions } from "@slack/web-api";
import type { Logger } from "pino";
import type { SlackEnvironment } from "../config/environment.ts";
import { AccessError } from "../failure/access-error.ts";
import type { SlackContext } from "./context.ts";
import { GuardedReceiver } from "./door/guarded-receiver.ts";
import { onlyOurTeam } from "./door/only-our-team.ts";
import { seenRequests } from "./door/seen-requests.ts";
import { InFlight } from "./in-flight.ts";
import { register } from "./registrations.ts";
import { slackFailure } from "./slack-failure.ts";
import { webClientOptions } from "./web-client.ts";

export interface RunningSlackApp {
  /** Takes no more events, and waits for the handlers that still run. */
  stop: () => Promise<void>;
}

/** Starts Bolt, over HTTP at `/slack/events` or in Socket Mode, as the configuration says. */
export async function startSlackApp(
  context: SlackContext,
  environment: SlackEnvironment,
  mode: "http" | "socket",
): Promise<RunningSlackApp> {
  // A trigger lives for three seconds: a call of a handler is not tried again, and not waited for longer.
  const clientOptions = webClientOptions(environment, { timeoutMs: 2_500, retries: 0 });
  const logger = boltLogger(context.log);
  const receiver =
    mode === "socket" ? socketReceiver(environment, clientOptions, logger) : httpReceiver(context, environment, logger);
  // Otherwise Bolt asks Slack who the token is behind our back, and a failure ends the process with its bare stack.
  const app = new App({ token: environment.botToken, receiver, clientOptions, logger, deferInitialization: true });
  app.error(async (error) => context.log.error({ err: error }, "a handler failed"));
  const inFlight = new InFlight();
  app.use(onlyOurTeam(await ourTeam(app), context.log));
  register(app, context, inFlight);
  await startListening(app, mode, environment.port);
  context.log.info({ mode, ...(mode === "http" && { port: environment.port }) }, "listening to Slack");
  return {
    stop: async () => {
      await app.stop();
      await inFlight.drain();
    },
  };
}

/** The id of the workspace that our token belongs to. @throws AccessError */
async function ourTeam(app: App): Promise<string> {
  try {
    await app.init();
    const { team_id: team } = await app.client.auth.test();
    return team ?? "";
  } catch (error) {
    throw slackFailure(error, "Slack");
  }
}

/** Slack sends its few kilobytes at once: whoever takes longer only holds a connection. In milliseconds. */
const slowestRequest = { headersTimeout: 5_000, requestTimeout: 10_000 };

async function startListening(app: App, mode: "http" | "socket", port: number): Promise<void> {
  try {
    await (mode === "socket" ? app.start() : app.start(port, slowestRequest));
  } catch (error) {
    if (error instanceof Error && "code" in error && /^E(ADDRINUSE|ACCES)$/.test(String(error.code))) {
      throw new AccessError("port-in-use", `Port ${port} of PORT can't be used`, { cause: error });
    }
    throw slackFailure(error, "Slack");
  }
}

function httpReceiver(
  { ledger, now, log }: SlackContext,
  { signingSecret = "" }: SlackEnvironment,
  logger: BoltLogger,
): Receiver {
  const door = { signingSecret, seen: seenRequests(ledger), now, log };
  return new GuardedReceiver(door, { endpoints: "/slack/events", logger });
}

function socketReceiver(environment: SlackEnvironment, clientOptions: WebClientOptions, logger: BoltLogger): Receiver {
  return new SocketModeReceiver({ appToken: environment.appToken ?? "", installerOptions: { clientOptions }, logger });
}

/** Bolt's own words, in our log. */
function boltLogger(log: Logger): BoltLogger {
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (...parts: unknown[]) =>
      log[level](
        { source: "bolt" },
        parts.map((part) => (part instanceof Error ? part.message : String(part))).join(" "),
      );
  return {
    debug: write("debug"),
    info: write("debug"),
    warn: write("warn"),
    error: write("error"),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}
