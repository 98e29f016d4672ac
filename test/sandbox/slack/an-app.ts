import type { AddressInfo } from "node:net";
import { App, LogLevel } from "@slack/bolt";
import type { SandboxSlack } from "../../../src/sandbox/slack/workspace.ts";

/** The real Bolt with an HTTP receiver, unchanged, connected to the workspace by its settings alone. */
export async function anApp(slack: SandboxSlack, listen: (app: App) => void) {
  const app = new App({
    token: slack.botToken,
    signingSecret: slack.signingSecret,
    clientOptions: { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
    logLevel: LogLevel.ERROR,
    developerMode: false,
  });
  listen(app);
  const server = await app.start(0);
  const { port } = server.address() as AddressInfo;
  const eventsUrl = `http://127.0.0.1:${port}/slack/events`;
  slack.connect(eventsUrl);
  return { app, eventsUrl, stop: () => app.stop() };
}
