import { createHash } from "node:crypto";
import type { Notice } from "../../access/audit/notice.ts";
import type { FleetChange } from "../../access/policy/next-fleet.ts";
import type { Labels } from "../../access/policy/selector.ts";

/** The rest is in the worker's log. */
const maxLines = 30;

/** What changed in the fleet, for the operators. @param before when the list before was made */
export function fleetNotice(before: string, changes: readonly FleetChange[], at: string): Notice {
  const all = changes.map(sentenceOf);
  const more = all.length > maxLines ? [`… and ${all.length - maxLines} more, in the worker's log.`] : [];
  const digest = createHash("sha256")
    .update(JSON.stringify([before, all]))
    .digest("hex")
    .slice(0, 32);
  return { id: `fleet-${digest}`, at, title: "The fleet changed", lines: [...all.slice(0, maxLines), ...more] };
}

function sentenceOf(change: FleetChange): string {
  const { eksName, region, account, tags } = change;
  const cluster = `${eksName} in ${region} of account ${account}`;
  if (change.type === "added") return `New: ${cluster}, with ${tagText(tags)}.`;
  if (change.type === "gone") {
    return `Gone: ${cluster}. It takes no requests now. Its leases end as planned.`;
  }
  if (change.type === "removed") return `Removed: ${cluster}. No lease is open there.`;
  if (change.type !== "changed") return `Restored: ${cluster} has ${tagText(tags)} again.`;
  const what = `${cluster} has ${tagText(tags)} instead of ${tagText(change.from)}.`;
  if (change.countsAt === null) return `Changed: ${what} This counts now.`;
  return `Changed: ${what} This counts from ${change.countsAt.slice(0, 16).replace("T", " ")} UTC. To prevent it, restore the tags or write the cluster into eks-access.yml.`;
}

function tagText(tags: Labels): string {
  const texts = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
  return texts.length > 0 ? texts.join(", ") : "no tag that decides";
}
