import { explain } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { CheckReport, DocumentReport } from "../../diagnosis/check-report.ts";
import { grantedAround } from "../../diagnosis/lease-problems.ts";
import type { WorkerContext } from "../context.ts";
import { type ReachedCluster, reachCluster } from "../open/reach-cluster.ts";
import type { ChainQuestion } from "./chain.ts";
import { reportDocument } from "./check-document.ts";
import { reportEntries } from "./check-entries.ts";
import { lookAtDocument } from "./look-at-document.ts";
import { type ReadingLimits, readingLimits } from "./read-entries.ts";

/** Checks what decides who gets in to a cluster, for somebody in Slack. Writes nothing. */
export async function reportCheck(
  context: WorkerContext,
  cluster: Cluster,
  asked: ChainQuestion,
  limits: ReadingLimits = readingLimits,
): Promise<CheckReport> {
  try {
    return await reachCluster(context, cluster, { id: "check", requester: asked.user }, (reached) =>
      look(context, cluster, reached, asked, limits),
    );
  } catch (error) {
    context.log.warn({ cluster: cluster.name, err: error }, "could not check the cluster");
    return { type: "failed", message: explain(error) };
  }
}

/** The document and the access entries are looked at each by itself: where one can't be, the other is told all the same. */
async function look(
  context: WorkerContext,
  cluster: Cluster,
  reached: ReachedCluster,
  asked: ChainQuestion,
  limits: ReadingLimits,
): Promise<CheckReport> {
  const { ledger, keys } = context;
  const mode = reached.description.authenticationMode;
  const isRead = mode !== "API";
  const [granted, principal] = await Promise.all([ledger.grantedOf(cluster.name), ledger.principalOf(asked.user)]);
  const asker = { ...asked, principal };
  const grantedNow = async () => grantedAround(granted, await ledger.grantedOf(cluster.name));
  const looking = lookAtDocument(reached.client, cluster, keys.memory);
  const reporting = orFailure(context, cluster, async () =>
    reportDocument(await looking, cluster, { granted: await grantedNow(), asker, isRead }),
  );
  const beside = looking.then((looked) => (isRead ? (looked?.document ?? null) : null)).catch(() => null);
  const entries = await reportEntries(context, cluster, {
    reached,
    granted,
    grantedNow,
    asker,
    document: beside,
    limits,
  });
  return { type: "looked", mode, document: await reporting, entries };
}

async function orFailure(
  { log }: WorkerContext,
  cluster: Cluster,
  report: () => Promise<DocumentReport>,
): Promise<DocumentReport> {
  try {
    return await report();
  } catch (error) {
    log.warn({ cluster: cluster.name, err: error }, "could not check the document");
    return { type: "failed", message: explain(error) };
  }
}
