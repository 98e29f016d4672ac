import { orphansOf } from "../../access/lease/due-work.ts";
import { placeIn } from "../../access/request/lists.ts";
import type { AccessRequest, Holding } from "../../access/request/record.ts";
import type { WorkerContext } from "../context.ts";
import { inParallel } from "../in-parallel.ts";

/**
 * The ids that the cluster's own memory of one way names, and that the ledger knows not to be granted, or to be given the other
 * way: they are taken away. Those of `granted` are neither.
 */
export async function overOrElsewhere(
  { ledger }: WorkerContext,
  holdings: ReadonlyMap<string, Holding>,
  granted: readonly AccessRequest[],
  isOfThisWay: (request: AccessRequest) => boolean,
): Promise<ReadonlySet<string>> {
  const orphans = [...holdings.values()].flatMap((holding) => orphansOf(holding, granted));
  const known = await inParallel(orphans, ({ id }) => ledger.get(id));
  const isOver = (request: AccessRequest) => placeIn("granted", request) === null || !isOfThisWay(request);
  return new Set(known.flatMap((request) => (request && isOver(request) ? [request.id] : [])));
}
