import { AccessError } from "../../access/access-error.ts";
import {
  type AnnotationRoom,
  fenceAnnotation,
  fitsAnnotation,
  noRoomWords,
  roomIn,
} from "../../access/lease/annotation.ts";
import { holdingsOfBegun, shareInCluster } from "../../access/lease/cluster-leases.ts";
import { type MapOwner, mapOwner, ownedDocument } from "../../access/lease/drift.ts";
import { changeInDocument, type EntryTarget, withLedgerMemory } from "../../access/lease/holding.ts";
import type { Holding, MappedIdentity } from "../../access/lease/lease-record.ts";
import {
  mergeWithdrawals,
  readWithdrawalTags,
  type Withdrawals,
  withoutWithdrawn,
} from "../../access/lease/withdrawal.ts";
import { type Cluster, type Level, partitionOf, sealedClusterOf } from "../../access/policy/cluster.ts";
import type { Change, Refusal } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import { outsideWords } from "../../access/redact.ts";
import type { WorkerKeys } from "../../access/seal.ts";
import { entryOf, type PlanGuard, type ReadDocument, type Steps } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap, Deletion } from "../../kubernetes/config-map.ts";
import { measuredStep } from "../../operations/announcements.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import { memoryBeside, planRemembered, readRemembered } from "../remembered.ts";
import { type Checked, exceptRequests, leaveOutRefused, withoutRepairs } from "./check-leases.ts";
import { type ChangedEntries, changedInLastWrite, withPlan } from "./last-write.ts";
import { inDocument } from "./prove.ts";
import { targetsOf, withdrawalsAfter } from "./targets.ts";
import type { RefusedLease, SettleInput, Settlement, VoidApproval, WayState } from "./way-adapter.ts";

export interface ClusterState extends WayState {
  /** Null: the ConfigMap is absent and may be created. */
  readonly configMap: AwsAuthConfigMap | null;
  /** The tool that owns the document: nothing new begins there. */
  readonly owner: MapOwner | null;
  readonly document: ReadDocument;
  /** By lower-case ARN: `identityOf` gives these as planned, and the next write makes them so. */
  readonly changed: ChangedEntries;
}

/** Reads the document and our own part of it. @param open the cluster's requests in the ledger @throws AccessError */
export async function readClusterState(
  opened: Pick<OpenedCluster, "creatorArn" | "tags"> & { readonly client: Pick<ClusterClient, "readAwsAuth"> },
  cluster: Cluster,
  keys: WorkerKeys,
  open: readonly AccessRequest[],
  now: Date,
): Promise<ClusterState> {
  const configMap = await measuredStep("read", () => opened.client.readAwsAuth());
  if (!configMap && !cluster.createAwsAuth)
    throw new AccessError("document-absent", `${place(cluster)} does not exist`);
  const { holdings, withdrawals, untrusted } = memoryBeside(cluster, configMap, keys.memory);
  const elsewhere = readWithdrawalTags(sealedClusterOf(cluster), opened.tags, keys.memory).withdrawals;
  const document = await readRemembered(configMap?.data ?? {});
  const approved = withoutWithdrawn(open, mergeWithdrawals(withdrawals, elsewhere), keys.decision);
  const unheld = (key: string) =>
    holdings.some(({ arn }) => arn.toLowerCase() === key) ? undefined : identityInDocument(document, key);
  const made = holdingsOfBegun(approved, unheld, { cluster, keys: keys.preview, now });
  const { holdings: known, lost } = withLedgerMemory(
    sealedClusterOf(cluster),
    made.length > 0 ? [...holdings, ...made] : holdings,
    approved,
    keys.memory,
  );
  const changed = changedInLastWrite(known, document, configMap, open);
  return {
    configMap,
    owner: mapOwner(cluster, configMap?.managers ?? []),
    creatorArn: opened.creatorArn,
    document,
    changed,
    isRead: () => true,
    identityOf: (arn) => {
      const found = changed.get(arn.toLowerCase());
      return found ? found.planned : identityInDocument(document, arn);
    },
    signsInAs: (arn) => inDocument(document, arn),
    ...{ holdings: known, lost },
    withdrawals,
    elsewhere,
    untrusted,
    isUnfinished: configMap?.annotations[fenceAnnotation] !== undefined,
  };
}

export function identityInDocument(document: ReadDocument, arn: string): MappedIdentity | null {
  const entry = entryOf(document, arn);
  return entry && { username: entry.username, groups: entry.groups };
}

export function planGuard(cluster: Cluster, levels: readonly Level[], { creatorArn }: ClusterState): PlanGuard {
  return {
    creatorArn,
    operatorArn: cluster.operator?.roleArn,
    account: cluster.account,
    partition: partitionOf(cluster),
    allowForeignAccounts: cluster.foreignAccounts,
    allowMasters: levels.some((level) => level.groups.includes("system:masters")),
  };
}

interface LeftOut {
  readonly principals: ReadonlyMap<string, Refusal>;
  /** Beginning leases that would delay others, by their principal's refusal or for want of room. */
  readonly refused: readonly RefusedLease[];
}

/** One plan for all due work. It leaves out what can't be given, and entries that can't change, so that the rest is not delayed. */
export function* planSettlement(
  input: SettleInput<ClusterState>,
  checked: Checked,
  leftOut: LeftOut = { principals: new Map(), refused: [] },
): Steps<DocumentSettlement> {
  const { cluster, state } = input;
  const targets = new Map([...targetsOf(input, checked)].filter(([key]) => !leftOut.principals.has(key)));
  // Administrators by leases are not in the base, so the guard for the last administrator must not stop their end.
  const isOurs = (key: string) => state.changed.has(key) || state.holdings.get(key)?.added.includes("system:masters");
  const allowNoAdministrator = [...targets.keys()].some(isOurs);
  const guard = { ...planGuard(cluster, cluster.levels, state), allowNoAdministrator };
  const plan = yield* planRemembered(state.document, documentChanges(state, targets), guard);
  const refusals =
    plan.type === "refused" ? yield* principalsToPlanAlone(input, targets, guard) : byPrincipal(plan.refused, targets);
  const { beginning } = checked;
  const refuse = (refused: readonly RefusedLease[]) => {
    const requests = refused.map(({ request }) => request);
    const rest = { ...checked, beginning: exceptRequests(beginning, requests) };
    return planSettlement(input, rest, { ...leftOut, refused: [...leftOut.refused, ...refused] });
  };
  const half = beginning.slice(Math.floor(beginning.length / 2));
  if (refusals.size > 0) {
    const rest = withoutRepairs(checked, refusals);
    if (rest !== null) return yield* planSettlement(input, rest, leftOut);
    const begun = beginning.flatMap((request) => {
      const refusal = refusals.get(request.principal.toLowerCase());
      return refusal ? [{ request, refusal }] : [];
    });
    if (begun.length > 0) return yield* refuse(begun);
    const principals = new Map([...leftOut.principals, ...refusals]);
    return yield* planSettlement(input, checked, { ...leftOut, principals });
  }
  if (plan.type === "refused") {
    const { refusal } = plan;
    if (half.length > 0) return yield* refuse(half.map((request) => ({ request, refusal })));
    return settlementWithoutPlan(input, checked, refusal, leftOut);
  }
  const holdings = withPlan(holdingsAfter(state, targets), plan.document, state);
  const room = roomIn(state.configMap?.annotations ?? {});
  if (half.length > 0 && !fitsAnnotation(holdings, input.keys.memory, room.forLeases)) {
    const refusal = annotationFull(cluster, room);
    return yield* refuse(half.map((request) => ({ request, refusal })));
  }
  const voided = checked.voided.map((each) => withRemainingPart(input, each, leftOut.principals));
  const left = leaveOutRefused({ ...checked, voided }, leftOut.principals);
  const sorted = { ...left, refused: [...leftOut.refused, ...left.refused], targets };
  const withdrawals = withdrawalsAfter(input, sorted, holdings);
  return { ...sorted, refusal: null, data: plan.after, document: plan.document, holdings, withdrawals };
}

export function holdingsAfter(
  { holdings }: ClusterState,
  targets: ReadonlyMap<string, EntryTarget>,
): readonly Holding[] {
  const replaced = new Set<Holding | undefined>();
  for (const key of targets.keys()) replaced.add(holdings.get(key));
  const after: Holding[] = [];
  for (const holding of holdings.values()) if (!replaced.has(holding)) after.push(holding);
  for (const { holding } of targets.values()) if (holding) after.push(holding);
  return after;
}

/** The unchanged document, where nothing begins: due work waits or fails, but withdrawals are remembered. */
export function settlementWithoutPlan(
  input: SettleInput<ClusterState>,
  checked: Checked,
  refusal: Refusal,
  { refused }: LeftOut,
): DocumentSettlement {
  const all = [...checked.ending, ...checked.repaired];
  const left = leaveOutRefused(
    { ...checked, voided: checked.voided.map((each) => mayStillArrive(each, refusal)) },
    new Map(all.map((each) => [each.principal.toLowerCase(), refusal])),
  );
  const sorted = { ...left, refused: [...refused, ...left.refused], targets: new Map() };
  const holdings = [...input.state.holdings.values()];
  const withdrawals = withdrawalsAfter(input, sorted, holdings);
  const { configMap, document } = input.state;
  return { ...sorted, refusal, data: configMap?.data ?? {}, document, holdings, withdrawals };
}

/** A void approval's part stays if its principal's entry can't change. */
function withRemainingPart(
  { state }: SettleInput<ClusterState>,
  approval: VoidApproval,
  refusals: ReadonlyMap<string, Refusal>,
): VoidApproval {
  const { request } = approval;
  const refusal = refusals.get(request.principal.toLowerCase());
  return refusal && shareInCluster(state.holdings, request) ? mayStillArrive(approval, refusal) : approval;
}

/** Only a write fences off earlier writes: without one, a write that began can still arrive. */
function mayStillArrive(approval: VoidApproval, { message }: Refusal): VoidApproval {
  if (!approval.request.lease.writeBegan) return approval;
  const what = `The worker can't remove what it wrote to aws-auth: ${message.replace(/\.$/, "")}`;
  return { ...approval, whyStillThere: new AccessError("document-unchanged", what) };
}

export function documentChanges(
  { holdings, changed }: Pick<ClusterState, "holdings" | "changed">,
  targets: ReadonlyMap<string, EntryTarget>,
): readonly Change[] {
  return [...targets].map(([key, target]) => {
    const change = changeInDocument(target, holdings.get(key));
    const renamed = changed.get(key)?.renamed;
    return change.ours && renamed !== undefined ? { ...change, ours: { ...change.ours, usernames: renamed } } : change;
  });
}

/** The principals that make the whole plan refused: each is planned alone. Empty: only all of them together are impossible. */
function* principalsToPlanAlone(
  { state }: SettleInput<ClusterState>,
  targets: ReadonlyMap<string, EntryTarget>,
  guard: PlanGuard,
): Steps<ReadonlyMap<string, Refusal>> {
  const found = new Map<string, Refusal>();
  for (const [key, target] of targets) {
    const plan = yield* planRemembered(state.document, documentChanges(state, new Map([[key, target]])), guard);
    const refusal = plan.type === "refused" ? plan.refusal : plan.refused[0];
    if (refusal) found.set(key, refusal);
  }
  return found;
}

function byPrincipal(refusals: readonly Refusal[], targets: ReadonlyMap<string, EntryTarget>) {
  const named = refusals.map((refusal) => [refusal.arn?.toLowerCase() ?? "", refusal] as const);
  return new Map(named.filter(([key]) => targets.has(key)));
}

/** Why a lease that the cluster can't remember is not given: after a loss of the ledger it would never end (law 10). */
export function annotationFull({ name }: Cluster, room: AnnotationRoom): Refusal {
  const others = room.largest ? ", or an operator to remove annotations" : "";
  const message = `${noRoomWords(name, room)} Ask again when some end${others}.`;
  return { code: "annotation-full", message };
}

/** The content of the ConfigMap: the document, and the cluster's own memory of our leases. */
export interface Content {
  readonly data: Readonly<Record<string, string>>;
  /** The data, as the authenticator reads them. */
  readonly document: ReadDocument;
  readonly holdings: readonly Holding[];
  readonly withdrawals: Withdrawals;
}

export interface DocumentSettlement extends Settlement, Content {
  /** Why the document as a whole can't change. */
  readonly refusal: Refusal | null;
}

function place({ name }: Cluster): string {
  return `The ConfigMap aws-auth of ${name}`;
}

/** Why a document takes nothing new; null: it does. Ends are still removed there, unless it is immutable. */
export function takesNothingNew(cluster: Cluster, { configMap, owner }: ClusterState): Refusal | null {
  if (configMap?.immutable) return new AccessError("document-immutable", `${place(cluster)} is immutable`);
  if (configMap?.deletion) return beingDeleted(cluster, configMap.deletion);
  return owner && ownedDocument(cluster, owner);
}

/** The API server takes no key of data that is in binaryData, which the authenticator does not read. Null: there is none. */
export function keyTwice({ name }: Cluster, { configMap }: ClusterState, after: Content["data"]): Refusal | null {
  const binary = configMap?.object.binaryData ?? {};
  const key = Object.keys(after).find((each) => Object.hasOwn(binary, each));
  if (key === undefined) return null;
  const remedy = `Move its entries to ${key} under data.`;
  return new AccessError("cluster-refused-write", `aws-auth of ${name} has ${key} in binaryData`, { remedy });
}

/** Each refused request keeps the message, and the API server bounds no number of finalizers. */
const maxFinalizers = 400;

function beingDeleted({ name }: Cluster, { since, finalizers }: Deletion): Refusal {
  const wait = finalizers.length > 0 ? ` for its finalizers ${outsideWords(finalizers.join(", "), maxFinalizers)}` : "";
  const message = `aws-auth of ${name} was deleted at ${since} and waits${wait}. Ask an operator to save it, remove the finalizers and recreate it.`;
  return { code: "document-being-deleted", message };
}
