/** The reference for acknowledgements: a Bolt app that acknowledges the command, and answers it where ANSWERS is set. */
import { App, LogLevel } from "@slack/bolt";

const { SLACK_BOT_TOKEN = "", SLACK_SIGNING_SECRET = "", SLACK_API_URL = "", PORT = "", ANSWERS } = process.env;

const app = new App({
  token: SLACK_BOT_TOKEN,
  signingSecret: SLACK_SIGNING_SECRET,
  clientOptions: { slackApiUrl: SLACK_API_URL },
  logLevel: LogLevel.ERROR,
});
app.command("/eks-access", async ({ ack }) => {
  await ack(ANSWERS ? { response_type: "ephemeral", text: "I heard you." } : undefined);
});
await app.start(Number(PORT));
process.stdout.write(`${JSON.stringify({ msg: "ready" })}\n`);
process.once("SIGTERM", () => process.exit(0));
