import { setTimeout as wait } from "node:timers/promises";
import { account, channel } from "../../sandbox/scene.ts";
import type { SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import type { Bench } from "./bench.ts";
import type { EventReader } from "./events.ts";
import { inParallel } from "./in-parallel.ts";

/** A request that waits for its click. */
export interface Asked {
  readonly request: string;
  readonly principal: string;
  readonly message: SandboxMessage;
}

/** The ARN of the n-th IAM user of the bench. */
export function userArn(index: number): string {
  return `arn:aws:iam::${account}:user/engineer-${String(index).padStart(4, "0")}`;
}

/** A role of Identity Center. */
export const developers = "AWSReservedSSO_Developer_0123456789abcdef";

/** The ARN of the n-th engineer's session of a role of Identity Center. */
export function sessionArn(index: number, role = developers): string {
  const name = `engineer-${String(index).padStart(4, "0")}@example.com`;
  return `arn:aws:sts::${account}:assumed-role/${role}/${name}`;
}

/**
 * The engineer asks for each of these principals, with slash commands, and the approvers have the messages: what has to
 * be there before a click can be measured.
 */
export async function ask(
  bench: Bench,
  events: EventReader,
  options: { cluster: string; principals: readonly string[]; duration: string; level?: string },
): Promise<readonly Asked[]> {
  const { cluster, principals, duration, level = "viewer" } = options;
  const engineer = bench.slack.person("U0ENGINEER");
  await inParallel(principals, 8, async (principal) => {
    const line = `/eks-access request ${cluster} ${principal} ${level} for ${duration} the bench wants to know`;
    await acknowledged("a slash command", () => engineer.command(line, channel));
  });
  await events.take("request.previewed", principals.length);
  // On a busy machine one that was approved before may still have its buttons.
  const waiting = () => bench.slack.messages(channel).flatMap((message) => askedIn(message, principals) ?? []);
  return untilCount(waiting, principals.length);
}

/** Looks ten times a second, not at each change as `slack.until` does: with hundreds of messages that is work, too. */
async function untilCount(find: () => readonly Asked[], count: number): Promise<readonly Asked[]> {
  for (let looks = 0; looks < 1_200; looks += 1) {
    const found = find();
    if (found.length >= count) return found;
    await wait(100);
  }
  throw new Error(`${find().length} of ${count} messages came`);
}

/** Null: it waits for no click about one of these principals. */
function askedIn(message: SandboxMessage, principals: readonly string[]): Asked | null {
  const text = textOf(message);
  if (!text.includes("[Approve]")) return null;
  const principal = principals.find((arn) => text.includes(`\`${arn.split("/").at(-1)}\``));
  // Its buttons name it.
  const [request] = /r-[a-z0-9]{8}/.exec(JSON.stringify(message.blocks)) ?? [];
  return principal && request ? { request, principal, message } : null;
}

/** An approver clicks. Resolves with the time of the click, in milliseconds since the epoch, once it is recorded. */
export async function approve(bench: Bench, { message }: Asked): Promise<number> {
  const at = Date.now();
  const isWaiting = () => {
    const now = bench.slack.messages(channel).find(({ ts }) => ts === message.ts);
    return now !== undefined && textOf(now).includes("[Approve]");
  };
  await acknowledged("a click", async () => {
    // What Slack did not see acknowledged in time may be recorded all the same: then the button is gone.
    return isWaiting() ? bench.slack.person("U0APPROVER").click(message, "approve") : {};
  });
  return at;
}

const maxTries = 5;

/**
 * A busy machine may miss Slack's three seconds. What was recorded all the same is no second request, and no second approval.
 * @throws Error when none of some tries is acknowledged
 */
async function acknowledged(what: string, send: () => Promise<{ readonly error?: string | undefined }>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const { error } = await send();
    if (!error) return;
    if (tries === maxTries) throw new Error(`${what} was not acknowledged: ${error}`);
  }
}
