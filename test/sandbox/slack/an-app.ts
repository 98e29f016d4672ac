import type { AddressInfo } from "node:net";
import { App } from "@slack/bolt";
import type { SandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { silentLogger } from "./silent-logger.ts";

export interface RunningApp {
  app: App;
  /** Where it listens; empty in Socket Mode. */
  eventsUrl: string;
  stop: () => Promise<void>;
}

/** The real Bolt, unchanged, connected to the workspace over HTTP by its settings alone. */
export async function anApp(slack: SandboxSlack, listen: (app: App) => void): Promise<RunningApp> {
  const app = new App({ ...settings(slack), signingSecret: slack.signingSecret });
  listen(app);
  const server = await app.start(0);
  const { port } = server.address() as AddressInfo;
  const eventsUrl = `http://127.0.0.1:${port}/slack/events`;
  slack.connect(eventsUrl);
  return { app, eventsUrl, stop: async () => void (await app.stop()) };
}

/** The real Bolt in Socket Mode. */
export async function aSocketApp(slack: SandboxSlack, listen: (app: App) => void): Promise<RunningApp> {
  const app = new App({ ...settings(slack), socketMode: true, appToken: slack.appToken });
  listen(app);
  await app.start();
  return { app, eventsUrl: "", stop: async () => void (await app.stop()) };
}

function settings(slack: SandboxSlack) {
  return {
    token: slack.botToken,
    clientOptions: { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
    logger: silentLogger,
  };
}
