import { AccessError } from "../../access/access-error.ts";
import { readPrincipal } from "../../access/arn.ts";
import { forPrincipals, holdingsOfBegun, isDueToEnd } from "../../access/lease/cluster-leases.ts";
import { isPlaceProved, withLedgerMemory } from "../../access/lease/holding.ts";
import {
  mergeWithdrawals,
  noWithdrawals,
  readWithdrawalTags,
  roomForWithdrawals,
  type Withdrawals,
  withoutWithdrawn,
} from "../../access/lease/withdrawal.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import { entryArnsByPrincipal, withoutRolePath } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { WorkerKeys } from "../../access/seal.ts";
import { isDatedAhead } from "../../access/seals.ts";
import { type AccessEntry, identityOfEntry, readHoldingTags } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import type { Entry, Steps } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { extendDeadline } from "../../operations/deadlines.ts";
import { inParallel } from "../../operations/parallel.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import { memoryBeside, rememberedSteps } from "../remembered.ts";
import { inEntries } from "./prove.ts";
import type { OtherNames, WayState } from "./way-adapter.ts";

export interface EntryState extends WayState {
  /** By the principal's ARN in lower case, without a role's path. */
  readonly entries: ReadonlyMap<string, AccessEntry>;
  /** By the same key: since when calls about an entry may be unanswered, ISO 8601. */
  readonly openSince: ReadonlyMap<string, string>;
  /** By the same key: entries that runs made, without tags of ours. They do not show which calls can still arrive. */
  readonly unclaimed: ReadonlySet<string>;
  readonly tags: Readonly<Record<string, string>>;
  readonly knowsDocument: boolean;
  /** Whether the cluster reads it for principals without an access entry. */
  readonly readsDocument: boolean;
  readonly mappedEntries: () => Steps<readonly Entry[]>;
}

/** The entries to read, because each needs its own calls. `due`: of leases with due work. `requested`: of all requests. `all`: also unknown ones. */
export type EntriesToRead = "due" | "requested" | "all";

type OpenedEntries = Pick<OpenedCluster, "creatorArn" | "tags" | "mode"> & {
  readonly client: Pick<ClusterClient, "readAwsAuth">;
  readonly entries: Pick<AccessEntries, "list" | "describe">;
};

/** Reads the entries of these requests' principals, and our own part of them. @throws AccessError */
export async function readEntryState(
  opened: OpenedEntries,
  cluster: Cluster,
  keys: WorkerKeys,
  open: readonly AccessRequest[],
  { which: asked, now }: { readonly which: EntriesToRead; readonly now: Date },
): Promise<EntryState> {
  // Its record in Redis can name another principal by now.
  const isAnyEdited = open.some(
    (each) => each.state === "approved" && isDueToEnd(each, now) && !isPlaceProved(each, cluster, keys),
  );
  const which = isAnyEdited ? "all" : asked;
  const { entries, creatorArn, tags } = opened;
  const ofTags = readWithdrawalTags(sealedClusterOf(cluster), tags, keys.memory);
  const { withdrawals } = ofTags;
  const inDocument = await documentMemory(opened, cluster, keys, open);
  const elsewhere = inDocument?.withdrawals ?? noWithdrawals;
  const memory = { withdrawals: mergeWithdrawals(withdrawals, elsewhere), room: roomForWithdrawals(tags) };
  const read = which === "due" ? requestsInQuestion(open, memory, keys, now) : open;
  const { found, hasNone } =
    which === "due" ? await entriesFor(entries, read) : await listedEntries(entries, which, read);
  const { held, unclaimed, openSince, untrusted, changed } = readTags(cluster, found, keys);
  const genuine = new Set(withoutWithdrawn(read, memory.withdrawals, keys.decision));
  // The cluster remembers a withdrawal before its removal, which can fail: until then the record says what to remove.
  const approved = read.filter((each) => genuine.has(each) || (each.state === "approved" && isDueToEnd(each, now)));
  const others = new Map(unclaimed.map((each) => [withoutRolePath(each.principalArn).toLowerCase(), each]));
  const unheld = (key: string) => identityOfEntry(others.get(key) ?? null, undefined);
  const made = holdingsOfBegun(read, unheld, { cluster, keys: keys.preview, now });
  const known = [...held, ...made];
  const ours = withLedgerMemory(sealedClusterOf(cluster), known, approved, keys.memory, "access-entry");
  for (const [key, at] of openSince) if (isDatedAhead({ at }, now)) openSince.delete(key);
  for (const { principal, lease } of open) {
    const key = principal.toLowerCase();
    const at = lease?.state === "active" ? lease.sentAgainAt : null;
    if (at !== null && !isDatedAhead({ at }, now) && at > (openSince.get(key) ?? "")) openSince.set(key, at);
  }
  const readKeys = new Set(read.map(({ principal }) => principal.toLowerCase()));
  return {
    ...{ ...ours, ...byPrincipal(found, ours), creatorArn, tags, withdrawals, elsewhere, openSince, changed },
    unclaimed: new Set(made.map(({ arn }) => arn.toLowerCase())),
    isRead: (principal) => readKeys.has(principal.toLowerCase()) || hasNone(principal.toLowerCase()),
    isUnfinished: false,
    untrusted: untrusted ?? ofTags.untrusted,
    knowsDocument: inDocument !== null,
    readsDocument: opened.mode !== "API",
    *mappedEntries() {
      return (yield* rememberedSteps(inDocument?.data ?? {})).entries;
    },
  };
}

interface EntriesFound {
  readonly found: readonly AccessEntry[];
  /** Whether a list of all entries says that a principal, in lower case, has none. */
  readonly hasNone: (key: string) => boolean;
}

async function listedEntries(
  entries: OpenedEntries["entries"],
  which: EntriesToRead,
  read: readonly AccessRequest[],
): Promise<EntriesFound> {
  const arns = await entries.list();
  const arnOf = entryArnsByPrincipal(arns);
  const wanted = which === "all" ? arns : read.flatMap(({ principal }) => arnOf.get(principal.toLowerCase()) ?? []);
  const found = await describeAll(entries, [...new Set([...wanted, ...read.flatMap((each) => seenArn(each) ?? [])])]);
  return { found, hasNone: which === "due" ? (key) => !arnOf.has(key) : () => true };
}

/**
 * Reads only the entries of these requests: a list takes longer with each lease of others. It lists only if an entry
 * can have another ARN than the request, because a role has a path, and people type a user in another case. Such an
 * entry would keep access alive, so only a first try believes that there is none.
 */
async function entriesFor(entries: OpenedEntries["entries"], read: readonly AccessRequest[]): Promise<EntriesFound> {
  const arns = read.flatMap((each) => seenArn(each) ?? (isUserArn(each.principal) ? each.principal : []));
  if (arns.length < read.length) return listedEntries(entries, "due", read);
  const found = await describeAll(entries, [...new Set(arns)]);
  const known = new Set(found.map(({ principalArn }) => withoutRolePath(principalArn).toLowerCase()));
  const isFirstTry = ({ lease, trouble }: AccessRequest) =>
    !trouble && (lease === null || (lease.state === "scheduled" && lease.writeBegan === null));
  const isSure = read.every((request) => known.has(request.principal.toLowerCase()) || isFirstTry(request));
  return isSure ? { found, hasNone: () => false } : listedEntries(entries, "due", read);
}

/** At the proof: EKS can list a new entry late, and an end that misses it leaves it behind. Another path in Redis finds nothing. */
function seenArn({ principal, lease }: AccessRequest): string | null {
  const arn = lease?.state === "active" ? lease.proof?.entryArn : null;
  if (!arn || withoutRolePath(arn).toLowerCase() !== principal.toLowerCase()) return null;
  return isUserArn(arn.replace(":role/", ":user/")) ? arn : null;
}

/** EKS refuses a question about any other text, and a record in Redis can have one: no lease of its cluster would end. */
function isUserArn(text: string): boolean {
  const reading = readPrincipal(text);
  return reading.type === "principal" && reading.principal.kind === "user";
}

export type EntriesSeen = Pick<EntryState, "entries" | "holdings" | "openSince" | "identityOf">;

/** Reads the entries of these users and roles, with our part of their tags. @throws AccessError */
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

export function entriesSeen(cluster: Cluster, found: readonly AccessEntry[], keys: WorkerKeys): EntriesSeen {
  const { held, openSince } = readTags(cluster, found, keys);
  const holdings = new Map(held.map((holding) => [holding.arn.toLowerCase(), holding]));
  return { ...byPrincipal(found, { holdings }), holdings, openSince };
}

/** Those of principals with due work; all, if the cluster may have to forget a revocation. Others can have taken an entry's tags: then only records remember its leases. */
function requestsInQuestion(
  open: readonly AccessRequest[],
  { withdrawals, room }: Pick<WayState, "withdrawals"> & { readonly room: number },
  keys: WorkerKeys,
  now: Date,
): readonly AccessRequest[] {
  const isInForce = (request: AccessRequest) =>
    request.state === "approved" && request.lease.state === "active" && !isDueToEnd(request, now) && !request.trouble;
  const approved = new Set(withoutWithdrawn(open, withdrawals, keys.decision));
  const inQuestion = open.filter((request) => !isInForce(request) || !approved.has(request));
  if (withdrawals.list.length + inQuestion.length > room) return open;
  return forPrincipals(new Set(inQuestion.map(({ principal }) => principal.toLowerCase())), open);
}

/** Those of them that are there, in the time that these get. @throws AccessError */
export async function describeAll(entries: Pick<AccessEntries, "describe">, arns: readonly string[]) {
  extendDeadline(eachEntryMs * arns.length);
  return (await inParallel(arns, (arn) => entries.describe(arn))).filter((entry) => entry !== null);
}

function readTags(cluster: Cluster, found: readonly AccessEntry[], keys: WorkerKeys) {
  const readings = found.map((entry) =>
    readHoldingTags(sealedClusterOf(cluster), withoutRolePath(entry.principalArn), entry, keys.memory),
  );
  const ours = readings.filter((reading) => reading.type === "holding");
  const openSince = new Map<string, string>();
  for (const reading of ours) {
    if (reading.openSince !== null) openSince.set(reading.holding.arn.toLowerCase(), reading.openSince);
  }
  // Written again, so that no rotation of the key loses them.
  const changed = new Map(ours.flatMap((each) => (each.isOfOlderKey ? [[each.holding.arn.toLowerCase(), each]] : [])));
  const unclaimed = found.filter((_, index) => readings[index]?.type !== "holding");
  const untrusted = readings.find((reading) => reading.type === "untrusted")?.message ?? null;
  return { held: ours.map(({ holding }) => holding), unclaimed, openSince, untrusted, changed };
}

interface DocumentMemory {
  readonly withdrawals: Withdrawals;
  readonly data: Readonly<Record<string, string>>;
}

/** In mode `API` only if a lease from there could be given again. Null: unreadable, for example for the creator. */
async function documentMemory(
  { client, mode }: OpenedEntries,
  cluster: Cluster,
  keys: WorkerKeys,
  open: readonly AccessRequest[],
): Promise<DocumentMemory | null> {
  const wasThere = ({ lease }: AccessRequest) => lease?.state === "active" && lease.written?.way !== "access-entry";
  if (mode === "API" && !open.some(wasThere)) return { withdrawals: noWithdrawals, data: {} };
  try {
    const configMap = await client.readAwsAuth();
    const { withdrawals } = memoryBeside(cluster, configMap, keys.memory);
    // A cluster that reads only access entries lets no one in by aws-auth.
    return { withdrawals, data: mode === "API" ? {} : (configMap?.data ?? {}) };
  } catch (error) {
    if (error instanceof AccessError) return null;
    throw error;
  }
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

/** Each entry takes its own calls, a few at once. */
const eachEntryMs = 100;

/** Besides the entries of a request. A cluster may have thousands, and a preview has seconds. */
const maxCompared = 50;

export const noOtherNames: OtherNames = { entries: [], unread: 0 };

/** For the approver of a new entry. @param isNew whether a request gives a new username @throws AccessError */
export async function otherNames(
  entries: Pick<AccessEntries, "list" | "identityOf">,
  isNew: (arns: readonly string[]) => boolean,
): Promise<OtherNames> {
  const arns = await entries.list();
  if (!isNew(arns)) return noOtherNames;
  const compared = arns.slice(0, maxCompared);
  extendDeadline(eachEntryMs * compared.length);
  const found = await inParallel(compared, (arn) => entries.identityOf(arn).catch(() => null));
  const named = compared.flatMap((arn, index) => {
    const username = found[index]?.username;
    return username === undefined ? [] : [{ arn, username }];
  });
  return { entries: named, unread: arns.length - named.length };
}
