import { othersWhoMayApprove } from "../../access/approval/approvers.ts";
import { reviewersOf } from "../../access/approval/glass.ts";
import { isUser } from "../../access/policy/person.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { Copy, Shown } from "../../ledger/moves.ts";
import type { Presence } from "../decide/presence.ts";
import type { MessengerContext } from "./messenger-context.ts";
import { post, update } from "./show-in-channel.ts";

/** More approvers are not asked one by one: somebody of these will read it. */
const mostCopies = 20;

/**
 * Asks the approvers in direct messages where their channel can't be reached, so that a deleted channel never wedges a
 * request: the same message with the same buttons, each once. Copies that there are follow the record as the channel's
 * message does, also when the channel is back.
 */
export async function showCopies(
  context: MessengerContext,
  request: AccessRequest,
  shown: Shown,
  presence: Presence | null,
  isLost: boolean,
): Promise<Shown> {
  const copies: Copy[] = [];
  for (const copy of shown.copies ?? []) {
    if ((await update(context, request, copy, presence)) === "shown") copies.push(copy);
  }
  const asked = new Set(copies.map(({ user }) => user));
  const missing = isLost ? whoToAsk(context, request, presence).filter((user) => !asked.has(user)) : [];
  for (const user of missing.slice(0, Math.max(0, mostCopies - copies.length))) {
    const posted = await post(context, request, user);
    if (!("ts" in posted)) continue;
    copies.push({ ...posted, user });
    await context.ledger.markShown(request.id, { ...shown, version: 0, copies });
    await update(context, request, posted, presence);
  }
  return { ...shown, copies };
}

/** Where Slack does not say who is left: all who are named. */
function whoToAsk({ config }: MessengerContext, request: AccessRequest, presence: Presence | null): readonly string[] {
  const cluster = config.clusters.get(request.cluster);
  if (!cluster) return [];
  // Nobody was asked, and everybody should hear of it.
  if (request.glass && !request.glass.review) return reviewersOf(request, cluster).filter(isUser);
  if (request.state !== "pending" || !request.preview) return [];
  return presence?.present ?? othersWhoMayApprove(request, cluster).filter(isUser);
}
