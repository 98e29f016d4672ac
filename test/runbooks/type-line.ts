import type { Sandbox } from "../../sandbox/sandbox.ts";
import { channel } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { lineOf } from "./runbook.ts";

/** A person types the line of a runbook that begins so (`lineOf`) into Slack. What they are answered, and no one else sees. */
export async function typeLine(
  { slack }: Sandbox,
  user: string,
  heading: string,
  begin: `/eks-access ${string}`,
  given: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { seen } = await slack.person(user).command(lineOf(heading, begin, given).join(" "), channel);
  return textOf(await slack.until(() => seen()[0]));
}
