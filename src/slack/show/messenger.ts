import type { AccessRequest } from "../../access/request/record.ts";
import type { Shown } from "../../ledger/moves.ts";
import { isTooFew, type Presence, presenceOf } from "../decide/presence.ts";
import { wakeHomes } from "../home/wake-homes.ts";
import { deletedMessageMilestone, lostChannelMilestones, tooFewMilestone } from "./delivery-message.ts";
import type { MessengerContext } from "./messenger-context.ts";
import { showCopies } from "./show-copies.ts";
import { type InChannel, nothingShown, showInChannel } from "./show-in-channel.ts";
import { wakeForThread } from "./show-thread.ts";
import { tellOnce, tellRequester } from "./tell.ts";

/** Makes what Slack shows of a request match the ledger. May run twice, late, or for many changes at once. */
export async function showRequest(context: MessengerContext, id: string): Promise<void> {
  const request = await context.ledger.get(id);
  if (!request) return;
  await wakeHomes(context, request);
  const before = (await context.ledger.shown(id)) ?? nothingShown;
  const presence = before.version === request.version ? null : await presenceOf(context, request);
  const inChannel = await showInChannel(context, request, before, presence).catch(async (failure: unknown) => {
    await tellAnyway(context, id);
    throw failure;
  });
  let shown = inChannel.shown;
  if (before.version !== request.version) {
    shown = await showCopies(context, request, shown, presence, inChannel.lost !== null);
  }
  shown = await tellOfDelivery(context, request, { ...inChannel, shown }, before, presence);
  await tell(context, id, { ...shown, version: request.version }, inChannel.lost !== null);
}

/** Slack did not take the message for now; that must not keep from a requester how it stands. */
async function tellAnyway(context: MessengerContext, id: string): Promise<void> {
  const request = await context.ledger.get(id);
  const shown = (await context.ledger.shown(id)) ?? nothingShown;
  const told = request ? await tellRequester(context, request, shown) : shown.told;
  if (told !== shown.told) await context.ledger.markShown(id, { ...shown, version: 0, told });
}

/** Nobody can approve what nobody sees: the requester must know, once. */
async function tellOfDelivery(
  context: MessengerContext,
  request: AccessRequest,
  { shown, lost, isReposted }: InChannel,
  { message: old }: Shown,
  presence: Presence | null,
): Promise<Shown> {
  const milestones = [
    ...(lost ? lostChannelMilestones(request, lost.message, shown) : []),
    ...(isReposted && old ? [deletedMessageMilestone(request, old.ts)] : []),
    ...(presence && isTooFew(request, presence) ? [tooFewMilestone(request, presence)] : []),
  ];
  let { told } = shown;
  for (const milestone of milestones) {
    const before = told;
    told = await tellOnce(context, request, milestone, told);
    if (told !== before) await context.ledger.markShown(request.id, { ...shown, version: 0, told });
  }
  return { ...shown, told };
}

/** Reads the record again: the call for the channel may have taken seconds, and what was true before it is over. */
async function tell(context: MessengerContext, id: string, shown: Shown, isLost: boolean): Promise<void> {
  const request = await context.ledger.get(id);
  let { told } = shown;
  if (request) {
    told = await tellRequester(context, request, isLost ? { ...shown, message: null } : shown);
    // What was told is remembered before anything else can fail, so that it is not told again.
    if (told !== shown.told) await context.ledger.markShown(id, { ...shown, version: 0, told });
    await wakeForThread(context, request, shown);
  }
  await context.ledger.markShown(id, { ...shown, told });
}
