import { createHash } from "node:crypto";
import { sealNotice } from "../../access/audit/notice.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { parseDocument } from "../../aws-auth/index.ts";
import type { ReportedProblem } from "../../diagnosis/problems.ts";
import { remadeRoleProblems } from "../../diagnosis/remade-roles.ts";
import { replacedRoleProblem, replacedRoles, rolesInDocument } from "../../diagnosis/replaced-roles.ts";
import { extendDeadline } from "../../operations/deadlines.ts";
import type { WorkerContext } from "../context.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { readRoleTimes } from "../role-times.ts";

const iamWithinMs = 15_000;

/** The same roles are news again after this time. */
const onceInMs = 30 * 24 * 3_600_000;

type NoticeContext = Pick<WorkerContext, "ledger" | "keys" | "log" | "now">;

/** @param about what the notice is about: the same is reported once */
async function noteOnce(
  { ledger, keys, log, now }: NoticeContext,
  about: readonly unknown[],
  title: string,
  { message, remedy }: Pick<ReportedProblem, "message" | "remedy">,
): Promise<void> {
  const hash = createHash("sha256").update(JSON.stringify(about)).digest("hex").slice(0, 16);
  const id = `replaced-${hash}`;
  if (!(await ledger.takeTurn(id, onceInMs))) return;
  log.warn({ about }, title);
  const notice = { id, at: now().toISOString(), title, lines: [message, remedy] };
  await ledger.addNotice(sealNotice(notice, keys.preview));
}

/** Without the right to ask, only the log says so: `check` tells people. */
async function noteRemadeRoles(
  context: NoticeContext,
  cluster: Cluster,
  entries: Pick<AccessEntries, "roleMadeAt">,
  read: readonly AccessEntry[],
): Promise<void> {
  extendDeadline(iamWithinMs);
  const times = await readRoleTimes(entries, cluster, read, iamWithinMs);
  if (times.why !== null) context.log.info({ cluster: cluster.name, why: times.why }, "not all roles are compared");
  for (const { place, ...problem } of remadeRoleProblems(cluster, read, times)) {
    const title = `${cluster.name} has an access entry of a role that was made again`;
    await noteOnce(context, [cluster.name, place, times.madeAt.get(place)], title, problem);
  }
}

/**
 * Reports a permission set once if the cluster names several of its roles: people of a deleted one can't sign in. The same
 * for the access entry of a role that was made again. A failure delays nothing.
 * @param read the cluster's access entries
 */
export async function noteReplacedRoles(
  context: NoticeContext,
  cluster: Cluster,
  { client, entries, mode }: Pick<OpenedCluster, "client" | "entries" | "mode">,
  read: readonly AccessEntry[],
): Promise<void> {
  const { log } = context;
  try {
    if (entries) await noteRemadeRoles(context, cluster, entries, read);
    const [configMap, listed] = await Promise.all([
      mode === "API" ? null : client.readAwsAuth(),
      entries?.list() ?? [],
    ]);
    const byEntry = listed.map((arn) => ({ arn, place: "an access entry" }));
    const inMap = configMap ? rolesInDocument(parseDocument(configMap.data)) : [];
    for (const set of replacedRoles([...byEntry, ...inMap])) {
      const roles = set.roles.map(({ arn }) => arn).toSorted();
      const title = `${cluster.name} names a role that no longer exists`;
      await noteOnce(context, [cluster.name, roles], title, replacedRoleProblem(set, cluster));
    }
  } catch (error) {
    log.warn({ cluster: cluster.name, err: error }, "could not look for replaced roles");
  }
}
