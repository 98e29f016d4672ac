import type { AccessRequest } from "../../access/request/record.ts";
import type { WorkerContext } from "../context.ts";

/**
 * Whether a grant has changed since its record was read. The cluster, read in between, would then be newer than the
 * records, and what another run has just taken away would pass for drift, and be put back or remembered; where the cluster
 * had no room to remember that it was taken back, nothing else tells. From here on the resourceVersion keeps watch over a
 * document: no grant is over without a write.
 */
export async function haveChanged({ ledger }: WorkerContext, before: readonly AccessRequest[]): Promise<boolean> {
  const granted = before.filter(({ grant }) => grant);
  const now = await ledger.versions(granted.map(({ id }) => id));
  return granted.some(({ id, version }) => now.get(id) !== version);
}
