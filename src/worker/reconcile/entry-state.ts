import type { WorkerKeys } from "../../access/approval/seal.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { leasesAnnotation } from "../../access/lease/annotation.ts";
import { bothWithdrawals, noWithdrawals, stillApproved, type Withdrawals } from "../../access/lease/withdrawal.ts";
import { withLedgerMemory } from "../../access/lease/written.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { identityOfEntry, readHoldingTags, readWithdrawalTags } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import type { Entry } from "../../aws-auth/index.ts";
import { entryArnIn, withoutRolePath } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { takeMoreTime } from "../../operations/time-limit.ts";
import { inParallel } from "../in-parallel.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered, readAnnotationRemembered } from "../remembered.ts";
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
  const identityOf = (arn: string) => {
    const key = arn.toLowerCase();
    return identityOfEntry(entries.get(key) ?? null, holdings.get(key));
  };
  return { entries, identityOf, signsInAs: (arn) => inEntries(identityOf(arn), arn, null) };
}
