import type { LinkedArns } from "../../access/approval/links.ts";
import type { WorkerKeys } from "../../access/approval/seal.ts";
import type { AccessError } from "../../access/failure/access-error.ts";
import type { Drift } from "../../access/lease/drift.ts";
import type { DueWork } from "../../access/lease/due-work.ts";
import type { EntryTarget } from "../../access/lease/holding.ts";
import type { Holding, Share } from "../../access/lease/lease-record.ts";
import type { MappedIdentity } from "../../access/lease/proof-record.ts";
import type { Withdrawals } from "../../access/lease/withdrawal.ts";
import type { Cluster, Level, Way } from "../../access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest, Preview } from "../../access/request/record.ts";
import type { Holder, Refusal } from "../../aws-auth/index.ts";
import type { WorkerContext } from "../context.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import type { OtherNames } from "./other-names.ts";
import type { ReadBack } from "./prove.ts";

/**
 * One way in which a cluster takes leases: by `aws-auth` (`document-way.ts`), by access entries (`entry-way.ts`) or by bindings (`binding-way.ts`).
 * A run drives each through the same steps (`reconcile-way.ts`), and test/worker/reconcile/way-adapter.contract.test.ts is what all
 * have to do.
 */
export interface WayAdapter<State extends WayState, Decided extends Settlement> {
  readonly way: Way;
  /** Whether a request's principal is taken this way now. */
  readonly isTaken: (request: AccessRequest) => boolean;
  /** Begins a try: what another run, or the try before, has not sent yet it must not send any more. */
  readonly begin: () => Promise<void>;
  /**
   * Reads what is there, and what of it is ours.
   * @param open the cluster's open requests that are taken this way
   * @throws AccessError
   */
  readonly read: (open: readonly AccessRequest[]) => Promise<State>;
  /** What one request would change, or why it can't be done: what an approver reads. Pure. */
  readonly preview: (state: State, wish: RequestedChange) => ChangePreview;
  /** Decides what must be there: a pure function of what was read. */
  readonly settle: (input: SettleInput<State>) => Decided;
  /** Tries what can be tried before anything changes. @throws AccessError */
  readonly prepare: (state: State, decided: Decided) => Promise<Prepared>;
}

/** Where a cluster is, and what it takes to change it. */
export interface WayPlace {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
  readonly opened: OpenedCluster;
}

/** What one reading says. */
export interface WayState {
  /** Who created the cluster: no lease may be the creator's. */
  readonly creatorArn: string;
  /** Whether it was read what a principal has. What was not read, a run leaves as it is. */
  readonly isRead: (principal: string) => boolean;
  /** What of it is ours, by lower-case ARN. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** The lower-case ARNs whose part in the cluster's own memory a person took out. */
  readonly lost: ReadonlySet<string>;
  /** Which approvals were taken back before their end, as this way's own memory has it. */
  readonly withdrawals: Withdrawals;
  /** What the cluster's other memory has: a principal's way can change, and a mode. */
  readonly elsewhere: Withdrawals;
  /** Why the cluster's own memory is not believed; null: it is, or there is none. It is written anew with the next change. */
  readonly untrusted: string | null;
  /** Who a principal is there, ours and others' part together. */
  readonly identityOf: (arn: string) => MappedIdentity | null;
  /** What an approval of a request depends on here. Absent: the principal's entry without our part. */
  readonly baseFor?: (request: AccessRequest) => MappedIdentity | null;
  /** Who a principal is when it signs in. */
  readonly signsInAs: (arn: string) => ReadBack;
  /** Whether a run that died has left something there that the next write takes away. */
  readonly isUnfinished: boolean;
}

/** What a person asks for, with what it names. */
export interface RequestedChange {
  readonly request: AccessRequest;
  readonly level: Level;
  readonly principal: Holder;
  /** Of leases of the same principal that are approved, and not written yet. */
  readonly beginning: readonly Share[];
  /** Beside the entries that the way reads. */
  readonly others: OtherNames;
}

/** What of a preview depends on the way. */
export type ChangePreview =
  | ({ readonly type: "change" } & Pick<
      Preview,
      "way" | "diff" | "base" | "today" | "afterwards" | "warnings"
    > /** What it allows, where the way knows; absent: what RBAC binds to its groups. */ & {
        readonly rights?: Preview["rights"];
      })
  | { readonly type: "refused"; readonly refusal: Pick<Refusal, "code" | "message"> };

/** What a decision is made from. */
export interface SettleInput<State extends WayState = WayState> {
  readonly cluster: Cluster;
  readonly work: DueWork;
  readonly state: State;
  /** Ids named by the cluster's own memory that the ledger knows to be over, or to be given the other way. */
  readonly closed: ReadonlySet<string>;
  readonly keys: WorkerKeys;
  /** Within this of its last approval the first write of a lease has to begin. */
  readonly approvalGoodForSeconds: number;
  /** By Slack user id: the ARN that an approver is linked with, where our seal says so. */
  readonly links: LinkedArns;
  readonly now: Date;
}

/** A lease whose approval does not hold for what would be written now. */
export interface VoidApproval {
  readonly request: ApprovedRequest;
  readonly message: string;
  /** Why something of it may still arrive there: only when nothing can, it is asked for again. Null: nothing can. */
  readonly doubt: AccessError | null;
}

/** A lease that the plan leaves out, with the reason. */
export interface RefusedLease {
  readonly request: ApprovedRequest;
  readonly refusal: Refusal;
}

/** A decision about one way of one cluster: a pure value of what was read. */
export interface Settlement {
  readonly voided: readonly VoidApproval[];
  /** Arriving leases that can't be taken. */
  readonly refused: readonly RefusedLease[];
  /** Leases that end, but whose entry can't be changed now: the next run tries again. */
  readonly stuck: readonly RefusedLease[];
  /** Arriving leases that are given. */
  readonly granted: readonly ApprovedRequest[];
  readonly leaving: readonly ApprovedRequest[];
  /** In force, and given as they should be. */
  readonly holding: readonly ApprovedRequest[];
  /** In force, but their part is gone and stays gone. */
  readonly drifted: readonly Drift[];
  /** In force; their part is gone and is put back. */
  readonly repaired: readonly ApprovedRequest[];
  /** The entry that each principal with something to be done must have, by lower-case ARN. */
  readonly targets: ReadonlyMap<string, EntryTarget>;
}

export type Prepared =
  | {
      readonly type: "ready";
      /** Whether something is sent for a lease: its record has to say so before. */
      readonly isSentFor: (request: ApprovedRequest) => boolean;
      /**
       * Sends it, and reads back what is there then.
       * @throws AccessError `cluster-conflict` where another person's change came in between, for all of them
       */
      readonly send: () => Promise<Outcomes>;
    }
  /** Something had to be made first: everything from the reading again. `why` is thrown where that does not come to an end. */
  | { readonly type: "again"; readonly why: AccessError };

/** What became of it, as it was read back. */
export interface Outcomes {
  /** Why what a principal has is not what was decided; null: it is. */
  readonly failureOf: (principal: string) => WriteFailure | null;
  /** Who a principal is. */
  readonly readBackOf: (principal: string) => ReadBack;
  /** What of a principal's entry is left. */
  readonly remainsOf: (principal: string) => MappedIdentity | null;
  /** Whether the cluster could not remember that a lease was taken back before its end. */
  readonly isForgotten: (request: ApprovedRequest) => boolean;
  /** Why something of a lease may be there, or may still arrive; null: nothing can. */
  readonly doubtOf: (request: ApprovedRequest) => AccessError | null;
}

export interface WriteFailure {
  /** `conflict`: another person's change came in between. `refused`: nothing of what was sent has been taken, for certain. */
  readonly kind: "conflict" | "refused" | "failed";
  readonly error: unknown;
}
