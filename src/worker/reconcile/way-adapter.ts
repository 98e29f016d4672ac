import type { AccessError } from "../../access/access-error.ts";
import type { LinkedArns } from "../../access/identities.ts";
import type { DueWork } from "../../access/lease/cluster-leases.ts";
import type { Drift } from "../../access/lease/drift.ts";
import type { EntryTarget } from "../../access/lease/holding.ts";
import type { Holding, MappedIdentity, Share } from "../../access/lease/lease-record.ts";
import type { Withdrawals } from "../../access/lease/withdrawal.ts";
import type { Cluster, Level, Way } from "../../access/policy/cluster.ts";
import type { RoleSeen } from "../../access/policy/rights.ts";
import type { Holder, Refusal } from "../../access/principal.ts";
import type { AccessRequest, ApprovedRequest, Preview } from "../../access/record.ts";
import type { WorkerKeys } from "../../access/seal.ts";
import type { NamedEntry, Steps } from "../../aws-auth/index.ts";
import type { WorkerContext } from "../context.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import type { ReadBack } from "./prove.ts";
import type { AuthorizationReview } from "./review.ts";

/** Of a failure of a run: a newer one reads everything again. */
export const overtaken = { remedy: "Do nothing: the newer run continues." } as const;

/** A run drives each through the same steps (`reconcile-way.ts`), and way-adapter.contract.test.ts is their contract. */
export interface WayAdapter<State extends WayState, Decided extends Settlement> {
  readonly way: Way;
  /** Whether a request's principal uses this way now. */
  readonly isTaken: (request: AccessRequest) => boolean;
  /** Present: EKS or the API server does not show the other ways, so a run only ends leases here. */
  readonly unlisted?: Unlisted;
  /** Why another way may still have the access of a lease that ends here; null: none has. Absent: no other way is looked at. */
  readonly whyHeldElsewhere?: (request: ApprovedRequest) => Promise<unknown>;
  /** Begins a try: earlier runs and tries send nothing more. */
  readonly begin: () => Promise<void>;
  /** @param open the cluster's open requests of this way @throws AccessError */
  readonly read: (open: readonly AccessRequest[]) => Promise<State>;
  /** One request's change, or why it is impossible, for an approver. Pure. */
  readonly preview: (state: State, requested: RequestedChange) => Steps<ChangePreview>;
  readonly settle: (input: SettleInput<State>) => Steps<Decided>;
  /** Checks as much as possible before anything changes. @param isLast no try of this run follows @throws AccessError */
  readonly prepare: (state: State, decided: Decided, isLast: boolean) => Promise<Prepared>;
}

export interface Unlisted {
  readonly why: unknown;
  /** Whether a worker sealed that this way alone has a part of the lease. The record of another waits for the list. */
  readonly isSure: (request: AccessRequest) => boolean;
}

export interface WayContext {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
  readonly opened: OpenedCluster;
}

export interface WayState {
  /** The cluster's creator: it can't get a lease. Null: only CloudTrail knows it, and the operator needs no creator. */
  readonly creatorArn: string | null;
  /** Whether a run has read a principal. It leaves the others as they are. */
  readonly isRead: (principal: string) => boolean;
  /** Our part, by lower-case ARN. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** Shares beside these: they only let people sign in, and the way gives access elsewhere. Absent: none. */
  readonly signInShares?: readonly Share[];
  /** The lower-case ARNs of the parts that a person removed from the cluster's own memory. */
  readonly lost: ReadonlySet<string>;
  /** By lower-case ARN: our entries that differ from our last write, which a run writes again. Absent: none. */
  readonly changed?: ReadonlyMap<string, unknown>;
  readonly withdrawals: Withdrawals;
  /** The withdrawals in the cluster's other memory: a principal's way, or the mode, can change. */
  readonly elsewhere: Withdrawals;
  /** Null: it is trusted, or there is none. The next change writes it again. */
  readonly untrusted: string | null;
  /** With our part and others'. */
  readonly identityOf: (arn: string) => MappedIdentity | null;
  /** The base that an approval depends on. Absent: the principal's entry without our part. */
  readonly baseFor?: (request: AccessRequest) => MappedIdentity | null;
  readonly signsInAs: (arn: string) => ReadBack;
  /** What the roles of requests without a lease allow, by the level's text. Absent: the way binds none. */
  readonly roles?: ReadonlyMap<string, RoleSeen>;
  /** Whether a dead run left something that the next write removes. */
  readonly isUnfinished: boolean;
}

export interface RequestedChange {
  readonly request: AccessRequest;
  readonly level: Level;
  readonly principal: Holder;
  /** Of approved leases of the same principal that are not written yet. */
  readonly beginning: readonly Share[];
  /** Beside the entries that the way reads. */
  readonly others: OtherNames;
}

export type ChangePreview =
  | ({ readonly type: "change" } & Pick<
      Preview,
      "way" | "diff" | "base" | "today" | "afterwards" | "warnings"
    > /** What it allows, where the way knows; absent: what RBAC binds to its groups. */ & {
        readonly rights?: Preview["rights"];
      })
  | { readonly type: "refused"; readonly refusal: Pick<Refusal, "code" | "message"> };

export interface SettleInput<State extends WayState = WayState> {
  readonly cluster: Cluster;
  readonly way: Way;
  readonly work: DueWork;
  readonly state: State;
  /** Ids in the cluster's own memory that are over in the ledger, or given another way. */
  readonly closed: ReadonlySet<string>;
  /** Those of them that ended. A copy of the cluster's own memory from before a revocation does not have it. */
  readonly revoked?: ReadonlySet<string>;
  /** Ids of extensions whose lease was ended early: the revocation did not find one that was approved in the same moment. */
  readonly ofRevoked?: ReadonlySet<string>;
  readonly keys: WorkerKeys;
  /** How long after its last approval the first write of a lease can begin. */
  readonly approvalGoodForSeconds: number;
  readonly links: LinkedArns;
  readonly now: Date;
  /** The API server refuses these entries' repairs. */
  readonly unrepairable?: Refusals;
  /** The API server refuses every change of these entries. */
  readonly unwritable?: Refusals;
  /** The worker has no ledger, so the cluster remembers its removals for the records. */
  readonly withoutLedger?: boolean;
}

/** By lower-case ARN. */
export type Refusals = ReadonlyMap<string, Refusal>;

/** A lease with an approval that does not cover the present change. */
export interface VoidApproval {
  readonly request: ApprovedRequest;
  readonly message: string;
  /** Why a part of it can still arrive; the approvers decide again only when none can. Null: none can. */
  readonly whyStillThere: AccessError | null;
}

export type RefusedLease = { readonly request: ApprovedRequest; readonly refusal: Refusal };

export interface Settlement {
  readonly voided: readonly VoidApproval[];
  readonly refused: readonly RefusedLease[];
  /** Ending leases of an entry that can't change now: the next run tries again. */
  readonly stuck: readonly RefusedLease[];
  readonly leased: readonly ApprovedRequest[];
  readonly ending: readonly ApprovedRequest[];
  readonly complete: readonly ApprovedRequest[];
  /** Active, but others removed their part, and it stays gone. */
  readonly drifted: readonly Drift[];
  /** Active; others removed their part, and the run restores it. */
  readonly repaired: readonly ApprovedRequest[];
  /** The entry that each touched principal must have, by lower-case ARN. */
  readonly targets: ReadonlyMap<string, EntryTarget>;
}

export type Prepared =
  | {
      readonly type: "ready";
      /** Whether a call is sent for a lease: its record must say so before. */
      readonly isSentFor: (request: ApprovedRequest) => boolean;
      /** Sends it, and reads the result back. @throws AccessError `cluster-conflict` after a concurrent edit */
      readonly send: (review: ReviewGiven) => Promise<Outcomes>;
    }
  /** The API server refuses these entries, and perhaps no others: the run plans again without them. */
  | { readonly type: "refused"; readonly refusals: Refusals }
  /** It had to create something first, so the run reads everything again, and throws `why` if that never ends. */
  | { readonly type: "again"; readonly why: AccessError };

/** Asks the API server about a lease that was written, as this identity. */
export type ReviewGiven = (request: ApprovedRequest, identity: MappedIdentity | null) => Promise<AuthorizationReview>;

export interface Outcomes {
  /** Why a principal's entry differs from the decision; null: it does not. @param lease only what it has, where the way gives it by itself */
  readonly failureOf: (principal: string, lease?: string) => WriteFailure | null;
  readonly readBackOf: (principal: string) => ReadBack;
  /** What the API server answers to questions that began beside the read-back, after every write; undefined: it was not asked as this identity. */
  readonly reviewOf?: (
    request: ApprovedRequest,
    identity: MappedIdentity | null,
  ) => Promise<AuthorizationReview> | undefined;
  readonly remainsOf: (principal: string) => MappedIdentity | null;
  /** Whether the cluster could not remember a lease's early end. */
  readonly isForgotten: (request: ApprovedRequest) => boolean;
  /** Why the cluster can have a part of a lease, or can still get it; null: it can't. */
  readonly whyStillThere: (request: ApprovedRequest) => AccessError | null;
}

export interface WriteFailure {
  /** `conflict`: a concurrent edit. `refused`: nothing was written. `changed`: a webhook gave more than approved; `undone`: and it is gone. */
  readonly kind: "conflict" | "refused" | "failed" | "changed" | "undone";
  readonly error: unknown;
}

/** The usernames of other access entries. To Kubernetes two principals with one username are one user. */
export type OtherNames = { readonly entries: readonly NamedEntry[]; readonly unread: number };

/** One run of one way of a cluster. */
export type WayRun = Pick<WayContext, "context" | "cluster"> & {
  readonly adapter: Pick<WayAdapter<WayState, Settlement>, "way" | "unlisted" | "isTaken" | "whyHeldElsewhere">;
};
