import type { AllMiddlewareArgs, SlackOptionsMiddlewareArgs } from "@slack/bolt";
import type { SlackContext } from "../app/context.ts";
import { suggestionsOf } from "./fields.ts";
import { offersTo } from "./request-form.ts";

export type Suggestion = SlackOptionsMiddlewareArgs<"block_suggestion"> & AllMiddlewareArgs;

/** Somebody looks for a cluster among more than a list holds. */
export async function handleClusterSearch(context: SlackContext, { ack, body, payload }: Suggestion): Promise<void> {
  const offers = await offersTo(context, body.user.id);
  const names = offers.map(({ cluster }) => cluster.name);
  await ack({ options: suggestionsOf(names, payload.value) });
}
