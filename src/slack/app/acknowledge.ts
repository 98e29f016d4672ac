import type { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import { notRecordedYetAnswer } from "../ask/answers.ts";
import { inTime } from "./in-time.ts";

/** How far what somebody asked for is when it has to be acknowledged. */
type Progress<T> = { readonly type: "done"; readonly outcome: T } | { readonly type: "not-yet" };

const notYet = { type: "not-yet" } as const;

/**
 * Acknowledges what changes something when it is done, so that an acknowledgement means that it is recorded: Slack sends neither
 * a command, a click nor a form again, and shows an error of its own for what nobody acknowledged. So whoever asked a process
 * that dies meanwhile is told. What takes longer than Slack waits is acknowledged as not done yet.
 *
 * @param withinMs how long it may take (`acknowledge` of the deadlines)
 */
export async function acknowledgeWhenDone<T>(
  doing: Promise<T>,
  withinMs: number,
  acknowledge: (progress: Progress<T>) => Promise<unknown>,
): Promise<{ readonly outcome: T; readonly inTime: boolean }> {
  const done = doing.then((outcome) => ({ type: "done", outcome }) as const);
  const progress = await inTime(done, withinMs, notYet);
  await acknowledge(progress);
  return { outcome: await doing, inTime: progress.type === "done" };
}

/** Tells somebody directly that it takes longer. Nobody waits for this: what was asked for goes on meanwhile. */
export async function tellNotYet(log: Logger, client: WebClient, user: string): Promise<void> {
  const { text, blocks } = notRecordedYetAnswer();
  await client.chat.postMessage({ channel: user, text, blocks: [...blocks] }).catch((error: unknown) => {
    log.warn({ err: error, user }, "somebody could not be told that what they asked for takes long");
  });
}
