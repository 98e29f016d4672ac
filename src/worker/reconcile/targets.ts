import { isBlocking } from "../../access/access-error.ts";
import { readPrincipal } from "../../access/arn.ts";
import { groupsBy } from "../../access/collections.ts";
import {
  approvedShare,
  forPrincipals,
  idsOf,
  isAnyShareOver,
  isShareOver,
  orphanedShares,
  sealedEnd,
  shareInCluster,
  sharesToKeep,
} from "../../access/lease/cluster-leases.ts";
import { baseOf, type EntryTarget, entryTarget, provedShare } from "../../access/lease/holding.ts";
import { isSignInShare, usernameFor } from "../../access/lease/lease.ts";
import type { Holding, Share } from "../../access/lease/lease-record.ts";
import {
  isWithdrawn,
  mergeWithdrawals,
  rememberWithdrawals,
  removalWithoutLedger,
  type Withdrawals,
  withdrawalOf,
} from "../../access/lease/withdrawal.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import { covers } from "../../access/policy/policy-text.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { lastSealedApproval } from "../../access/seals.ts";
import type { Checked } from "./check-leases.ts";
import type { RequestedChange, SettleInput, Settlement, WayState } from "./way-adapter.ts";

/** Where a cluster could not take new withdrawals: whether a request ended early, and it remembers none. */
export function forgottenBy({ list }: Withdrawals, now: () => Date): (request: ApprovedRequest) => boolean {
  const known = idsOf(list);
  return (request) => Date.parse(sealedEnd(request)) > now().getTime() && !known.has(request.id);
}

/** The entry that each touched principal must have, by lower-case ARN. */
export function targetsOf(input: SettleInput, checked: Checked): ReadonlyMap<string, EntryTarget> {
  const { work, state, closed, now } = input;
  const open = [...work.beginning, ...work.ending, ...work.inForce];
  const ids = idsOf(open);
  const touched = touchedPrincipals(input, checked, ids);
  const arns = new Map<string, string>();
  for (const { principal } of open) {
    const key = principal.toLowerCase();
    if (touched.has(key) && !arns.has(key)) arns.set(key, principal);
  }
  const sharesOf = byPrincipal(sharesGiven(input, checked, touched));
  const drifted = forPrincipals(
    touched,
    checked.drifted.map(({ request }) => request),
  );
  const driftedOf = byPrincipal(drifted.map((request) => [request, shareInCluster(state.holdings, request)]));
  const targets = new Map<string, EntryTarget>();
  for (const key of touched) {
    const holding = state.holdings.get(key);
    const arn = holding?.arn ?? arns.get(key) ?? key;
    const remembered = sharesToKeep(holding ? orphanedShares(holding, ids) : [], closed, now);
    const identity = state.identityOf(arn);
    // Only an approval restores access that others removed. An entry for bindings alone is in `settle-sign-ins.ts`.
    const isGone = (share: Share) =>
      identity === null || !share.groups.every((group) => isSignInShare(share) || identity.groups.includes(group));
    const shares = [...(sharesOf.get(key) ?? []), ...remembered.filter((share) => !isGone(share))];
    const gone = [...(driftedOf.get(key) ?? []), ...remembered.filter(isGone)];
    const principal = readPrincipal(arn);
    const username = principal.type === "principal" ? usernameFor(principal.principal) : arn;
    targets.set(key, entryTarget(arn, identity, holding, shares, username, gone));
  }
  return targets;
}

/** The one identity that a principal would have; a refusal if it has these rights for good. */
export function requestedMapping(
  cluster: Cluster,
  { identityOf, holdings }: WayState,
  { request, principal, beginning }: RequestedChange,
) {
  const { arn } = principal;
  const { groups } = request;
  const identity = identityOf(arn);
  const holding = holdings.get(arn.toLowerCase());
  const base = baseOf(identity, holding);
  const isMapped = base !== null && groups.every((group) => covers(base.groups, group));
  const message = `${arn} already has ${groups.join(", ")} in ${cluster.name}, with no end date. Sign in as it.`;
  const shares = [...(holding?.shares ?? []), ...beginning, approvedShare(request, new Date(request.createdAt))];
  const username = identity?.username ?? usernameFor(principal);
  const target = entryTarget(arn, identity, holding, shares, username);
  return { refusal: isMapped ? { code: "already-mapped", message } : null, base, identity, username, target };
}

type ShareOfRequest = readonly [ApprovedRequest, Share | null | undefined];

/** The cluster's own memory of an active lease is sealed, so it has precedence over the record in Redis. */
function sharesGiven(
  { cluster, state, keys, now }: SettleInput,
  { beginning, complete, repaired }: Checked,
  touched: ReadonlySet<string>,
): readonly ShareOfRequest[] {
  const known = (request: ApprovedRequest) => shareInCluster(state.holdings, request);
  return [
    ...beginning.map((request) => [request, approvedShare(request, now, known(request))] as const),
    ...forPrincipals(touched, complete).map((request) => [request, known(request)] as const),
    ...repaired.map(
      (request) => [request, provedShare(sealedClusterOf(cluster), state.holdings, request, keys.memory)] as const,
    ),
  ];
}

function byPrincipal(shares: readonly ShareOfRequest[]): ReadonlyMap<string, readonly Share[]> {
  const groups = groupsBy(shares, ([{ principal }]) => principal.toLowerCase());
  return new Map([...groups].map(([key, some]) => [key, some.flatMap(([, share]) => share ?? [])]));
}

/** Principals with a beginning, ending or repaired lease, or with a finished share in the cluster. */
function touchedPrincipals({ work, state, closed, now }: SettleInput, checked: Checked, open: ReadonlySet<string>) {
  // What a dead run wrote must go, even if the lease does not begin.
  const written = work.beginning.filter((request) => shareInCluster(state.holdings, request));
  const moving = [...checked.beginning, ...written, ...checked.ending, ...checked.repaired];
  const touched = new Set([...moving.map((each) => each.principal.toLowerCase()), ...(state.changed?.keys() ?? [])]);
  for (const { principal } of forPrincipals(state.lost, checked.complete)) touched.add(principal.toLowerCase());
  const ending = idsOf(checked.ending);
  if (closed.size === 0 && ending.size === 0 && !isAnyShareOver(state.holdings, now)) return touched;
  for (const [key, { shares }] of state.holdings) {
    for (const share of shares) {
      // Its record in Redis can name another principal by now.
      const isClosed = closed.has(share.id) && !open.has(share.id);
      if (isShareOver(share, now) || isClosed || ending.has(share.id)) touched.add(key);
    }
  }
  return touched;
}

/** Early ends, and void or refused approvals. @param holdings their shares are never forgotten @param limit of the others */
export function withdrawalsAfter(
  { cluster, state, keys, now, withoutLedger, revoked: closed = new Set() }: SettleInput,
  sorted: Pick<Settlement, "ending" | "stuck" | "voided" | "refused" | "leased" | "targets">,
  holdings: Iterable<Holding>,
  limit?: number,
): Withdrawals {
  const { ending, stuck, leased, targets } = sorted;
  const known = mergeWithdrawals(state.withdrawals, state.elsewhere);
  // A void approval is no revocation: an attacker with Redis can leave only that one in a record while its next approval is revoked.
  const revoked = { ...known, list: known.list.filter(({ isVoid }) => !isVoid) };
  const withdrawalsOf = (requests: readonly ApprovedRequest[], remembered: Withdrawals) =>
    requests
      .filter((request) => !isWithdrawn(request, remembered, keys.decision))
      .map((request) =>
        withdrawalOf(request, shareInCluster(state.holdings, request)?.endsAt, cluster, keys.decision, now),
      )
      .filter((withdrawal) => withdrawal !== null);
  const nothing = withdrawalsOf(givenUp(sorted, keys), known).map((each) => ({ ...each, isVoid: true as const }));
  const removed = withoutLedger ? removedShares(state.holdings, targets, now) : [];
  // An attacker with Redis can leave only an earlier approval in the record: none of before this end counts again.
  const ended = withdrawalsOf([...ending, ...stuck.map(({ request }) => request)], revoked).map((each) => {
    return { ...each, at: new Date(Math.max(Date.parse(each.at), now.getTime())).toISOString() };
  });
  const remembered = idsOf(revoked.list);
  const shares = closed.size === 0 ? [] : [...state.holdings.values()].flatMap((holding) => holding.shares);
  const signIns = closed.size === 0 ? [] : (state.signInShares ?? []);
  const restored = [...signIns, ...shares.filter((share) => !isSignInShare(share))]
    .filter(({ id }) => closed.has(id) && !remembered.has(id))
    .map(({ id, endsAt }) => ({ id, at: now.toISOString(), endsAt }));
  const withdrawn = [...ended, ...nothing, ...restored, ...removed.map(({ id }) => removalWithoutLedger(id, now))];
  if (withdrawn.length === 0 && state.withdrawals.list.length === 0) return state.withdrawals;
  const held = new Set([...holdings].flatMap(({ shares }) => shares.map(({ id }) => id)));
  const given = { withdrawn, leased: idsOf(leased), held, now };
  return rememberWithdrawals(state.withdrawals, limit === undefined ? given : { ...given, limit });
}

function removedShares(holdings: ReadonlyMap<string, Holding>, targets: Settlement["targets"], now: Date) {
  return [...targets].flatMap(([key, { holding }]) => {
    const kept = idsOf(holding?.shares ?? []);
    const isRemoved = (share: Share) => !kept.has(share.id) && Date.parse(share.endsAt) <= now.getTime();
    return (holdings.get(key)?.shares ?? []).filter((share) => isRemoved(share) && !isSignInShare(share));
  });
}

/** Requests with genuine approvals that give nothing. If a write can have begun, the next run tries again instead. */
function givenUp({ voided, refused }: Pick<Settlement, "voided" | "refused">, keys: SettleInput["keys"]) {
  const failed = refused.filter(({ request, refusal }) => {
    // Until the repair of a person's mistake in aws-auth, the lease waits, and its approval counts.
    return request.lease.writeBegan === null && !isBlocking(refusal.code);
  });
  return [...voided, ...failed]
    .map(({ request }) => request)
    .filter((request) => lastSealedApproval(request, keys.decision) !== null);
}
