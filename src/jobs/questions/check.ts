import { summarize } from "../../diagnosis/check.ts";
import { explain } from "../../failure/access-error.ts";
import type { Cluster } from "../../policy/cluster.ts";
import type { WorkerContext } from "../context.ts";
import { reachCluster } from "../open/reach-cluster.ts";
import type { CheckReport } from "./check-report.ts";
import { lookAtDocument } from "./look-at-document.ts";

/** Checks the live document of a cluster for somebody in Slack. Writes nothing. */
export async function reportCheck(context: WorkerContext, cluster: Cluster, user: string): Promise<CheckReport> {
  try {
    return await reachCluster(context, cluster, { id: "check", requester: user }, async ({ client, description }) => {
      const looked = await lookAtDocument(client, cluster, context.sealKeys);
      if (!looked) return { type: "absent" };
      const { document, managers, immutable, isBeingDeleted } = looked;
      const { groups, writers, ...counts } = summarize(document, managers);
      return {
        type: "checked",
        ...counts,
        groups: groups.map(({ places, ...group }) => ({ ...group, places: [...places] })),
        writers: writers.map(({ manager, sections }) => ({ manager, sections: [...sections] })),
        immutable,
        isBeingDeleted,
        isRead: description.authenticationMode !== "API",
      };
    });
  } catch (error) {
    context.log.warn({ cluster: cluster.name, err: error }, "could not check the document");
    return { type: "failed", message: explain(error) };
  }
}
