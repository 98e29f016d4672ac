import { z } from "zod";
import type { SlackContext } from "../app/context.ts";
import { originOf } from "../app/origin.ts";
import { type Attempt, noteAttempt } from "../people/attempts.ts";
import { deliveryId } from "./only-once.ts";

const id = z.string().max(60);
const whose = z.union([
  z.object({ user: z.object({ id }) }).transform(({ user }) => user.id),
  z.object({ user_id: id }).transform(({ user_id }) => user_id),
  z.object({ event: z.object({ user: id }) }).transform(({ event }) => event.user),
]);

/**
 * A genuine request of Slack that came a second time: it tells whose it was and from which message, and not who has sent it
 * again.
 */
export function noteReplay(context: Pick<SlackContext, "ledger" | "log" | "now">, body: object): Promise<void> {
  return noteAttempt(context, replayOf(body));
}

function replayOf(body: object): Attempt {
  const slack = originOf(body);
  const detail = {
    user: whose.safeParse(body).data ?? "",
    delivery: deliveryId(body)?.slice(0, 100) ?? "",
    ...(slack && { slack }),
  };
  return { act: "replay", by: "slack", code: "came-before", detail };
}
