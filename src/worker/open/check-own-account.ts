import { AccessError } from "../../access/failure/access-error.ts";
import { callerIdentity } from "../../aws/caller-identity.ts";
import type { WorkerContext } from "../context.ts";
import { refuseOwnIdentity } from "./open-eks.ts";

/**
 * Refuses to start where the worker's own identity is to make the access entries (`accessEntries.as: worker`) of a cluster in
 * another account: EKS would look for that name in the worker's account. Only AWS knows which account that is. Where it does not
 * say so now, each run asks again before it opens the cluster.
 *
 * @throws AccessError `config-invalid`, naming each such cluster
 */
export async function checkOwnAccount({ config, log }: Pick<WorkerContext, "config" | "log">): Promise<void> {
  const clusters = [...config.clusters.values()].filter(({ accessEntries }) => accessEntries.as === "worker");
  const [first] = clusters;
  if (!first) return;
  try {
    const own = await callerIdentity("default", first.region);
    const refusals = clusters.flatMap((cluster) => refuseOwnIdentity(cluster, own) ?? []);
    if (refusals.length === 0) return;
    throw new AccessError("config-invalid", refusals.map(({ what }) => what).join(". "), {
      remedy: "Set accessEntries.as to creator for them in eks-access.yml.",
    });
  } catch (error) {
    if (error instanceof AccessError && error.code === "config-invalid") throw error;
    log.warn({ err: error }, "AWS did not say which account the worker is in: each run asks again");
  }
}
