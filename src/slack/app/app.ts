import {
  type AuthorizeResult,
  type Logger as BoltLogger,
  LogLevel,
  type Receiver,
  SocketModeReceiver,
} from "@slack/bolt";
import { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import { Agent } from "undici";
import { AccessError } from "../../access/access-error.ts";
import { redact } from "../../access/redact.ts";
import type { SlackEnvironment } from "../../config/environment.ts";
import { portInUse } from "../../operations/health-server.ts";
import { type Stoppable, unfinishedAt } from "../../operations/stoppable.ts";
import type { MessageUpdates } from "../show/shown-messages.ts";
import { bodyLimitBytes, seenRequests } from "./admit.ts";
import { noteReplay } from "./attempts.ts";
import { GuardedReceiver, InFlight, WatchedApp } from "./bolt.ts";
import { commands } from "./commands.ts";
import { installationOf } from "./payload.ts";
import { handlerOf, onlyOnce, onlyOurWorkspace, type StartContext } from "./registrations.ts";
import { connectorThrough, proxySettings, slackFailure, webClientOptions } from "./web-client.ts";

export async function startSlackApp(
  given: StartContext,
  environment: SlackEnvironment,
  mode: "http" | "socket",
  updates: Pick<MessageUpdates, "noteClick">,
): Promise<Stoppable> {
  const context = { ...given, config: given.configuration() };
  // A trigger lives for three seconds: a handler's call has no retry and no longer wait.
  const { deadlines } = context.config.timing;
  const clientOptions = webClientOptions(environment, { timeoutMs: deadlines.slackCall, retries: 0 });
  const logger = boltLogger(context.log);
  const notes = new InFlight();
  const replayed = (body: object) => void notes.track(noteReplay(context, body));
  const { ledger, now, log } = context;
  const { signingSecret = "", apiUrl } = environment;
  const receiver =
    mode === "socket"
      ? socketReceiver(environment, logger)
      : new GuardedReceiver({
          signingSecret,
          apiPlace: apiUrl && new URL("/", apiUrl).href,
          seen: seenRequests(ledger, deadlines.seenBefore),
          now,
          log,
          replayed,
        });
  // Bolt would ask Slack for the token's identity itself, once and without a retry.
  const bot = await whoIsTheBot(environment);
  if (bot.place.enterprise !== null && context.config.slack.workspace === null) {
    const remedy = "Set slack.workspace to that of the policy's user groups (T…).";
    throw new AccessError("config-invalid", `The app is installed for the organization ${bot.place.enterprise}`, {
      remedy,
    });
  }
  const watching = {
    authorized: bot.authorized,
    // Over HTTP the receiver measures answers, because it starts before Bolt.
    measuresAnswers: mode === "socket",
    words: new Set(commands.map(({ word }) => word)),
    traces: context.traces,
  };
  // We use neither Bolt's memory of conversations nor its search for the bot's own messages. A token in a click would be anyone's.
  const unused = { convoStore: false, ignoreSelf: false, attachFunctionToken: false } as const;
  const app = new WatchedApp({ receiver, clientOptions, logger, ...unused }, watching);
  app.error(async (error) => context.log.error({ err: error }, "a handler failed"));
  const isOurs = onlyOurWorkspace({ place: bot.place, app: context.config.slack.appId }, log);
  const isFirst = onlyOnce(seenRequests(ledger, deadlines.seenBefore), log, replayed, mode);
  const handle = handlerOf(given, updates);
  app.use(async (sent) => void ((await isOurs(sent)) && (await isFirst(sent)) && (await handle(sent))));
  await startListening(app, mode, environment.port);
  context.log.info({ mode, ...(mode === "http" && { port: environment.port }) }, "listening to Slack");
  return {
    stop: async (deadline) => {
      const stopped = stop(app, mode).then(() => notes.drain());
      const left = await unfinishedAt(stopped, "answers to Slack", deadline);
      return left.map((name) => `${app.handling} ${name}`);
    },
  };
}

/** Over HTTP it refuses new connections. In Socket Mode it acknowledges its events before it closes. */
async function stop(app: WatchedApp, mode: "http" | "socket"): Promise<void> {
  if (mode === "socket") await app.acknowledged();
  await app.stop();
  await app.drained();
}

/** A slow Slack must not end a start. */
const patience = { timeoutMs: 10_000, retries: 2 };

/** The identity of the token, and where it is installed. @throws AccessError */
async function whoIsTheBot(environment: SlackEnvironment) {
  const { botToken } = environment;
  try {
    const identity = await new WebClient(botToken, webClientOptions(environment, patience)).auth.test();
    const { bot_id: botId, user_id: botUserId } = identity;
    const place = installationOf(identity);
    const { team: teamId, enterprise } = place;
    const where = { teamId, ...(enterprise !== null && { enterpriseId: enterprise }) };
    const ids = { ...(botId && { botId }), ...(botUserId && { botUserId }) };
    const authorized: AuthorizeResult = { botToken, ...where, ...ids };
    return { place, authorized };
  } catch (error) {
    throw slackFailure(error, "Slack");
  }
}

async function startListening(app: WatchedApp, mode: "http" | "socket", port: number): Promise<void> {
  try {
    await (mode === "socket" ? app.start() : app.start(port));
  } catch (error) {
    if (error instanceof Error && "code" in error && /^E(ADDRINUSE|ACCES)$/.test(String(error.code))) {
      throw portInUse(port, "PORT", error);
    }
    throw slackFailure(error, "Slack");
  }
}

function socketReceiver(environment: SlackEnvironment, logger: BoltLogger): Receiver {
  const clientOptions = webClientOptions(environment, patience);
  const appToken = environment.appToken ?? "";
  return new SocketModeReceiver({ appToken, installerOptions: { clientOptions }, logger, dispatcher: socketAgent() });
}

/** Slack and we ping each few seconds. In milliseconds. */
const silentMs = 60_000;

/**
 * The connection of Socket Mode. By default a message can have 128 MB, and a small one that is unpacked too. Closing a connection that is
 * silent is ours with an agent of our own: Bolt does it only with its own.
 */
function socketAgent(): Agent {
  const connectTo = connectorThrough(proxySettings(process.env), { allowH2: false });
  return new Agent({
    webSocket: { maxPayloadSize: bodyLimitBytes },
    connect: (options, done) =>
      connectTo(options, (...[error, socket]) => {
        socket?.setTimeout(silentMs, () => socket.destroy());
        if (error) done(error, null);
        else done(null, socket);
      }),
  });
}

/** Without its lines for debugging: they hold whole payloads, with people's words and the secret addresses of answers. */
function boltLogger(log: Logger): BoltLogger {
  const write =
    (level: "debug" | "warn" | "error") =>
    (...parts: unknown[]) => {
      if (!log.isLevelEnabled(level)) return;
      const words = parts.map((part) => (part instanceof Error ? part.message : String(part)));
      log[level]({ source: "bolt" }, redact(words.join(" ")));
    };
  return {
    debug: () => {},
    info: write("debug"),
    warn: write("warn"),
    error: write("error"),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}
