import { approvedShare, type LeasesFound, otherLeasesOf } from "../../access/lease/cluster-leases.ts";
import type { Cluster, Way } from "../../access/policy/cluster.ts";
import { mayAsk } from "../../access/policy/may-ask.ts";
import { approvalsNeeded } from "../../access/policy/rule.ts";
import { readHolder } from "../../access/principal.ts";
import type { AccessRequest, Preview } from "../../access/record.ts";
import { digestOfChange } from "../../access/seals.ts";
import type { Steps } from "../../aws-auth/index.ts";
import type { ChangePreview, OtherNames, RequestedChange } from "../reconcile/way-adapter.ts";
import { lostRights, outsideHours, type WarningFacts, warningsOf } from "./preview-warnings.ts";

export type PreviewPlan =
  | {
      readonly type: "preview";
      readonly preview: Omit<Preview, "rights" | "seal"> & Partial<Pick<Preview, "rights">>;
      readonly approvalsWanted: number;
    }
  | { readonly type: "refused"; readonly refusal: { readonly code: string; readonly message: string } };

export interface PreviewFacts extends Omit<WarningFacts, "principal"> {
  readonly cluster: Cluster;
  readonly way: Way;
  readonly changeOf: (requested: RequestedChange) => Steps<ChangePreview>;
  /** With the ids of those that still end. */
  readonly leases: LeasesFound & { readonly ending: ReadonlySet<string> };
  readonly others: OtherNames;
  readonly now: Date;
}

export function* planPreview(facts: PreviewFacts, request: AccessRequest): Steps<PreviewPlan> {
  const { cluster, way, changeOf, others, bindings, linked, linksCount, earlier, now } = facts;
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!level) return refused("level-not-offered", `${cluster.name} does not offer ${request.level}.`);
  const reading = readHolder(request.principal);
  if (reading.type === "invalid") return refused(reading.code, reading.message);
  const { principal } = reading;
  const allowed = mayAsk({ ...request, cluster, level, principal }, null);
  if (allowed.type === "refused") return refused(allowed.code, allowed.message);
  const beginning = beginningBeside(facts.leases, request, now);
  const change = yield* changeOf({ request, level, principal, beginning, others });
  if (change.type === "refused") return change;
  const { type: _, warnings, ...shown } = change;
  const leases = otherLeasesOf(request, facts.leases);
  const ending = leases.filter(({ id, groups }) => groups.length > 0 && facts.leases.ending.has(id));
  return {
    type: "preview",
    approvalsWanted: approvalsNeeded(allowed.rule, level, now),
    preview: {
      at: now.toISOString(),
      digest: digestOfChange(request, cluster, level, { base: change.base, way, leases }),
      ...shown,
      diff: startOf(shown.diff),
      leases,
      warnings: [
        ...outsideHours(allowed.rule, now),
        ...lostRights(change.today, change.afterwards, bindings?.users ?? null),
        ...warningsOf(cluster, request, { principal, bindings, linked, linksCount, earlier }),
        ...warnings,
        // One sentence, whatever number of leases a requester ends.
        ...(ending.length > 0 ? [`Ending, and still in "After": ${ending.map(({ id }) => id).join(", ")}.`] : []),
      ].map((warning) => warning.slice(0, longestWarning)),
    },
  };
}

function refused(code: string, message: string): Extract<PreviewPlan, { readonly type: "refused" }> {
  return { type: "refused", refusal: { code, message } };
}

/** Details show less. A line or a name of aws-auth can have a megabyte. */
const longestWarning = 1_000;
const longestDiff = 20_000;
const shownOfLonger = 1_600;

function startOf(diff: string): string {
  if (diff.length <= longestDiff) return diff;
  const left = diff.slice(shownOfLonger).split("\n").length - 1;
  return `${diff.slice(0, shownOfLonger)}\n… and ${left} more line${left === 1 ? "" : "s"}`;
}

function beginningBeside({ beginning, holdings }: LeasesFound, { id, principal }: AccessRequest, now: Date) {
  const key = principal.toLowerCase();
  const held = holdings.get(key)?.shares ?? [];
  return beginning
    .filter((each) => each.id !== id && each.principal.toLowerCase() === key)
    .filter((each) => !held.some((share) => share.id === each.id))
    .map((each) => approvedShare(each, now));
}
