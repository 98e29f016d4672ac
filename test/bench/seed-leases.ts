import { arns, initialAwsAuth } from "../../sandbox/scene.ts";
import { decideClick } from "../../src/access/decide.ts";
import { leasesAnnotation, writeAnnotation } from "../../src/access/lease/annotation.ts";
import { sealWritten } from "../../src/access/lease/holding.ts";
import { activeLease } from "../../src/access/lease/lease.ts";
import type { Holding } from "../../src/access/lease/lease-record.ts";
import { noWithdrawals } from "../../src/access/lease/withdrawal.ts";
import { type Cluster, sealedClusterOf } from "../../src/access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest } from "../../src/access/record.ts";
import { createRequest } from "../../src/access/request.ts";
import { digestOfChange } from "../../src/access/seals.ts";
import { finish } from "../../src/aws-auth/go-yaml/budget.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { eventOf } from "../../src/ledger/lifecycle.ts";
import { settle } from "../../src/worker/reconcile/document-way.ts";
import { inDocument } from "../../src/worker/reconcile/prove.ts";
import { type DocumentSettlement, identityInDocument } from "../../src/worker/reconcile/settle-document.ts";
import type { Bench } from "./bench.ts";
import { userArn } from "./people.ts";

const leaseSeconds = 3600;

/** An active lease, and the moment at which it is over. */
export interface SeededLease {
  readonly principal: string;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/**
 * Puts a cluster's active leases where the product would have put them, with the product's own functions: sealed
 * decisions and records in the ledger, entries and the sealed annotation in the document. Only the hour that would have
 * passed since their approval is left out, and the warning before their end counts as sent.
 */
export async function seedLeases(
  bench: Bench,
  cluster: Cluster,
  ends: readonly number[],
): Promise<readonly SeededLease[]> {
  const approved = ends.map((endsAt, index) => approvedRequest(bench, cluster, userArn(index), endsAt, index));
  const settlement = settled(bench, cluster, approved);
  writeInto(bench, cluster, settlement);
  for (const request of approved) await record(bench, cluster, request, settlement.holdings);
  await bench.ledger.markAdopted(cluster.name);
  return approved.map(({ principal }, index) => ({ principal, endsAt: ends[index] ?? 0 }));
}

function approvedRequest(
  bench: Bench,
  cluster: Cluster,
  principal: string,
  endsAt: number,
  index: number,
): ApprovedRequest {
  const [level] = cluster.levels;
  if (!level) throw new Error(`${cluster.name} offers no level`);
  const decidedAt = new Date(endsAt - leaseSeconds * 1000);
  const requested = {
    id: `r-${cluster.name}-${index}`,
    requester: "U0ENGINEER",
    cluster: cluster.name,
    level: level.name,
    principal,
    groups: level.groups,
    durationSeconds: leaseSeconds,
    reason: "the bench wants to know",
    extends: null,
  };
  const asked = createRequest(requested, new Date(decidedAt.getTime() - 60_000), 3600);
  const digest = digestOfChange(asked, cluster, level, { base: null, way: "aws-auth", leases: [] });
  const afterwards = { username: "engineer", groups: level.groups };
  const preview = {
    at: asked.createdAt,
    digest,
    diff: "",
    base: null,
    way: "aws-auth" as const,
    leases: [],
    today: null,
    afterwards,
    rights: null,
    warnings: [],
    seal: "",
  };
  const previewed = { ...asked, preview };
  const click = { verdict: "approved", by: "U0APPROVER", digest, why: "" } as const;
  const decided = decideClick(previewed, cluster, click, bench.keys.decision, decidedAt);
  if (decided.type === "refused") throw new Error(`the approval was refused: ${decided.code}`);
  if (decided.after.state !== "approved") throw new Error("one approval is not enough");
  return { ...decided.after, version: 1 };
}

function settled(bench: Bench, cluster: Cluster, beginning: readonly ApprovedRequest[]): DocumentSettlement {
  const document = parseDocument(initialAwsAuth);
  const steps = settle({
    cluster,
    way: "aws-auth",
    work: { beginning, ending: [], inForce: [] },
    state: {
      configMap: null,
      owner: null,
      creatorArn: arns.creator,
      document,
      changed: new Map(),
      isRead: () => true,
      identityOf: (arn) => identityInDocument(document, arn),
      signsInAs: (arn) => inDocument(document, arn),
      isUnfinished: false,
      holdings: new Map(),
      lost: new Set(),
      withdrawals: noWithdrawals,
      elsewhere: noWithdrawals,
      untrusted: null,
    },
    closed: new Set(),
    keys: bench.keys,
    approvalGoodForSeconds: leaseSeconds,
    links: new Map(),
    now: new Date(),
  });
  const settlement = finish(steps);
  if (settlement.leased.length !== beginning.length) {
    throw new Error(`the leases of ${cluster.name} can't be given: ${JSON.stringify(settlement)}`);
  }
  return settlement;
}

function writeInto(bench: Bench, cluster: Cluster, { data, holdings }: DocumentSettlement): void {
  const annotation = writeAnnotation(sealedClusterOf(cluster), holdings, bench.keys.memory) ?? "";
  bench.clusters.get(cluster.name)?.editAwsAuth((configMap) => ({
    ...configMap,
    metadata: { ...configMap.metadata, annotations: { [leasesAnnotation]: annotation } },
    data: { ...data },
  }));
}

async function record(
  bench: Bench,
  cluster: Cluster,
  request: AccessRequest,
  holdings: readonly Holding[],
): Promise<void> {
  const holding = holdings.find(({ arn }) => arn === request.principal);
  if (!request.lease || !holding) throw new Error(`${request.id} has no holding`);
  const now = new Date();
  const at = now.toISOString();
  const lease = activeLease(request.lease, {
    writeBegan: at,
    activeSince: at,
    written: sealWritten(sealedClusterOf(cluster), request, holding, bench.keys.memory, "aws-auth"),
    warnAt: at,
    warnedAt: at,
  });
  const event = eventOf("lease.active", request, "worker", now);
  const committed = await bench.ledger.commit({ after: { ...request, lease }, event });
  if (committed.type === "conflict") throw new Error(`${request.id} was there already`);
  await bench.ledger.markShown(request.id, {
    version: request.version,
    message: null,
    copies: [],
    direct: null,
    milestones: [],
  });
}
