import { groupsBy, keptWith } from "../collections.ts";
import type { AccessRequest, ApprovedRequest } from "../request/record.ts";
import { dueWork, sealedEnd, shareInCluster } from "./due-work.ts";
import { isSignInShare } from "./lease.ts";
import type { Holding, MappedIdentity, OtherLease, Share } from "./lease-record.ts";

export interface LeasesFound {
  readonly beginning: readonly ApprovedRequest[];
  readonly inForce: readonly ApprovedRequest[];
  /** Shares that only the cluster remembers, by lower-case ARN. */
  readonly rememberedOf: (key: string) => readonly Share[];
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly identityOf: (arn: string) => MappedIdentity | null;
}

export function otherLeasesOf(request: AccessRequest, found: LeasesFound): readonly OtherLease[] {
  const { beginning, inForce, rememberedOf, holdings, identityOf } = found;
  const has = identityOf(request.principal)?.groups ?? [];
  const partOf = ({ id, groups, endsAt }: Share): OtherLease => ({
    id,
    groups: groups.filter((group) => has.includes(group)).toSorted(),
    endsAt,
  });
  const inForceOf = (each: ApprovedRequest): OtherLease => {
    const share = shareInCluster(holdings, each);
    return share ? partOf(share) : { id: each.id, groups: [], endsAt: sealedEnd(each) };
  };
  return [
    ...otherLeasesOfPrincipal(request, beginning).map(wholeLease),
    ...otherLeasesOfPrincipal(request, inForce).map(inForceOf),
    ...rememberedOf(request.principal.toLowerCase())
      .filter((share) => share.id !== request.id && !isSignInShare(share))
      .map(partOf),
  ].toSorted(byId);
}

/** The same by the ledger alone: the shown ones that remain, and new ones. @param unknown ids that only the cluster knows */
export function otherLeasesInLedger(
  request: AccessRequest,
  open: readonly ApprovedRequest[],
  unknown: ReadonlySet<string>,
  now: Date,
): readonly OtherLease[] {
  const shown = request.preview?.leases ?? [];
  const { beginning, inForce } = dueWork(open, now);
  const known = otherLeasesOfPrincipal(request, [...beginning, ...inForce]).map(
    (each) => shown.find(({ id }) => id === each.id) ?? wholeLease(each),
  );
  return [...known, ...shown.filter(({ id }) => unknown.has(id))].toSorted(byId);
}

/**
 * Whether two lists of leases give the same groups for the same time. An end on time is no difference; an early end or an
 * unshown lease is one.
 */
export function giveSameAccess(shown: readonly OtherLease[], found: readonly OtherLease[], now: Date): boolean {
  const [a, b] = [ends(shown, now), ends(found, now)];
  return a.length === b.length && a.every(([group, end], index) => isSameEnd([group, end], b[index]));
}

/** Clocks differ, and approvers see minutes. */
const sameEndMs = 60_000;

function isSameEnd([group, end]: readonly [string, number], other: readonly [string, number] | undefined): boolean {
  return other?.[0] === group && Math.abs(end - other[1]) <= sameEndMs;
}

function ends(leases: readonly OtherLease[], now: Date): readonly (readonly [string, number])[] {
  const until = new Map<string, number>();
  for (const { groups, endsAt } of leases) {
    const end = Date.parse(endsAt);
    if (!(end > now.getTime())) continue;
    for (const group of groups) until.set(group, Math.max(end, until.get(group) ?? 0));
  }
  return [...until].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const byPrincipal = keptWith((all: readonly ApprovedRequest[]) =>
  groupsBy(all, ({ principal }) => principal.toLowerCase()),
);

function otherLeasesOfPrincipal(
  { id, principal }: AccessRequest,
  all: readonly ApprovedRequest[],
): readonly ApprovedRequest[] {
  return (byPrincipal(all).get(principal.toLowerCase()) ?? []).filter((each) => each.id !== id);
}

function wholeLease(request: ApprovedRequest): OtherLease {
  return { id: request.id, groups: request.groups.toSorted(), endsAt: sealedEnd(request) };
}

function byId(a: OtherLease, b: OtherLease): number {
  return a.id < b.id ? -1 : 1;
}
