import { approvedShare, shareInCluster } from "../../access/lease/cluster-leases.ts";
import { type Drift, driftOf, lostRole } from "../../access/lease/drift.ts";
import { signInShareInRecord } from "../../access/lease/holding.ts";
import { bindingsByLease, type LeaseBinding, lateCreation } from "../../access/lease/own-bindings.ts";
import type { Withdrawals } from "../../access/lease/withdrawal.ts";
import { sealedClusterOf } from "../../access/policy/cluster.ts";
import { refuseIdentity } from "../../access/policy/creator.ts";
import { namespacesIn } from "../../access/policy/policy-text.ts";
import { entryArnOf } from "../../access/principal.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import { finish, type Steps } from "../../aws-auth/index.ts";
import type { BindingState } from "./binding-state.ts";
import { checkWork, exceptRequests, leaveOutRefused, withOwnMemory } from "./check-leases.ts";
import { needsEntry, refuseSignIns } from "./settle-sign-ins.ts";
import type { SignInNeed } from "./sign-in-place.ts";
import { targetsOf, withdrawalsAfter } from "./targets.ts";
import type { RefusedLease, SettleInput, Settlement } from "./way-adapter.ts";

export interface BindingSettlement extends Settlement {
  /** The withdrawals that the cluster must remember. */
  readonly withdrawals: Withdrawals;
  /** The leases that hold an entry of ours from now on, and are not in the place's memory yet. */
  readonly signIns: readonly SignInNeed[];
  /** Ids of leases that are over in the ledger, and hold an entry of ours: another lease's late call can bring a share back. */
  readonly finished: readonly string[];
}

/** Decides which bindings there must be, after a check of every seal, the policy and the roles (laws 3 and 4). */
export function* settleBindings(input: SettleInput<BindingState>): Steps<BindingSettlement> {
  const known = withOwnMemory(input);
  const partsOf = bindingsByLease(known.state.parts);
  // Plans each repair beforehand: `checkWork` does not pause.
  for (const request of known.cluster.drift === "repair" ? known.work.inForce : []) {
    const own = partsOf.get(request.id) ?? [];
    if (driftIn(known, own, request, request.groups)) yield* refusalsOf(known, [request]);
  }
  const checked = checkWork(known, {
    driftOf: (request, groups) => driftIn(known, partsOf.get(request.id) ?? [], request, groups),
    mayRepair: (request) =>
      lostRole(request, known.state.roles) === null &&
      refusalOf(known, request) === null &&
      finish(refusalsOf(known, [request])).size === 0 &&
      mayAddEntry(known, request),
  });
  const refusals = yield* refusalsOf(known, checked.beginning);
  const refused = checked.beginning.flatMap((request): RefusedLease[] => {
    const refusal = refusalOf(known, request) ?? refusals.get(request.id);
    return refusal ? [{ request, refusal }] : [];
  });
  const beginning = exceptRequests(
    checked.beginning,
    refused.map(({ request }) => request),
  );
  const voided = checked.voided.map((each) => ({ ...each, whyStillThere: lateCreation(each.request, known.now) }));
  // A binding is found by its uid, so an end does not depend on the principal's present username.
  const sorted = { ...leaveOutRefused({ ...checked, beginning, voided }, new Map()), refused };
  const signIns = signInsOf(known, sorted);
  const targets = withEntries(targetsOf(known, { ...checked, beginning }), signIns);
  const withdrawals = withdrawalsAfter(known, { ...sorted, targets }, known.state.holdings.values());
  const finished = [...input.closed].filter((id) => known.state.signInShares.some((share) => share.id === id));
  return { ...sorted, targets, withdrawals, signIns, finished };
}

/** A lease's record shows whether its entry is ours, because people can strip the place's own memory. */
function withEntries(targets: Settlement["targets"], signIns: readonly SignInNeed[]): Settlement["targets"] {
  const own = new Set(signIns.map(({ principal }) => principal.toLowerCase()));
  return new Map(
    [...targets].map(([key, target]) => {
      return [key, { ...target, holding: target.holding && { ...target.holding, entryAdded: own.has(key) } }];
    }),
  );
}

/** If others removed an entry of theirs, no approval covers a new one of ours. */
function mayAddEntry({ cluster, state, keys }: SettleInput<BindingState>, request: ApprovedRequest): boolean {
  if (!needsEntry(state.names, request.principal)) return true;
  return (
    state.signInShares.some(({ id }) => id === request.id) ||
    signInShareInRecord(sealedClusterOf(cluster), request, keys.memory) !== null
  );
}

/** By request id: why a lease can't have its person's entry. */
function* refusalsOf(input: SettleInput<BindingState>, requests: readonly ApprovedRequest[]) {
  const { map, names } = input.state;
  const able = requests.filter((request) => refusalOf(input, request) === null);
  return yield* refuseSignIns(
    map,
    able.filter(({ principal }) => needsEntry(names, principal)).map((request) => signInOf(input, request)),
  );
}

function signInOf({ state, now }: SettleInput<BindingState>, request: ApprovedRequest): SignInNeed {
  return { principal: request.principal, share: approvedShare(request, now, shareInCluster(state.holdings, request)) };
}

/** Leases that begin or return, and those that others stripped from the place's memory. */
function signInsOf(
  input: SettleInput<BindingState>,
  { leased, repaired, complete }: Pick<Settlement, "leased" | "repaired" | "complete">,
): readonly SignInNeed[] {
  const { map, names } = input.state;
  const isLost = ({ id }: ApprovedRequest) => map.places.some(({ lost }) => lost.has(id));
  return [...leased, ...repaired, ...complete.filter(isLost)]
    .filter(({ principal }) => needsEntry(names, principal))
    .map((request) => signInOf(input, request));
}

/** Why no binding can name a principal; null: it can. */
export function refusalOf(
  { cluster, state }: Pick<SettleInput<BindingState>, "cluster" | "state">,
  { principal, groups }: AccessRequest,
) {
  const own = refuseIdentity(cluster, entryArnOf(principal), state.creatorArn);
  if (own) return { ...own, arn: principal };
  const name = state.names.of(principal);
  const why = name.type === "none" ? name.why : name.refusal;
  if (why !== null) return { code: "no-own-name", arn: principal, message: why };
  const { namespaces } = state;
  const nowhere = namespacesIn(groups).flatMap((namespace) => {
    const found = namespaces?.get(namespace);
    if (!namespaces || found?.isEnding === false) return [];
    return found ? `is deleting namespace ${namespace}` : `has no namespace ${namespace}`;
  });
  if (nowhere.length > 0) {
    const message = `${cluster.name} ${nowhere.join(" and ")}.`;
    return { code: "namespace-absent", arn: principal, message };
  }
  const absent = groups.find((text) => state.roles.get(text)?.rules === null);
  if (absent !== undefined) {
    const message = `${cluster.name} has no ${absent}. Ask an operator.`;
    return { code: "role-absent", arn: principal, message };
  }
  const unread = groups.find((text) => state.roles.get(text)?.digest === null);
  if (unread === undefined) return null;
  const message = `${unread} is too large to read. Ask an operator.`;
  return { code: "answer-too-large", arn: principal, message };
}

function driftIn(
  { state, cluster }: SettleInput<BindingState>,
  own: readonly LeaseBinding[],
  request: ApprovedRequest,
  groups: readonly string[],
): Drift | null {
  const name = state.names.of(request.principal);
  // A lost label takes no access away, so only a repair restores it.
  const isWhole = (part: LeaseBinding) => part.isIntact && (part.isLabelled || cluster.drift !== "repair");
  const given = own.filter((part) => isWhole(part) && name.type === "name" && part.user === name.username);
  const missing = groups.filter((text) => !given.some((part) => part.text === text));
  const role = lostRole(request, state.roles, groups);
  const isNamed = name.type === "name" && name.entry !== "planned";
  if (missing.length === 0 && role === null && isNamed) return null;
  const blocking = state.map.places.flatMap((place) => place.blocking);
  const unread = isNamed ? null : driftOf(request, null, [], blocking, groups);
  if (unread?.isUnread) return unread;
  if (name.type === "name" && !isNamed) {
    const message = `no access entry and no entry of aws-auth lets ${entryArnOf(request.principal)} sign in any more`;
    return { request, message };
  }
  if (role !== null) return { request, message: role };
  const [other] = own.filter(({ isIntact }) => isIntact);
  if (other && name.type === "name" && other.user !== name.username) {
    return {
      request,
      message: `the cluster now calls this person ${name.username}, and the lease is bound to ${other.user}`,
    };
  }
  if (name.type === "none") return { request, message: name.why.replace(/\.$/, "") };
  const isThere = own.length > 0 || state.inPlaceOf(request).length > 0;
  const what = isThere ? "others changed or deleted one of its bindings" : "its bindings are gone";
  return { request, message: `${what}: ${missing.join(", ")}` };
}
