import { summarize } from "../../diagnosis/check.ts";
import { explain } from "../../failure/access-error.ts";
import type { Cluster } from "../../policy/cluster.ts";
import type { WorkerContext } from "../context.ts";
import { type ReachedCluster, reachCluster } from "../open/reach-cluster.ts";
import type { ChainQuestion } from "./chain.ts";
import { reportEntries } from "./check-entries.ts";
import type { CheckReport, DocumentReport } from "./check-report.ts";
import { type LookedAt, lookAtDocument } from "./look-at-document.ts";
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
  const mode = reached.description.authenticationMode;
  const looking = lookAtDocument(reached.client, cluster, context.sealKeys);
  const counting = looking.then((looked) => (mode === "API" ? null : (looked?.document ?? null))).catch(() => null);
  const [document, entries] = await Promise.all([
    looking.then(reportDocument, (error: unknown): DocumentReport => {
      context.log.warn({ cluster: cluster.name, err: error }, "could not check the document");
      return { type: "failed", message: explain(error) };
    }),
    reportEntries(context, cluster, { reached, asked, document: counting, limits }),
  ]);
  return { type: "looked", mode, document, entries };
}

function reportDocument(looked: LookedAt | null): DocumentReport {
  if (!looked) return { type: "absent" };
  const { document, managers, immutable, isBeingDeleted } = looked;
  return { type: "checked", ...summarize(document, managers), immutable, isBeingDeleted };
}
