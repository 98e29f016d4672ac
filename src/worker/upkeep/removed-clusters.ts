import type { Migration } from "../../access/migration.ts";
import { sealNotice } from "../../access/shared-lists.ts";
import { counted, named, untilWords } from "../../diagnosis/link.ts";
import { leftOpen } from "../../ledger/look-ups.ts";
import { inTurn } from "../../ledger/turns.ts";
import { recordedEvents } from "../../operations/announcements.ts";
import type { WorkerContext } from "../context.ts";

export const removedEveryMs = 60_000;
const dayMs = 24 * 3_600_000;
const maxLines = 20;

/** A running process keeps a cluster with leases; one that starts without it can't end them. The operators hear of each cluster once a day. */
export function reportRemoved(context: WorkerContext): Promise<void> {
  const { clusters, fleet } = context.config;
  return context.failures.during("could not look for removed clusters", {}, async () => {
    // The list of the fleet can still be missing: none of its clusters is removed.
    if (fleet && fleet.names.size + fleet.problems.length === 0) return;
    for (const [name, { migration }] of await leftOpen(context.ledger, clusters))
      await reportLeft(context, name, migration);
  });
}

async function reportLeft({ ledger, keys, log, now }: WorkerContext, cluster: string, migration?: Migration) {
  const open = await ledger.leasedOf(cluster);
  const leases = open.filter(({ lease }) => lease.state === "active" || lease.writeBegan !== null);
  const unable = [
    ...(leases.length > 0 ? [`end its ${counted(leases.length, "lease")}`] : []),
    ...(migration ? [`finish its ${migration.kind ?? "migration"}`] : []),
  ];
  if (unable.length === 0) return;
  const turn = `removed-${cluster}`;
  await inTurn(ledger, turn, dayMs, async () => {
    const detail = { leases: leases.map(({ id }) => id), ...(migration && { migration: migration.id }) };
    log.error({ cluster, ...detail }, "a cluster with leases or a migration is not configured");
    const at = now().toISOString();
    const found = { type: "cluster.removed", at, actor: "worker", request: "", cluster, detail } as const;
    await ledger.append(found);
    recordedEvents.publish(found);
    const title = `${cluster} is not in eks-access.yml: this worker can't ${unable.join(" and ")}`;
    const each = leases.map((lease) => `${named(lease.id)} of ${named(lease.principal)} ${untilWords(lease)}`);
    const lines = [
      `Add ${cluster} again until they end. If it was deleted, run eks-access retire ${cluster}.`,
      ...(leases.length > 0 ? [`Otherwise, follow ${named("Remove access by hand")} in docs/operating.md.`] : []),
      ...(migration ? [named(migration.id)] : []),
      ...each.slice(0, maxLines),
      ...(each.length > maxLines ? [`${each.length - maxLines} more`] : []),
    ];
    await ledger.addNotice(sealNotice({ id: `${turn}-${at}`, at, title, lines }, keys.preview));
  });
}
