import { orphansOf } from "../grant/due-work.ts";
import type { Holding } from "../grant/holding.ts";
import { type AccessRequest, isClosed } from "../request/request.ts";
import type { WorkerContext } from "./context.ts";
import { inParallel } from "./in-parallel.ts";

/**
 * The ids that the cluster's own memory of one way names, and that the ledger knows to be over, or to be given the other
 * way: they are taken away. Those of `open` are neither.
 */
export async function overOrElsewhere(
  { ledger }: WorkerContext,
  holdings: ReadonlyMap<string, Holding>,
  open: readonly AccessRequest[],
  isOfThisWay: (request: AccessRequest) => boolean,
): Promise<ReadonlySet<string>> {
  const orphans = [...holdings.values()].flatMap((holding) => orphansOf(holding, open));
  const known = await inParallel(orphans, ({ id }) => ledger.get(id));
  const isOver = (request: AccessRequest) => isClosed(request) || !isOfThisWay(request);
  return new Set(known.flatMap((request) => (request && isOver(request) ? [request.id] : [])));
}
