import type { ActionsBlock, Button, SectionBlock } from "@slack/types";
import { type WebAPIPlatformError, WebClient } from "@slack/web-api";
import type { SandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { silentLogger } from "./silent-logger.ts";

/** The real WebClient, unchanged. It neither retries nor waits, so that a test sees each answer. */
export function aClient(slack: SandboxSlack, token = slack.botToken): WebClient {
  return new WebClient(token, {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: silentLogger,
  });
}

/** The answer with which Slack refuses a call. Fails the test where the call goes through. */
export async function refusalOf(call: Promise<unknown>): Promise<WebAPIPlatformError["data"]> {
  const refused = await call.then(
    () => undefined,
    (error: WebAPIPlatformError) => error,
  );
  if (refused?.data === undefined) throw new Error(`the call was not refused: ${refused}`);
  return refused.data;
}

export const section = (text: string): SectionBlock => ({ type: "section", text: { type: "mrkdwn", text } });

export const button = (text: string, actionId: string, value = "1"): Button => ({
  type: "button",
  action_id: actionId,
  text: { type: "plain_text", text },
  value,
});

export const actions = (...elements: Button[]): ActionsBlock => ({ type: "actions", block_id: "deciding", elements });
