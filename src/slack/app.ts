import { App, type Logger as BoltLogger, HTTPReceiver, LogLevel, type Receiver, SocketModeReceiver } from "@slack/bolt";
import type { WebClientOptions } from "@slack/web-api";
import type { Logger } from "pino";
import type { SlackEnvironment } from "../config/environment.ts";
import { AccessError } from "../failure/access-error.ts";
import type { SlackContext } from "./context.ts";
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
    mode === "socket" ? socketReceiver(environment, clientOptions, logger) : httpReceiver(environment, logger);
  // Otherwise Bolt asks Slack who the token is behind our back, and a failure ends the process with its bare stack.
  const app = new App({ token: environment.botToken, receiver, clientOptions, logger, deferInitialization: true });
  app.error(async (error) => context.log.error({ err: error }, "a handler failed"));
  const inFlight = new InFlight();
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

async function startListening(app: App, mode: "http" | "socket", port: number): Promise<void> {
  try {
    await app.init();
    await (mode === "socket" ? app.start() : app.start(port));
  } catch (error) {
    if (error instanceof Error && "code" in error && /^E(ADDRINUSE|ACCES)$/.test(String(error.code))) {
      throw new AccessError("port-in-use", `Port ${port} of PORT can't be used`, { cause: error });
    }
    throw slackFailure(error, "Slack");
  }
}

function httpReceiver(environment: SlackEnvironment, logger: BoltLogger): Receiver {
  return new HTTPReceiver({
    signingSecret: environment.signingSecret ?? "",
    endpoints: "/slack/events",
    bodyLimit: 1024 * 1024,
    logger,
  });
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
