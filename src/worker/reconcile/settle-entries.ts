import type { MemoryKeys, WorkerKeys } from "../../access/approval/seal.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { leasesAnnotation } from "../../access/lease/annotation.ts";
import { type Drift, driftOf } from "../../access/lease/drift.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import type { Target } from "../../access/lease/holding.ts";
import { bothWithdrawals, noWithdrawals, stillApproved, type Withdrawals } from "../../access/lease/withdrawal.ts";
import { isGivenByEntry, withLedgerMemory } from "../../access/lease/written.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isSameCreator } from "../../access/policy/creator.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/request/record.ts";
import {
  type AccessEntry,
  arrivesUntil,
  fitsTags,
  identityOfEntry,
  readHoldingTags,
  readWithdrawalTags,
  refuseEntry,
  roomForWithdrawals,
  writeHoldingTags,
} from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { type Entry, entryArnIn, type Refusal, withoutRolePath } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { takeMoreTime } from "../../operations/deadlines.ts";
import { inParallel } from "../in-parallel.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered, readAnnotationRemembered } from "../remembered.ts";
import { checkWork, leaveOut, withOwnMemory } from "./check-leases.ts";
import { inEntries } from "./prove.ts";
import { targetsOf, withdrawalsAfter } from "./targets.ts";
import type { SettleInput, Settlement, VoidApproval, WayState } from "./way-adapter.ts";

/** What the access entries of the principals in question tell. */
export interface EntryState extends WayState {
  /** By the principal's ARN in lower case, without a role's path. */
  readonly entries: ReadonlyMap<string, AccessEntry>;
  /** Since when calls about an entry may have been sent that were not answered, ISO 8601, by the same key. */
  readonly openSince: ReadonlyMap<string, string>;
  /** Of the cluster itself. */
  readonly tags: Readonly<Record<string, string>>;
  /** Whether it is known what `aws-auth` remembers. */
  readonly knowsDocument: boolean;
  /** What `aws-auth` maps beside the access entries. */
  readonly mappedEntries: () => readonly Entry[];
}

/** Every entry takes a call or two: `all` is for a cluster whose ledger may not know them. */
export type WhoseEntries = "all" | "requested";

type OpenedEntries = Pick<OpenedCluster, "creatorArn" | "tags" | "mode"> & {
  readonly client: Pick<ClusterClient, "readAwsAuth">;
  readonly entries: Pick<AccessEntries, "list" | "describe">;
};

/** Each entry takes calls of its own, a few of them at once. */
const eachEntryMs = 100;

/**
 * Reads the entries of the principals of these requests, and our own part of them.
 * @throws AccessError
 */
export async function readEntryState(
  opened: OpenedEntries,
  cluster: Cluster,
  keys: WorkerKeys,
  open: readonly AccessRequest[],
  whose: WhoseEntries,
): Promise<EntryState> {
  const { entries, creatorArn, tags } = opened;
  const arns = await entries.list();
  const principals = [...new Set(open.map(({ principal }) => principal))];
  const wanted = whose === "all" ? arns : principals.flatMap((principal) => entryArnIn(arns, principal) ?? []);
  takeMoreTime(eachEntryMs * wanted.length);
  const described = await inParallel([...new Set(wanted)], (arn) => entries.describe(arn));
  const found = described.filter((entry) => entry !== null);
  const readings = found.map((entry) =>
    readHoldingTags(cluster.name, withoutRolePath(entry.principalArn), entry, keys.memory),
  );
  const held = readings.flatMap((reading) => (reading.type === "holding" ? [reading.holding] : []));
  const openSince = new Map(
    readings.flatMap((reading) =>
      reading.type === "holding" && reading.openSince !== null
        ? [[reading.holding.arn.toLowerCase(), reading.openSince] as const]
        : [],
    ),
  );
  const untrusted = readings.flatMap((reading) => (reading.type === "untrusted" ? [reading.message] : []));
  const ofTags = readWithdrawalTags(cluster.name, tags, keys.memory);
  const { withdrawals } = ofTags;
  const inDocument = await documentMemory(opened, cluster, keys, open);
  const elsewhere = inDocument?.withdrawals ?? noWithdrawals;
  const approved = stillApproved(open, bothWithdrawals(withdrawals, elsewhere), keys.decision);
  const memory = withLedgerMemory(held, approved, keys.memory, "access-entry");
  return {
    ...{ ...memory, ...byPrincipal(found, memory), creatorArn, tags, withdrawals, elsewhere },
    openSince,
    isUnfinished: false,
    untrusted: untrusted[0] ?? ofTags.untrusted,
    knowsDocument: inDocument !== null,
    mappedEntries: () => parseRemembered(inDocument?.data ?? {}).entries,
  };
}

interface DocumentMemory {
  readonly withdrawals: Withdrawals;
  /** Of the ConfigMap. */
  readonly data: Readonly<Record<string, string>>;
}

/**
 * What the annotation of `aws-auth` remembers of what was taken back there. A cluster of mode `API` is only asked where something
 * that stood there may be given again. Null: it could not be read, as where the API server does not let the creator in any more.
 */
async function documentMemory(
  { client, mode }: OpenedEntries,
  { name }: Cluster,
  keys: WorkerKeys,
  open: readonly AccessRequest[],
): Promise<DocumentMemory | null> {
  if (mode === "API" && !open.some(stoodInDocument)) return { withdrawals: noWithdrawals, data: {} };
  try {
    const configMap = await client.readAwsAuth();
    const reading = readAnnotationRemembered(name, configMap?.annotations[leasesAnnotation], keys.memory);
    const withdrawals = reading.type === "holdings" ? reading.withdrawals : noWithdrawals;
    // What stands there lets nobody in where the cluster reads its access entries alone.
    return { withdrawals, data: mode === "API" ? {} : (configMap?.data ?? {}) };
  } catch (error) {
    if (error instanceof AccessError) return null;
    throw error;
  }
}

/** Whether a lease is told as in force that was given by aws-auth. */
function stoodInDocument({ lease }: AccessRequest): boolean {
  return lease?.state === "active" && lease.written?.way !== "access-entry";
}

function byPrincipal(
  found: readonly AccessEntry[],
  { holdings }: Pick<WayState, "holdings">,
): Pick<EntryState, "entries" | "identityOf" | "signsInAs"> {
  const entries = new Map(found.map((entry) => [withoutRolePath(entry.principalArn).toLowerCase(), entry]));
  const ofArn = (arn: string) => [entries.get(arn.toLowerCase()) ?? null, holdings.get(arn.toLowerCase())] as const;
  return {
    entries,
    identityOf: (arn) => identityOfEntry(...ofArn(arn)),
    signsInAs: (arn) => inEntries(...ofArn(arn), arn, null),
  };
}

/** A decision about the access entries of one cluster. */
export interface EntrySettlement extends Settlement {
  /** What the cluster has to remember of what is taken back. */
  readonly withdrawals: Withdrawals;
}

/** Decides what the entries must be: every seal, the policy and the base are looked at again (laws 3 and 4). */
export function settleEntries(input: SettleInput<EntryState>): EntrySettlement {
  const known = withOwnMemory(input);
  const checked = checkWork(known, "access-entry", {
    driftOf: (request, groups) => driftIn(known, request, groups),
    // What stood in aws-auth was approved for it: that it is given again as an entry is what `drift: repair` asks for.
    mayRepair: (request) => isGivenByEntry(request) || known.state.knowsDocument,
  });
  const refusals = refusalsOf(known, targetsOf(known, checked));
  const voided = checked.voided.map((each) => ({ ...each, doubt: doubtOf(known, each) }));
  // What is taken away is no matter of what can be added: an end is never stuck.
  const sorted = { ...leaveOut({ ...checked, voided }, refusals), leaving: checked.leaving, stuck: [] };
  const targets = targetsOf(known, { ...sorted, arriving: sorted.granted });
  return { ...sorted, targets, withdrawals: remembered(known, sorted) };
}

/** Calls for it may still arrive. */
function doubtOf({ state, now }: SettleInput<EntryState>, { request }: VoidApproval): AccessError | null {
  const key = request.principal.toLowerCase();
  const seen = { hasEntry: state.entries.has(key), openSince: state.openSince.get(key) ?? null };
  return request.lease?.writeBegan ? lateCallDoubt(request, seen, now) : null;
}

/** What still stands there when it is remembered must not be forgotten, as long as there is room at all. */
function remembered(input: SettleInput<EntryState>, sorted: Omit<Settlement, "targets">): Withdrawals {
  const { holdings, tags } = input.state;
  const room = roomForWithdrawals(tags);
  const after = withdrawalsAfter(input, sorted, holdings.values(), room);
  return after.list.length <= room ? after : withdrawalsAfter(input, sorted, [], room);
}

function driftIn(
  { cluster, state }: SettleInput<EntryState>,
  request: ApprovedRequest,
  groups: readonly string[],
): Drift | null {
  const drift = driftOf(request, state.identityOf(request.principal), null, [], groups);
  if (!drift || isGivenByEntry(request) || state.entries.has(request.principal.toLowerCase())) return drift;
  return {
    request,
    message: `it stands in aws-auth, which ${cluster.name} does not go by for this principal any more`,
  };
}

/** By lower-case ARN: why what is to be added there can't be. */
function refusalsOf(
  { cluster, state, keys }: SettleInput<EntryState>,
  targets: ReadonlyMap<string, Target>,
): ReadonlyMap<string, Refusal> {
  const found = new Map<string, Refusal>();
  for (const [key, target] of targets) {
    const refusal = refuseTarget(cluster, state, keys.memory, target);
    if (refusal) found.set(key, refusal);
  }
  return found;
}

/** Why an entry can't be made this; null: it can. */
export function refuseTarget(
  cluster: Cluster,
  { creatorArn, entries }: EntryState,
  keys: MemoryKeys,
  target: Target,
): Refusal | null {
  const { holding, change } = target;
  if (!holding) return null;
  const { arn } = change;
  const entry = entries.get(arn.toLowerCase()) ?? null;
  if (isSameCreator(arn, creatorArn)) {
    return { code: "creator", arn, message: `${arn} created ${cluster.name}: no lease is to end its access.` };
  }
  const refusal = refuseEntry(arn, entry, target);
  if (refusal || fitsTags(writeHoldingTags(cluster.name, holding, keys), entry?.tags ?? {})) return refusal;
  const message = `The access entry of ${arn} in ${cluster.name} can't remember more leases in its tags. Ask again when some have ended.`;
  return { code: "tags-full", arn, message };
}

/** What is known of a principal's entry. */
interface Seen {
  readonly hasEntry: boolean;
  /** Since when calls about it may have been sent that were not answered, ISO 8601; null: all were. */
  readonly openSince: string | null;
}

/**
 * Why it is not certain yet that nothing of a lease comes to stand in an access entry; null: it is. An entry that is there
 * says so itself, and none can be made beside it.
 */
export function lateCallDoubt(request: ApprovedRequest, { hasEntry, openSince }: Seen, now: Date): AccessError | null {
  const until = arrivesUntil(openSince, now) ?? (hasEntry ? null : arrivesUntil(begunSince(request, now), now));
  if (!until) return null;
  return new AccessError(
    "access-entry-late",
    `It is not certain before ${until.toISOString()} that no call to EKS for ${request.principal} is still on its way`,
  );
}

/** Until when runs may have sent calls for a lease that was never proved: each of them may be one that was not answered. */
function begunSince(request: ApprovedRequest, now: Date): string | null {
  const { lease } = request;
  if (lease?.state !== "scheduled" || !lease.writeBegan) return null;
  const decided = Date.parse(lease.end?.at ?? lease.voidSince ?? sealedEnd(request));
  return new Date(Math.max(Math.min(decided, now.getTime()), Date.parse(lease.writeBegan))).toISOString();
}
