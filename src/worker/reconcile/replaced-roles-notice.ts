import { createHash } from "node:crypto";
import { sealNotice } from "../../access/audit/notice.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { parseDocument } from "../../aws-auth/index.ts";
import { replacedRoleProblem, replacedRoles, rolesInDocument } from "../../diagnosis/replaced-roles.ts";
import type { WorkerContext } from "../context.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";

/** The same roles are news again after this time. */
const onceInMs = 30 * 24 * 3_600_000;

/**
 * Reports a permission set once if the cluster names several of its roles: people of a dead one can't sign in. A failure delays nothing,
 * because the next look comes in an hour.
 */
export async function noteReplacedRoles(
  context: Pick<WorkerContext, "ledger" | "keys" | "log" | "now">,
  cluster: Cluster,
  { client, entries, mode }: Pick<OpenedCluster, "client" | "entries" | "mode">,
): Promise<void> {
  const { ledger, keys, log, now } = context;
  try {
    const [configMap, listed] = await Promise.all([
      mode === "API" ? null : client.readAwsAuth(),
      entries?.list() ?? [],
    ]);
    const byEntry = listed.map((arn) => ({ arn, place: "an access entry" }));
    const inMap = configMap ? rolesInDocument(parseDocument(configMap.data)) : [];
    for (const set of replacedRoles([...byEntry, ...inMap])) {
      const roles = set.roles.map(({ arn }) => arn).toSorted();
      const id = createHash("sha256")
        .update(JSON.stringify([cluster.name, roles]))
        .digest("hex")
        .slice(0, 16);
      if (!(await ledger.takeTurn(`replaced-${id}`, onceInMs))) continue;
      const { message, remedy } = replacedRoleProblem(set, cluster);
      const title = `${cluster.name} names a role that no longer exists`;
      log.warn({ cluster: cluster.name, roles }, title);
      const notice = { id: `replaced-${id}`, at: now().toISOString(), title, lines: [message, remedy] };
      await ledger.addNotice(sealNotice(notice, keys.preview));
    }
  } catch (error) {
    log.warn({ cluster: cluster.name, err: error }, "could not look for replaced roles");
  }
}
