import type { WorkerKeys } from "../../access/approval/seal.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { leasesAnnotation } from "../../access/lease/annotation.ts";
import { isDueToEnd } from "../../access/lease/due-work.ts";
import { mergeWithdrawals, noWithdrawals, type Withdrawals, withoutWithdrawn } from "../../access/lease/withdrawal.ts";
import { withLedgerMemory } from "../../access/lease/written.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import {
  type AccessEntry,
  identityOfEntry,
  readHoldingTags,
  readWithdrawalTags,
  roomForWithdrawals,
} from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { type Entry, entryArnsByPrincipal, withoutRolePath } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { extendDeadline } from "../../operations/deadlines.ts";
import { inParallel } from "../in-parallel.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered, readAnnotationRemembered } from "../remembered.ts";
import { eachEntryMs } from "./other-names.ts";
import { inEntries } from "./prove.ts";
import type { WayState } from "./way-adapter.ts";

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

/**
 * Whose entries are read: each takes calls of its own. `due`: those of leases with something to be done. `requested`: those of all
 * requests. `all`: for a cluster whose ledger may not know them.
 */
export type WhoseEntries = "due" | "requested" | "all";

type OpenedEntries = Pick<OpenedCluster, "creatorArn" | "tags" | "mode"> & {
  readonly client: Pick<ClusterClient, "readAwsAuth">;
  readonly entries: Pick<AccessEntries, "list" | "describe">;
};

/**
 * Reads the entries of the principals of these requests, and our own part of them.
 * @throws AccessError
 */
export async function readEntryState(
  opened: OpenedEntries,
  cluster: Cluster,
  keys: WorkerKeys,
  open: readonly AccessRequest[],
  { whose, now }: { readonly whose: WhoseEntries; readonly now: Date },
): Promise<EntryState> {
  const { entries, creatorArn, tags } = opened;
  const ofTags = readWithdrawalTags(cluster.name, tags, keys.memory);
  const { withdrawals } = ofTags;
  const inDocument = await documentMemory(opened, cluster, keys, open);
  const elsewhere = inDocument?.withdrawals ?? noWithdrawals;
  const memory = { withdrawals: mergeWithdrawals(withdrawals, elsewhere), room: roomForWithdrawals(tags) };
  const read = whose === "due" ? requestsInQuestion(open, memory, keys, now) : open;
  const arns = await entries.list();
  const arnOf = entryArnsByPrincipal(arns);
  const keysOf = (requests: readonly AccessRequest[]) => requests.map(({ principal }) => principal.toLowerCase());
  const wanted = whose === "all" ? arns : keysOf(read).flatMap((key) => arnOf.get(key) ?? []);
  const found = await describeAll(entries, [...new Set(wanted)]);
  const { held, openSince, untrusted } = readTags(cluster, found, keys);
  const approved = withoutWithdrawn(read, memory.withdrawals, keys.decision);
  const ours = withLedgerMemory(held, approved, keys.memory, "access-entry");
  const readKeys = new Set(keysOf(read));
  return {
    ...{ ...ours, ...byPrincipal(found, ours), creatorArn, tags, withdrawals, elsewhere, openSince },
    // The list itself says that a principal has no entry.
    isRead: (principal) =>
      whose !== "due" || readKeys.has(principal.toLowerCase()) || !arnOf.has(principal.toLowerCase()),
    isUnfinished: false,
    untrusted: untrusted ?? ofTags.untrusted,
    knowsDocument: inDocument !== null,
    mappedEntries: () => parseRemembered(inDocument?.data ?? {}).entries,
  };
}

/** What of a reading counts for the entries alone. */
export type EntriesSeen = Pick<EntryState, "entries" | "holdings" | "openSince" | "identityOf">;

/** Reads the entries of these users and roles, and what their tags say that is ours. @throws AccessError */
export async function readEntriesOf(
  entries: Pick<AccessEntries, "list" | "describe">,
  cluster: Cluster,
  keys: WorkerKeys,
  principals: readonly string[],
): Promise<EntriesSeen> {
  const arnOf = entryArnsByPrincipal(principals.length > 0 ? await entries.list() : []);
  const wanted = principals.flatMap((principal) => arnOf.get(principal.toLowerCase()) ?? []);
  return entriesSeen(cluster, await describeAll(entries, [...new Set(wanted)]), keys);
}

/** What these entries say. */
export function entriesSeen(cluster: Cluster, found: readonly AccessEntry[], keys: WorkerKeys): EntriesSeen {
  const { held, openSince } = readTags(cluster, found, keys);
  const holdings = new Map(held.map((holding) => [holding.arn.toLowerCase(), holding]));
  return { ...byPrincipal(found, { holdings }), holdings, openSince };
}

interface RevocationMemory {
  readonly withdrawals: Withdrawals;
  /** For how many of them the cluster has room. */
  readonly room: number;
}

/**
 * The requests of which a run has to see the entry: all but the leases that are in force, and of which nothing is to be done. Where the
 * cluster may have to forget a revocation, all of them: what is still in an entry must not be forgotten.
 */
function requestsInQuestion(
  open: readonly AccessRequest[],
  { withdrawals, room }: RevocationMemory,
  keys: WorkerKeys,
  now: Date,
): readonly AccessRequest[] {
  const isInForce = (request: AccessRequest) =>
    request.state === "approved" && request.lease.state === "active" && !isDueToEnd(request, now) && !request.trouble;
  const approved = new Set(withoutWithdrawn(open, withdrawals, keys.decision));
  const inQuestion = open.filter((request) => !isInForce(request) || !approved.has(request));
  return withdrawals.list.length + inQuestion.length > room ? open : inQuestion;
}

async function describeAll(
  entries: Pick<AccessEntries, "describe">,
  arns: readonly string[],
): Promise<readonly AccessEntry[]> {
  extendDeadline(eachEntryMs * arns.length);
  return (await inParallel(arns, (arn) => entries.describe(arn))).filter((entry) => entry !== null);
}

/** What the tags of these entries say that is ours. */
function readTags(cluster: Cluster, found: readonly AccessEntry[], keys: WorkerKeys) {
  const readings = found.map((entry) =>
    readHoldingTags(cluster.name, withoutRolePath(entry.principalArn), entry, keys.memory),
  );
  const ours = readings.filter((reading) => reading.type === "holding");
  const openSince = new Map<string, string>();
  for (const reading of ours) {
    if (reading.openSince !== null) openSince.set(reading.holding.arn.toLowerCase(), reading.openSince);
  }
  const untrusted = readings.find((reading) => reading.type === "untrusted")?.message ?? null;
  return { held: ours.map(({ holding }) => holding), openSince, untrusted };
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
    // A cluster that reads access entries alone lets no one in by it.
    return { withdrawals, data: mode === "API" ? {} : (configMap?.data ?? {}) };
  } catch (error) {
    if (error instanceof AccessError) return null;
    throw error;
  }
}

/** Whether the record of a lease says that aws-auth gives it. */
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
