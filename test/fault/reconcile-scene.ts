import { account, clusterName, configuration } from "../../sandbox/scene.ts";
import { decideClick } from "../../src/access/decide.ts";
import { otherLeasesInLedger } from "../../src/access/lease/cluster-leases.ts";
import type { Cluster, Way } from "../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { createRequest } from "../../src/access/request.ts";
import { digestOfChange, type SeenInCluster } from "../../src/access/seals.ts";
import type { Config } from "../../src/config/config.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { clusterIn, configOf } from "../builders/a-cluster.ts";
import { aPreview } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { keys } from "../builders/keys.ts";

/** What is asked for: two leases of one principal that overlap, and one of another that no one has decided yet. */
export const wishes = {
  short: { id: "r-short", level: "viewer", principal: arnOf("engineer"), durationSeconds: 60 },
  long: { id: "r-long", level: "admin", principal: arnOf("engineer"), durationSeconds: 3_600 },
  undecided: { id: "r-undecided", level: "viewer", principal: arnOf("colleague"), durationSeconds: 3_600 },
} as const;

export function arnOf(user: string): string {
  return `arn:aws:iam::${account}:user/${user}`;
}

/** The sandbox's configuration, with its one cluster. */
export function sceneConfig(
  change: Partial<Pick<Cluster, "createAwsAuth" | "drift">> = {},
  edit: (text: string) => string = (text) => text,
): {
  config: Config;
  cluster: Cluster;
} {
  const lines = Object.entries(change).map(([name, value]) => `    ${name}: ${value}\n`);
  const config = configOf(edit(configuration.replace("    channel:", `${lines.join("")}    channel:`)));
  return { config, cluster: clusterIn(config, clusterName) };
}

/** Puts the three requests into an empty ledger: two approved one after the other, with seals that hold, and one to be decided. */
export async function fillLedger(
  ledger: Ledger,
  cluster: Cluster,
  now: Date,
  way: Way = "aws-auth",
  baseOf: (request: AccessRequest) => SeenInCluster["base"] = () => null,
  principalOf: (principal: string) => string = (principal) => principal,
): Promise<void> {
  for (const requested of Object.values(wishes)) {
    const asked = { ...askedFor(requested, cluster, now), principal: principalOf(requested.principal) };
    await ledger.commit(aChange(asked));
    const leases = otherLeasesInLedger(asked, await ledger.leasedOf(cluster.name), new Set(), now);
    const preview = aPreview({ way, leases, digest: digestNow(asked, cluster, { base: baseOf(asked), way, leases }) });
    const previewed = { ...asked, version: 2, preview };
    await ledger.commit(aChange(previewed, "request.previewed"));
    if (requested === wishes.undecided) continue;
    await ledger.commit(aChange(approved(previewed, cluster, now), "request.approved"));
  }
}

function askedFor(requested: (typeof wishes)[keyof typeof wishes], cluster: Cluster, now: Date): AccessRequest {
  const groups = cluster.levels.find((level) => level.name === requested.level)?.groups ?? [];
  const rest = { requester: "U0ENGINEER", cluster: cluster.name, groups, reason: "interleaving", extends: null };
  return createRequest({ ...requested, ...rest }, now, 3_600);
}

function digestNow(request: AccessRequest, cluster: Cluster, seen: SeenInCluster): string {
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!level) throw new Error(`${cluster.name} offers no level ${request.level}.`);
  return digestOfChange(request, cluster, level, seen);
}

function approved(request: AccessRequest, cluster: Cluster, now: Date): AccessRequest {
  const click = { verdict: "approved", by: "U0APPROVER", digest: request.preview?.digest ?? "", why: "" } as const;
  const decided = decideClick(request, cluster, click, keys.decision, now);
  if (decided.type === "refused") throw new Error(`The approval was refused: ${decided.code}.`);
  return decided.after;
}
