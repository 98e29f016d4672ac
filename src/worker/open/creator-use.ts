import type { AuditEvent } from "../../access/audit/event.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { creatorArnOf, type KnownCreator } from "../../access/policy/creator.ts";
import type { EventLedger } from "../../ledger/ledger.ts";
import { type DiscoveryContext, knownCreator } from "./discover-creator.ts";

/** Why a command becomes the creator of a cluster with an operator. No job does. */
export type CreatorUse = "bootstrap" | "rescue";

type UseContext = DiscoveryContext & { readonly ledger: Pick<EventLedger, "append"> };

/**
 * The creator of a cluster, for a caller that becomes it next. If the cluster has an operator, the audit log has each
 * use.
 * @param actor a Slack user id, or `worker`
 * @throws AccessError
 */
export async function creatorFor(
  context: UseContext,
  cluster: Cluster,
  use: CreatorUse,
  actor = "worker",
): Promise<KnownCreator> {
  const creator = await knownCreator(context, cluster);
  await noteCreatorUse(context, cluster, creator, use, actor);
  return creator;
}

/** Notes in the audit log that the caller becomes the creator, if there is an operator. @throws AccessError */
export async function noteCreatorUse(
  { ledger, now }: { readonly ledger: Pick<EventLedger, "append">; readonly now: () => Date },
  cluster: Cluster,
  creator: KnownCreator,
  use: CreatorUse,
  actor = "worker",
): Promise<void> {
  if (!cluster.operator) return;
  const detail = { creator: creatorArnOf(creator), operator: cluster.operator.roleArn, use };
  const at = now().toISOString();
  const about = { at, actor, request: nameOfUses(cluster), cluster: cluster.name };
  await ledger.append({ type: "creator.used", ...about, detail });
}

/** When a command last became the creator beside an operator, and why; null: the audit log has no use. @throws AccessError */
export async function lastCreatorUse(
  ledger: Pick<EventLedger, "eventsOf">,
  cluster: Cluster,
): Promise<AuditEvent | null> {
  const events = await ledger.eventsOf(nameOfUses(cluster), 1);
  return events.at(-1)?.event ?? null;
}

/** A record's id has no slash. */
function nameOfUses({ name }: Cluster): string {
  return `creator/${name}`;
}
