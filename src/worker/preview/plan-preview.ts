import { shareOf } from "../../access/lease/due-work.ts";
import { lostRights } from "../../access/lease/lost-rights.ts";
import { type LeasesFound, leasesBeside } from "../../access/lease/other-leases.ts";
import type { Cluster, Rule } from "../../access/policy/cluster.ts";
import { hoursInWords } from "../../access/policy/hours.ts";
import { mayAsk } from "../../access/policy/may-ask.ts";
import { approvalsNeeded, isOutside } from "../../access/policy/rule.ts";
import type { Way } from "../../access/policy/way.ts";
import { digestOfChange } from "../../access/request/digest.ts";
import type { AccessRequest, Preview, Share } from "../../access/request/record.ts";
import { readPrincipal } from "../../aws-auth/index.ts";
import type { ChangePreview, RequestedChange } from "../reconcile/way-adapter.ts";
import { type WarningFacts, warningsOf } from "./preview-warnings.ts";

export type PreviewPlan =
  | { readonly type: "preview"; readonly preview: Omit<Preview, "rights" | "seal">; readonly approvalsWanted: number }
  | { readonly type: "refused"; readonly refusal: { readonly code: string; readonly message: string } };

/** What was seen of a cluster, for one request. */
export interface PreviewFacts extends Omit<WarningFacts, "principal"> {
  readonly cluster: Cluster;
  /** How the cluster would take it, and what that would change. */
  readonly way: Way;
  readonly changeOf: (wish: RequestedChange) => ChangePreview;
  readonly leases: LeasesFound;
  readonly now: Date;
}

/** What would change, and for whom; or why it can't be done. */
export function planPreview(facts: PreviewFacts, request: AccessRequest): PreviewPlan {
  const { cluster, way, changeOf, bindings, linked, earlier, now } = facts;
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!level) return refused("level-not-offered", `${cluster.name} does not offer ${request.level} any more.`);
  const reading = readPrincipal(request.principal);
  if (reading.type === "invalid") return refused(reading.code, reading.message);
  const { principal } = reading;
  const allowed = mayAsk({ ...request, cluster, level, principal }, null);
  if (allowed.type === "refused") return refused(allowed.code, allowed.message);
  const change = changeOf({ request, level, principal, beginning: beginningBeside(facts.leases, request, now) });
  if (change.type === "refused") return change;
  const { type: _, warnings, ...shown } = change;
  const leases = leasesBeside(request, facts.leases);
  return {
    type: "preview",
    approvalsWanted: approvalsNeeded(allowed.rule, level, now),
    preview: {
      at: now.toISOString(),
      digest: digestOfChange(request, cluster, level, { base: change.base, way, leases }),
      ...shown,
      leases,
      warnings: [
        ...outsideHours(allowed.rule, now),
        ...lostRights(change.today, change.afterwards, bindings?.users ?? null),
        ...warningsOf(cluster, request, { principal, bindings, linked, earlier }),
        ...warnings,
      ],
    },
  };
}

/** What is approved for the same principal, and written before: the change is planned on top of it. */
function beginningBeside(
  { beginning, holdings }: LeasesFound,
  { id, principal }: AccessRequest,
  now: Date,
): readonly Share[] {
  const key = principal.toLowerCase();
  const held = holdings.get(key)?.shares ?? [];
  return beginning
    .filter((each) => each.id !== id && each.principal.toLowerCase() === key)
    .filter((each) => !held.some((share) => share.id === each.id))
    .map((each) => shareOf(each, now));
}

function outsideHours(rule: Rule, now: Date): string[] {
  if (!rule.hours || !isOutside(rule, now)) return [];
  const more = rule.hours.outside === "one-more-approval" ? ", where it takes one approval more" : "";
  return [`Asked outside working hours${more}: they are ${hoursInWords(rule.hours)}.`];
}

function refused(code: string, message: string): PreviewPlan {
  return { type: "refused", refusal: { code, message } };
}
