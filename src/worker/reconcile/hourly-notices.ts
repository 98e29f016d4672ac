import { hash } from "node:crypto";
import type { Cluster } from "../../access/policy/cluster.ts";
import { sealNotice } from "../../access/shared-lists.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { named } from "../../diagnosis/link.ts";
import type { ReportedProblem } from "../../diagnosis/problems.ts";
import { absentRoleProblems, remadeRoleProblems } from "../../diagnosis/remade-roles.ts";
import { replacedRoleProblem, replacedRoles, roleInEntry, rolesInDocument } from "../../diagnosis/replaced-roles.ts";
import { inTurn } from "../../ledger/turns.ts";
import { extendDeadline } from "../../operations/deadlines.ts";
import type { WorkerContext } from "../context.ts";
import { findLeavers } from "../leavers.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import { readRoleTimes } from "../questions/look-at-cluster.ts";
import { parseRemembered } from "../remembered.ts";

const awsWithinMs = 15_000;

/** The same is news again after this time. */
const onceInMs = 30 * 24 * 3_600_000;

/** @param about what the notice is about: the same is reported once */
async function noteOnce(
  { ledger, keys, log, now }: WorkerContext,
  about: readonly unknown[],
  title: string,
  { message, remedy }: Pick<ReportedProblem, "message" | "remedy">,
): Promise<void> {
  const id = `hourly-${hash("sha256", JSON.stringify(about)).slice(0, 16)}`;
  await inTurn(ledger, id, onceInMs, () => {
    log.warn({ about }, title);
    const notice = { id, at: now().toISOString(), title, lines: [message, remedy] };
    return ledger.addNotice(sealNotice(notice, keys.preview));
  });
}

/** Reports each once to the operators: dead entries, and the leases of people who left. A failure delays nothing. */
export async function noteHourly(
  context: WorkerContext,
  cluster: Cluster,
  opened: Pick<OpenedCluster, "client" | "entries" | "mode" | "roleMadeAt">,
  read: readonly AccessEntry[],
): Promise<void> {
  for (const note of [noteRoles, noteLeavers]) {
    await note(context, cluster, opened, read).catch((error: unknown) => {
      context.log.warn({ cluster: cluster.name, err: error }, "could not look for dead entries and people who left");
    });
  }
}

/**
 * A permission set of which the cluster names several roles, and a role that was deleted or made again: its people can't sign in. Without
 * the right to ask IAM, only the log says so. People see it in `check`. @param read the cluster's access entries
 */
async function noteRoles(
  context: WorkerContext,
  cluster: Cluster,
  { client, entries, mode, roleMadeAt }: Pick<OpenedCluster, "client" | "entries" | "mode" | "roleMadeAt">,
  read: readonly AccessEntry[],
): Promise<void> {
  const [configMap, listed] = await Promise.all([mode === "API" ? null : client.readAwsAuth(), entries?.list() ?? []]);
  const document = configMap && (await parseRemembered(configMap.data));
  extendDeadline(awsWithinMs);
  const times = await readRoleTimes({ roleMadeAt }, cluster, { entries: read, document }, awsWithinMs);
  if (times.why !== null) context.log.info({ cluster: cluster.name, why: times.why }, "not all roles are compared");
  for (const { place, ...problem } of remadeRoleProblems(cluster, read, times)) {
    const title = `${cluster.name} has an access entry of a role that was made again`;
    await noteOnce(context, [cluster.name, place, times.madeAt.get(place)], title, problem);
  }
  const byEntry = listed.map((principalArn) => roleInEntry({ principalArn }));
  const replaced = replacedRoles([...byEntry, ...(document ? rolesInDocument(document) : [])], times.absent);
  const title = `${cluster.name} names a role that no longer exists`;
  for (const set of replaced) {
    const roles = set.roles.map(({ arn }) => arn).toSorted();
    await noteOnce(context, [cluster.name, roles], title, replacedRoleProblem(set, cluster));
  }
  for (const { place, ...problem } of absentRoleProblems(cluster, times, replaced)) {
    await noteOnce(context, [cluster.name, place], title, problem);
  }
}

/** Those who left Slack are named by `check`: only the Slack process can ask Slack. */
async function noteLeavers(context: WorkerContext, cluster: Cluster): Promise<void> {
  const leased = await context.ledger.leasedOf(cluster.name);
  extendDeadline(awsWithinMs);
  const asking = { asker: "worker", withinMs: awsWithinMs, isFresh: false };
  const { found, notCompared } = await findLeavers(context, cluster, leased, asking);
  if (notCompared !== null)
    context.log.info({ cluster: cluster.name, why: notCompared }, "not all people are compared");
  for (const { id, message } of found) {
    const remedy = `Revoke it: ${named(`/eks-access revoke ${id}`)}.`;
    const title = `${cluster.name} has a lease of a person who left`;
    await noteOnce(context, [cluster.name, id], title, { message: `${named(id)} is active, but ${message}.`, remedy });
  }
}
