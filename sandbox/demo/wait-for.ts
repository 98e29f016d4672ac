import type { Sandbox } from "../sandbox.ts";
import { channel } from "../scene.ts";
import type { SandboxMessage } from "../slack/shapes.ts";
import { textOf } from "../slack/text-of.ts";
import { StoryError } from "./expectation.ts";

/** The newest message of the channel that holds each of these texts. */
export function channelMessage(sandbox: Sandbox, ...texts: readonly string[]): SandboxMessage | undefined {
  return sandbox.slack.messages(channel).findLast((message) => texts.every((each) => textOf(message).includes(each)));
}

/** Waits for something of the workspace. @throws StoryError where it does not come about */
export async function within<T>(step: string, sandbox: Sandbox, find: () => T | undefined, ms = 15_000): Promise<T> {
  return sandbox.slack.until(find, ms).catch((cause: unknown) => {
    throw new StoryError(
      step,
      "it to come about in time",
      cause instanceof Error ? cause.message : String(cause),
      cause,
    );
  });
}
