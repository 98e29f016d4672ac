import { sealedEnd } from "../../access/lease/due-work.ts";
import type { Withdrawals } from "../../access/lease/withdrawal.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { withdrawalTagChanges } from "../../access-entry/index.ts";
import type { WorkerContext } from "../context.ts";
import type { EntryTools } from "./carry-out-entry.ts";

/** What is left to do once the entries are written. */
export interface TagsBegun {
  /** Whether a request was taken back before its end, and that could not be remembered. */
  readonly isForgotten: (request: ApprovedRequest) => boolean;
  /** Takes out of the tags what is over, or given again: what could not be is taken out by the next run. */
  readonly tidyUp: () => Promise<void>;
}

/**
 * Remembers in the cluster's tags what is taken back, before it is taken away: a process that dies in between leaves nothing
 * behind that could be given again. That it can't be remembered must not keep anybody's access alive.
 */
export async function rememberInTags(
  { log, now }: WorkerContext,
  { entries, cluster, state, keys }: EntryTools,
  withdrawals: Withdrawals,
): Promise<TagsBegun> {
  const { wanted, stale } = withdrawalTagChanges(cluster.name, state.tags, withdrawals, keys);
  const tidyUp = async () => {
    if (stale.length === 0) return;
    await entries.untagCluster(stale).catch((error: unknown) => {
      log.warn({ cluster: cluster.name, err: error }, "could not take what is over out of the cluster's tags");
    });
  };
  try {
    if (Object.keys(wanted).length > 0) await entries.tagCluster(wanted);
    return { isForgotten: () => false, tidyUp };
  } catch (error) {
    log.error({ cluster: cluster.name, err: error }, "the cluster can't remember what was taken back");
    const known = new Set(state.withdrawals.list.map(({ id }) => id));
    const isEarly = (request: ApprovedRequest) => Date.parse(sealedEnd(request)) > now().getTime();
    return { isForgotten: (request) => isEarly(request) && !known.has(request.id), tidyUp };
  }
}
