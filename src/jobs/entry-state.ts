import type { AccessEntry } from "../access-entry/entry.ts";
import { readHoldingTags } from "../access-entry/entry-tags.ts";
import { identityOfEntry } from "../access-entry/identity.ts";
import { entryArnIn, withoutRolePath } from "../access-entry/principal-arn.ts";
import type { SealKeys } from "../approval/seal.ts";
import type { AccessEntries } from "../aws/access-entries.ts";
import { noWithdrawals } from "../grant/withdrawal.ts";
import { withLedgerMemory } from "../grant/written.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/request.ts";
import { inParallel } from "./in-parallel.ts";
import type { OpenedCluster } from "./open-cluster.ts";
import { inEntries } from "./prove.ts";
import type { Standing } from "./taking.ts";

/** What the access entries of the principals in question tell. */
export interface EntryState extends Standing {
  /** By the principal's ARN in lower case, without a role's path. */
  readonly entries: ReadonlyMap<string, AccessEntry>;
}

/** Every entry takes a call or two: `all` is for a cluster whose ledger may not know them. */
export type WhoseEntries = "all" | "requested";

/**
 * Reads the entries of the principals of these requests, and our own part of them.
 * * @throws AccessError
 */
export async function readEntryState(
  {
    entries,
    creatorArn,
  }: Pick<OpenedCluster, "creatorArn"> & { readonly entries: Pick<AccessEntries, "list" | "describe"> },
  cluster: Cluster,
  sealKeys: SealKeys,
  open: readonly AccessRequest[],
  whose: WhoseEntries,
): Promise<EntryState> {
  const arns = await entries.list();
  const principals = [...new Set(open.map(({ principal }) => principal))];
  const wanted = whose === "all" ? arns : principals.flatMap((principal) => entryArnIn(arns, principal) ?? []);
  const described = await inParallel([...new Set(wanted)], (arn) => entries.describe(arn));
  const found = described.filter((entry) => entry !== null);
  const readings = found.map((entry) =>
    readHoldingTags(cluster.name, withoutRolePath(entry.principalArn), entry, sealKeys),
  );
  const held = readings.flatMap((reading) => (reading.type === "holding" ? [reading.holding] : []));
  const [untrusted = null] = readings.flatMap((reading) => (reading.type === "untrusted" ? [reading.message] : []));
  const memory = withLedgerMemory(held, open, sealKeys, "access-entry");
  return {
    ...memory,
    ...byPrincipal(found, memory),
    creatorArn,
    withdrawals: noWithdrawals,
    untrusted,
    isUnfinished: false,
  };
}

function byPrincipal(
  found: readonly AccessEntry[],
  { holdings }: Pick<Standing, "holdings">,
): Pick<EntryState, "entries" | "identityOf" | "signsInAs"> {
  const entries = new Map(found.map((entry) => [withoutRolePath(entry.principalArn).toLowerCase(), entry]));
  const identityOf = (arn: string) => {
    const key = arn.toLowerCase();
    return identityOfEntry(entries.get(key) ?? null, holdings.get(key));
  };
  return { entries, identityOf, signsInAs: (arn) => inEntries(identityOf(arn), arn, null) };
}
