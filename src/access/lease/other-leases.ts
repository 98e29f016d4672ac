import type { AccessRequest, ApprovedRequest } from "../request/record.ts";
import { dueWork, sealedEnd, shareIn } from "./due-work.ts";
import type { Holding, OtherLease, Share } from "./lease-record.ts";
import type { MappedIdentity } from "./proof-record.ts";

export interface LeasesFound {
  readonly beginning: readonly ApprovedRequest[];
  readonly inForce: readonly ApprovedRequest[];
  /** Shares that only the cluster remembers, by lower-case ARN. */
  readonly rememberedOf: (key: string) => readonly Share[];
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly identityOf: (arn: string) => MappedIdentity | null;
}

/** The leases that the principal of a request has besides, by request id. */
export function leasesBeside(request: AccessRequest, found: LeasesFound): readonly OtherLease[] {
  const { beginning, inForce, rememberedOf, holdings, identityOf } = found;
  const has = identityOf(request.principal)?.groups ?? [];
  const partOf = ({ id, groups, endsAt }: Share): OtherLease => ({
    id,
    groups: groups.filter((group) => has.includes(group)).toSorted(),
    endsAt,
  });
  const inForceOf = (each: ApprovedRequest): OtherLease => {
    const share = shareIn(holdings, each);
    return share ? partOf(share) : { id: each.id, groups: [], endsAt: sealedEnd(each) };
  };
  return [
    ...beside(request, beginning).map(wholeLease),
    ...beside(request, inForce).map(inForceOf),
    ...rememberedOf(request.principal.toLowerCase())
      .filter(({ id }) => id !== request.id)
      .map(partOf),
  ].toSorted(byId);
}

/**
 * What the ledger alone says of the leases beside a request, for who can't look at the cluster: of those that the approver was shown
 * only whether they are still there.
 * @param unknown ids of which the ledger knows nothing: only the cluster does
 */
export function leasesInLedger(
  request: AccessRequest,
  open: readonly ApprovedRequest[],
  unknown: ReadonlySet<string>,
  now: Date,
): readonly OtherLease[] {
  const shown = request.preview?.leases ?? [];
  const { arriving, staying } = dueWork(open, now);
  const known = beside(request, [...arriving, ...staying]).map(
    (each) => shown.find(({ id }) => id === each.id) ?? wholeLease(each),
  );
  return [...known, ...shown.filter(({ id }) => unknown.has(id))].toSorted(byId);
}

/**
 * Whether a principal has the same by two lists of leases, and for as long. An approver sees when each lease ends: what has ended in
 * its time, and was to, is no difference. What ended before its time is one, and so is what nobody showed.
 */
export function giveTheSame(shown: readonly OtherLease[], found: readonly OtherLease[], now: Date): boolean {
  const [a, b] = [ends(shown, now), ends(found, now)];
  return a.length === b.length && a.every(([group, end], index) => isSameEnd([group, end], b[index]));
}

/**
 * A lease whose approval is dated after its first write, as where clocks differ, ends so much sooner: that is no difference to anybody
 * who was shown minutes.
 */
const sameEndMs = 60_000;

function isSameEnd([group, end]: readonly [string, number], other: readonly [string, number] | undefined): boolean {
  return other?.[0] === group && Math.abs(end - other[1]) <= sameEndMs;
}

/** Until when each group is given, of the leases that are not over. */
function ends(leases: readonly OtherLease[], now: Date): readonly (readonly [string, number])[] {
  const until = new Map<string, number>();
  for (const { groups, endsAt } of leases) {
    const end = Date.parse(endsAt);
    if (!(end > now.getTime())) continue;
    for (const group of groups) until.set(group, Math.max(end, until.get(group) ?? 0));
  }
  return [...until].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function beside({ id, principal }: AccessRequest, all: readonly ApprovedRequest[]): readonly ApprovedRequest[] {
  return all.filter((each) => each.id !== id && each.principal.toLowerCase() === principal.toLowerCase());
}

function wholeLease(request: ApprovedRequest): OtherLease {
  return { id: request.id, groups: request.groups.toSorted(), endsAt: sealedEnd(request) };
}

function byId(a: OtherLease, b: OtherLease): number {
  return a.id < b.id ? -1 : 1;
}
