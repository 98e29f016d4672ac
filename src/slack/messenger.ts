import type { Shown } from "../ledger/ledger.ts";
import { wakeHomes } from "./home/wake-homes.ts";
import type { MessengerContext } from "./messenger-context.ts";
import { nothingShown, showInChannel } from "./show-in-channel.ts";
import { tellRequester, tellThread } from "./tell.ts";

/** Makes what Slack shows of a request match the ledger. May run twice, late, or for many changes at once. */
export async function showRequest(context: MessengerContext, id: string): Promise<void> {
  const request = await context.ledger.get(id);
  if (!request) return;
  await wakeHomes(context, request);
  const before = (await context.ledger.shown(id)) ?? nothingShown;
  const message = await showInChannel(context, request, before).catch(async (failure: unknown) => {
    await tellAnyway(context, id);
    throw failure;
  });
  await tell(context, id, { ...before, version: request.version, message });
}

/** A channel that can't be reached, for example an archived one, must not keep from a requester how it stands. */
async function tellAnyway(context: MessengerContext, id: string): Promise<void> {
  const request = await context.ledger.get(id);
  const shown = (await context.ledger.shown(id)) ?? nothingShown;
  const told = request ? await tellRequester(context, request, shown) : shown.told;
  if (told !== shown.told) await context.ledger.markShown(id, { ...shown, version: 0, told });
}

/** Reads the record again: the call for the channel may have taken seconds, and what was true before it is over. */
async function tell(context: MessengerContext, id: string, shown: Shown): Promise<void> {
  const request = await context.ledger.get(id);
  let told = shown.told;
  if (request) {
    told = await tellRequester(context, request, shown);
    // What was told is remembered before anything else can fail, so that it is not told again.
    if (told !== shown.told) await context.ledger.markShown(id, { ...shown, version: 0, told });
    if (shown.message) told = await tellThread(context, request, shown.message, told);
  }
  await context.ledger.markShown(id, { ...shown, told });
}
