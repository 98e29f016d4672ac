import { decideClick } from "../../src/access/decide.ts";
import { activeLease, endedLease, failedLease, scheduleLease } from "../../src/access/lease/lease.ts";
import type { EndProof, Lease, LeaseFields, MappedIdentity, Proof } from "../../src/access/lease/lease-record.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import type {
  AccessRequest,
  ApprovedRequest,
  Decision,
  PendingRequest,
  Preview,
  UndecidedRequest,
} from "../../src/access/record.ts";
import { createRequest } from "../../src/access/request.ts";
import { digestOfChange } from "../../src/access/seals.ts";
import { aCluster } from "./a-cluster.ts";
import { type BothKeys, keys } from "./keys.ts";
import { at, minutes } from "./times.ts";

export const engineerArn = "arn:aws:iam::111122223333:user/engineer";

/** A request that was just made: `U0ENGINEER` asks for `viewer` on `staging` for four hours. */
export function aRequest<const Change extends RequestChange = Unchanged>(
  change?: Change,
): Changed<Change, PendingRequest> {
  const requested = {
    id: "r-1",
    requester: "U0ENGINEER",
    cluster: "staging",
    level: "viewer",
    principal: engineerArn,
    groups: ["eks-access:viewers"],
    durationSeconds: 4 * 3600,
    reason: "the deployment of checkout hangs",
    extends: null,
  };
  return complete(createRequest(requested, at(0), 24 * 3600), change);
}

/** A request that the worker has looked at: approvers can decide about it. */
export function aPreviewedRequest<const Change extends RequestChange = Unchanged>(
  change?: Change,
  base: MappedIdentity | null = null,
  cluster: Cluster = aCluster(),
): Changed<Change, PendingRequest> {
  const request = aRequest<RequestChange>(change);
  const preview = aPreview({ digest: digestNow(request, base, cluster) });
  return complete({ ...request, preview }, change);
}

/** What the worker would compute as the digest of this request's change now. */
export function digestNow(
  request: AccessRequest,
  base: MappedIdentity | null = null,
  cluster: Cluster = aCluster(),
): string {
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!level) throw new Error(`${cluster.name} offers no level ${request.level}.`);
  return digestOfChange(request, cluster, level, { base, way: "aws-auth", leases: [] });
}

export function aPreview(change: Partial<Preview> = {}): Preview {
  return {
    at: at(minutes(1)).toISOString(),
    digest: "d".repeat(64),
    way: "aws-auth",
    diff: `--- mapUsers\n+++ mapUsers\n@@ -0,0 +1,4 @@\n+- userarn: "${engineerArn}"\n`,
    base: null,
    leases: [],
    today: null,
    afterwards: { username: "eks-access:111122223333:engineer", groups: ["eks-access:viewers"] },
    rights: [
      {
        group: "eks-access:viewers",
        role: "ClusterRole view",
        where: "in every namespace",
        allows: "read pods, pods/log, deployments, services, configmaps, events and 31 more",
      },
    ],
    warnings: [],
    seal: "",
    ...change,
  };
}

/** A request that `U0APPROVER` approved after two minutes, with a seal that holds, before the worker has written. */
export function anApprovedRequest<const Change extends RequestChange = Unchanged>(
  change?: Change,
  options: { base?: MappedIdentity | null; cluster?: Cluster; keys?: BothKeys } = {},
): Changed<Change, ApprovedRequest> {
  const { base = null, cluster = aCluster(), keys: from = keys } = options;
  const request = aPreviewedRequest<RequestChange>(change, base, cluster);
  const click = { verdict: "approved", by: "U0APPROVER", digest: request.preview?.digest ?? "", why: "" } as const;
  const decided = decideClick(request, cluster, click, from.decision, at(minutes(2)));
  if (decided.type === "refused") throw new Error(`The builder's approval was refused: ${decided.code}.`);
  return complete({ ...decided.after, version: 3 }, change);
}

/** A request whose lease is in another state than `scheduled`. */
export function aLeasedRequest<const Change extends RequestChange = Unchanged>(
  lease: LeaseChange,
  change?: Change,
): Changed<Change, ApprovedRequest> {
  const request = anApprovedRequest<RequestChange>(change);
  const scheduled = request.lease ?? scheduleLease(request, at(minutes(2)));
  const proof = lease.proof === undefined ? aProof() : lease.proof;
  const activeSince = proof?.at ?? null;
  const leased = { lease: aLease(scheduled, { state: "active", proof, activeSince, ...lease }), version: 4 };
  return complete({ ...request, ...leased }, change);
}

const anyFailure = { code: "unexpected", message: "Something failed." };

/** Any field of a request, also one of another state. */
export type RequestChange = Partial<Pick<AccessRequest, keyof AccessRequest>>;

type Unchanged = Record<never, never>;

type In<State> = State extends UndecidedRequest["state"]
  ? UndecidedRequest
  : Extract<AccessRequest, { readonly state: State }>;

/** A request of the state that the change names, or of the one from before. */
type Changed<Change, Before> = "state" extends keyof Change
  ? Change extends { readonly state: infer State }
    ? In<State>
    : AccessRequest
  : Before;

/** The request with this change, valid again. */
export function changed<Before extends AccessRequest, const Change extends RequestChange>(
  before: Before,
  change: Change,
): Changed<Change, Before> {
  return complete(before, change);
}

/** The next version of a request, whatever the change. */
export function revise<Before extends AccessRequest, const Change extends RequestChange>(
  before: Before,
  change: Change,
): Changed<Change, Before> {
  return complete({ ...before, version: before.version + 1 }, change);
}

/** The request with what its state can't be without, and without what it can't have. */
function complete<Change, Before>(request: RequestChange, change: RequestChange = {}): Changed<Change, Before> {
  const { state, denial, refusal, lease, emergency, ...fields } = { ...request, ...change };
  const requested = { durationSeconds: 0, until: null, ...fields };
  const ofState = {
    denial: state === "denied" ? (denial ?? aDecision({ verdict: "denied", why: "not now" })) : null,
    refusal: state === "refused" ? (refusal ?? anyFailure) : null,
    lease: state === "approved" ? (lease ?? scheduleLease(requested, at(minutes(2)))) : null,
    emergency: state === "approved" ? (emergency ?? null) : null,
  };
  return { ...fields, state, ...ofState } as Changed<Change, Before>;
}

/** Any change of a lease, also one of its state. */
export type LeaseChange = { readonly [Field in keyof LeaseFields | "state" | "endedAt" | "failure"]?: Lease[Field] };

/** The lease with this change, and with what its state can't be without, where the test does not say it. */
export function aLease(before: Lease, change: LeaseChange): Lease {
  const { state = before.state, endedAt = before.endedAt, failure = before.failure, ...rest } = change;
  const lease = { ...before, ...rest };
  if (state === "active") return activeLease(lease, { activeSince: lease.activeSince ?? at(minutes(3)).toISOString() });
  if (state === "ended") return endedLease(lease, endedAt ?? lease.endsAt, {});
  if (state === "failed") return failedLease(lease, failure ?? anyFailure, {});
  return { ...lease, state, endedAt: null, failure: null };
}

/** An approval by `U0APPROVER` with a seal of no key. */
export function aDecision(change: Partial<Decision> = {}): Decision {
  return {
    verdict: "approved",
    by: "U0APPROVER",
    at: at(minutes(2)).toISOString(),
    digest: "d".repeat(64),
    why: "",
    memberships: [],
    requester: null,
    linked: null,
    stillApprovers: [],
    seal: "00000000.00",
    ...change,
  };
}

export function anEndProof(change: Partial<EndProof> = {}): EndProof {
  return {
    at: at(minutes(3)).toISOString(),
    mapped: { result: "no", detail: "not in aws-auth" },
    authorized: { result: "no", detail: "can't list pods in default, asked as eks-access:111122223333:engineer" },
    reviewedAs: { username: "eks-access:111122223333:engineer", groups: [] },
    others: [],
    trouble: null,
    ...change,
  };
}

export function aProof(change: Partial<Proof> = {}): Proof {
  return {
    at: at(minutes(3)).toISOString(),
    mapped: { result: "yes", detail: "eks-access:111122223333:engineer with eks-access:viewers" },
    authorized: { result: "yes", detail: "can list pods in default" },
    reviewedAs: { username: "eks-access:111122223333:engineer", groups: ["eks-access:viewers"] },
    entryArn: null,
    signedIn: { result: "not tested", detail: "only the IAM user has its keys" },
    auditIds: [],
    ...change,
  };
}
