import {
  App,
  type AuthorizeResult,
  type Logger as BoltLogger,
  LogLevel,
  type Receiver,
  SocketModeReceiver,
} from "@slack/bolt";
import { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import type { SlackEnvironment } from "../config/environment.ts";
import { AccessError } from "../failure/access-error.ts";
import type { SlackContext } from "./context.ts";
import { GuardedReceiver } from "./door/guarded-receiver.ts";
import { onlyOnce } from "./door/only-once.ts";
import { onlyOurs } from "./door/only-ours.ts";
import { seenRequests } from "./door/seen-requests.ts";
import { InFlight } from "./in-flight.ts";
import { rememberOrigin, tellOrigin } from "./origin.ts";
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
  const receiver = mode === "socket" ? socketReceiver(environment, logger) : httpReceiver(context, environment, logger);
  // Bolt would ask Slack who the token is by itself, once and without patience.
  const bot = await whoIsTheBot(environment);
  const app = new App({ authorize: async () => bot, receiver, clientOptions, logger });
  app.error(async (error) => context.log.error({ err: error }, "a handler failed"));
  const inFlight = new InFlight();
  app.use(onlyOurs({ team: bot.teamId, app: context.config.slack.appId }, context.log));
  app.use(onlyOnce(seenRequests(context.ledger), context.log));
  app.use(rememberOrigin);
  register(app, { ...context, ledger: tellOrigin(context.ledger) }, inFlight);
  await startListening(app, mode, environment.port);
  context.log.info({ mode, ...(mode === "http" && { port: environment.port }) }, "listening to Slack");
  return {
    stop: async () => {
      await app.stop();
      await inFlight.drain();
    },
  };
}

/** A start may wait: a Slack that is slow for a moment is no reason to end. */
const patience = { timeoutMs: 10_000, retries: 2 };

/** Whose token it is, and of which workspace. @throws AccessError */
async function whoIsTheBot(environment: SlackEnvironment): Promise<AuthorizeResult & { teamId: string }> {
  const { botToken } = environment;
  try {
    const client = new WebClient(botToken, webClientOptions(environment, patience));
    const { team_id: teamId = "", bot_id: botId, user_id: botUserId } = await client.auth.test();
    return { botToken, teamId, ...(botId && { botId }), ...(botUserId && { botUserId }) };
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

function socketReceiver(environment: SlackEnvironment, logger: BoltLogger): Receiver {
  const clientOptions = webClientOptions(environment, patience);
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
