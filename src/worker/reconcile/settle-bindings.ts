import { AccessError } from "../../access/failure/access-error.ts";
import { readAnnotation } from "../../access/lease/annotation.ts";
import type { Drift } from "../../access/lease/drift.ts";
import { approvedShare, shareInCluster } from "../../access/lease/due-work.ts";
import type { ClusterBinding } from "../../access/lease/lease-bindings.ts";
import type { Holding } from "../../access/lease/lease-record.ts";
import {
  bindingPlace,
  holdingsOf,
  type LeasePart,
  partsByLease,
  readOwnBindings,
} from "../../access/lease/own-bindings.ts";
import type { MappedIdentity } from "../../access/lease/proof-record.ts";
import { noWithdrawals, type Withdrawals, withoutWithdrawn } from "../../access/lease/withdrawal.ts";
import { signInShareInRecord, withLedgerMemory } from "../../access/lease/written.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isSameCreator } from "../../access/policy/creator.ts";
import { placedRoleOf } from "../../access/policy/role-text.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/request/record.ts";
import { entryArnOf } from "../../aws-auth/index.ts";
import type { TakenBack } from "../../kubernetes/cluster-client.ts";
import { inParallel } from "../in-parallel.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { readLeaseRemembered } from "../remembered.ts";
import { checkWork, leaveOut, withOwnMemory, without } from "./check-leases.ts";
import { lateCreation } from "./late-creation.ts";
import type { ReadBack } from "./prove.ts";
import { type RoleSeen, rolesSeen } from "./roles-seen.ts";
import { holdingEntries, needsEntry, refuseSignIns } from "./settle-sign-ins.ts";
import { readSignInMap } from "./sign-in-map.ts";
import { type SignInMap, type SignInNames, signInNames } from "./sign-in-names.ts";
import type { SignInNeed } from "./sign-in-place.ts";
import { targetsOf, withdrawalsAfter } from "./targets.ts";
import type { RefusedLease, SettleInput, Settlement, WayPlace, WayState } from "./way-adapter.ts";

/** Where the ConfigMap has what was taken back. The key of an annotation is none: it may have no `/`. */
export const takenBackKey = "leases";

/** What the bindings of a cluster tell, and as whom its people sign in. */
export interface BindingState extends WayState {
  readonly parts: readonly LeasePart[];
  /** They have our label, and no seal of ours. */
  readonly forged: readonly ClusterBinding[];
  /** Reads the bindings once more. @throws AccessError */
  readonly readAgain: () => Promise<readonly ClusterBinding[]>;
  /** Where they sign in, and as whom. */
  readonly map: SignInMap;
  readonly names: SignInNames;
  /** By the level's text, of requests that are not given yet. */
  readonly roles: ReadonlyMap<string, RoleSeen>;
  /** Null: no request that waits for a preview names one. */
  readonly namespaces: ReadonlySet<string> | null;
  /** What remembers what was taken back, as it was read. */
  readonly takenBack: TakenBack;
}

/** Sealed for the bindings alone: the memory of `aws-auth` is not theirs. No cluster's name has a slash. */
export function takenBackSealedFor({ name }: Cluster): string {
  return `${name}/bindings`;
}

/** Reads the cluster's bindings that have our label, and as whom the principals of these requests sign in. @throws AccessError */
export async function readBindingState(place: WayPlace, open: readonly AccessRequest[]): Promise<BindingState> {
  const { opened, cluster, context } = place;
  const { client, creatorArn } = opened;
  const { keys } = context;
  const readAgain = () => labelledBindings(client, open);
  const [bindings, takenBack] = await Promise.all([readAgain(), client.readTakenBack()]);
  const { parts, forged } = readOwnBindings(cluster.name, bindings, keys.memory, readLeaseRemembered);
  const principals = [...open.map(({ principal }) => principal), ...parts.map(({ principal }) => principal)];
  const isNew = ({ lease }: AccessRequest) => lease === null || lease.state === "scheduled";
  const asked = open.filter(({ state }) => state === "pending").flatMap(({ groups }) => namespacesIn(groups));
  const [map, roles, namespaces] = await Promise.all([
    readSignInMap(place, open, principals),
    rolesSeen(
      client,
      open.filter(isNew).flatMap(({ groups }) => groups),
    ),
    asked.length > 0 ? client.namespaces() : null,
  ]);
  const names = signInNames(map, cluster);
  const reading = readAnnotation(takenBackSealedFor(cluster), takenBack.data[takenBackKey], keys.memory);
  const withdrawals = reading.type === "holdings" ? reading.withdrawals : noWithdrawals;
  const identityOf = (principal: string) => identityIn(names, parts, principal);
  return {
    ...withLedgerMemory(
      withOwnEntries(holdingsOf(parts), map),
      withoutWithdrawn(open, withdrawals, keys.decision),
      keys.memory,
      "binding",
    ),
    ...{ creatorArn, parts, forged, readAgain, map, names, roles, takenBack, withdrawals, identityOf },
    namespaces: namespaces && new Set(namespaces),
    isRead: () => true,
    elsewhere: noWithdrawals,
    untrusted: reading.type === "untrusted" ? reading.message : null,
    signsInAs: (principal) => readBackIn(names, parts, principal),
    isUnfinished: false,
    baseFor: (request) => baseFor(names, roles, request),
  };
}

/**
 * All bindings that have our label. Anyone who can create a RoleBinding can make the list too long to read: then those of the leases
 * that the ledger knows are read one by one, so that they end all the same.
 */
async function labelledBindings(
  client: OpenedCluster["client"],
  open: readonly AccessRequest[],
): Promise<readonly ClusterBinding[]> {
  try {
    return await client.listLeaseBindings();
  } catch (error) {
    const isTooLong = error instanceof AccessError && error.code === "answer-too-large";
    if (!isTooLong || open.length === 0) throw error;
    const places = open.flatMap(({ id, groups }) => groups.flatMap((text) => bindingPlace(id, text) ?? []));
    const found = await inParallel(places, (place) => client.findBinding(place));
    return found.filter((binding) => binding !== null);
  }
}

/** The bindings do not say whether the lease holds an entry: its place does. */
function withOwnEntries(holdings: readonly Holding[], map: SignInMap): readonly Holding[] {
  const own = holdingEntries(map);
  return holdings.map((holding) => ({ ...holding, entryAdded: holding.shares.some(({ id }) => own.has(id)) }));
}

/** Who a principal is, with what our bindings give that name. */
function identityIn(names: SignInNames, parts: readonly LeasePart[], principal: string): MappedIdentity | null {
  const name = names.of(principal);
  if (name.type === "nobody" || name.entry === "planned") return null;
  const given = parts.filter((part) => part.isIntact && part.user === name.username).map(({ text }) => text);
  return { username: name.username, groups: [...new Set([...name.groups, ...given])] };
}

export function readBackIn(names: SignInNames, parts: readonly LeasePart[], principal: string): ReadBack {
  const identity = identityIn(names, parts, principal);
  return { identity, place: "the cluster", seenAfterMs: null, entryArn: null };
}

/**
 * What an approval depends on: the name that the bindings are made for, and what their roles allow. Null: the principal has no name of
 * its own here.
 */
function baseFor(
  names: SignInNames,
  roles: ReadonlyMap<string, RoleSeen>,
  { principal, groups }: AccessRequest,
): MappedIdentity | null {
  const name = names.of(principal);
  if (name.type === "nobody" || name.refusal !== null) return null;
  const seen = groups.map((text) => `${text} ${roles.get(text)?.digest ?? ""}`).sort();
  return { username: name.username, groups: name.entry === "theirs" ? seen : [...seen, ownEntry] };
}

/** What an approval of a lease says that needs an entry of ours: it holds for no lease that finds another's, and the reverse. */
export const ownEntry = "with an entry of eks-access";

/** A decision about the bindings of one cluster. */
export interface BindingSettlement extends Settlement {
  /** What the cluster has to remember of what is taken back. */
  readonly withdrawals: Withdrawals;
  /** The leases that hold an entry of ours from now on, and the place does not say so yet. */
  readonly signIns: readonly SignInNeed[];
}

/** Decides which bindings there must be: every seal, the policy and the roles are looked at again (laws 3 and 4). */
export function settleBindings(input: SettleInput<BindingState>): BindingSettlement {
  const known = withOwnMemory(input);
  const partsOf = partsByLease(known.state.parts);
  const checked = checkWork(known, "binding", {
    driftOf: (request, groups) => driftIn(known.state.names, partsOf.get(request.id) ?? [], request, groups),
    mayRepair: (request) =>
      refusalOf(known, request) === null && refusalsOf(known, [request]).size === 0 && mayAddEntry(known, request),
  });
  const refusals = refusalsOf(known, checked.arriving);
  const refused = checked.arriving.flatMap((request): RefusedLease[] => {
    const refusal = refusalOf(known, request) ?? refusals.get(request.id);
    return refusal ? [{ request, refusal }] : [];
  });
  const arriving = without(
    checked.arriving,
    refused.map(({ request }) => request),
  );
  const voided = checked.voided.map((each) => ({ ...each, doubt: lateCreation(each.request, known.now) }));
  // A binding is deleted by its uid, whoever the cluster makes of its principal now: an end is never stuck.
  const sorted = { ...leaveOut({ ...checked, arriving, voided }, new Map()), refused };
  const signIns = signInsOf(known, sorted);
  const targets = withEntries(targetsOf(known, { ...checked, arriving }), signIns);
  const withdrawals = withdrawalsAfter(known, sorted, known.state.holdings.values());
  return { ...sorted, targets, withdrawals, signIns };
}

/** The record of a lease remembers whether its entry is ours: a person may strip what the place itself remembers. */
function withEntries(targets: Settlement["targets"], signIns: readonly SignInNeed[]): Settlement["targets"] {
  const own = new Set(signIns.map(({ principal }) => principal.toLowerCase()));
  return new Map(
    [...targets].map(([key, target]) => {
      const holding = target.holding && { ...target.holding, entryAdded: own.has(key) };
      return [key, { ...target, holding }];
    }),
  );
}

/** An entry of others that they removed is not made anew by us: no one approved that. */
function mayAddEntry({ state, keys }: SettleInput<BindingState>, request: ApprovedRequest): boolean {
  if (!needsEntry(state.names, request.principal)) return true;
  return holdingEntries(state.map).has(request.id) || signInShareInRecord(request, keys.memory) !== null;
}

/** By request id: why leases can't have an entry by which their people sign in. */
function refusalsOf(input: SettleInput<BindingState>, requests: readonly ApprovedRequest[]) {
  const { map, names } = input.state;
  const able = requests.filter((request) => refusalOf(input, request) === null);
  return refuseSignIns(
    map,
    able.filter(({ principal }) => needsEntry(names, principal)).map((request) => signInOf(input, request)),
  );
}

function signInOf({ state, now }: SettleInput<BindingState>, request: ApprovedRequest): SignInNeed {
  return { principal: request.principal, share: approvedShare(request, now, shareInCluster(state.holdings, request)) };
}

/** Those that begin or are put back, and those of which a person stripped what the place remembered. */
function signInsOf(
  input: SettleInput<BindingState>,
  { granted, repaired, holding }: Pick<Settlement, "granted" | "repaired" | "holding">,
): readonly SignInNeed[] {
  const { map, names } = input.state;
  const isLost = ({ id }: ApprovedRequest) => map.places.some(({ lost }) => lost.has(id));
  return [...granted, ...repaired, ...holding.filter(isLost)]
    .filter(({ principal }) => needsEntry(names, principal))
    .map((request) => signInOf(input, request));
}

/** Why nothing can be bound to a principal; null: it can. */
export function refusalOf(
  { cluster, state }: Pick<SettleInput<BindingState>, "cluster" | "state">,
  { principal, groups }: AccessRequest,
) {
  const role = entryArnOf(principal);
  if (isSameCreator(role, state.creatorArn)) {
    return {
      code: "creator",
      arn: principal,
      message: `${role} created ${cluster.name}: no lease can end its access.`,
    };
  }
  const name = state.names.of(principal);
  const why = name.type === "nobody" ? name.why : name.refusal;
  if (why !== null) return { code: "no-own-name", arn: principal, message: why };
  const nowhere = namespacesIn(groups).find((namespace) => state.namespaces?.has(namespace) === false);
  if (nowhere !== undefined) {
    return { code: "namespace-absent", arn: principal, message: `${cluster.name} has no namespace ${nowhere}.` };
  }
  const absent = groups.find((text) => state.roles.get(text)?.rules === null);
  if (absent === undefined) return null;
  return {
    code: "role-absent",
    arn: principal,
    message: `${cluster.name} has no ${absent}. Ask an operator of the cluster.`,
  };
}

/** @param own the bindings of the lease */
function driftIn(
  names: SignInNames,
  own: readonly LeasePart[],
  request: ApprovedRequest,
  groups: readonly string[],
): Drift | null {
  const name = names.of(request.principal);
  const given = own.filter(({ isIntact, user }) => isIntact && name.type === "name" && user === name.username);
  const missing = groups.filter((text) => !given.some((part) => part.text === text));
  if (missing.length === 0 && name.type === "name" && name.entry !== "planned") return null;
  if (name.type === "name" && name.entry === "planned") {
    const message = `no access entry and no entry of aws-auth lets ${entryArnOf(request.principal)} sign in any more`;
    return { request, message };
  }
  const [other] = own.filter(({ isIntact }) => isIntact);
  if (other && name.type === "name" && other.user !== name.username) {
    return {
      request,
      message: `the cluster now calls this person ${name.username}, and the lease is bound to ${other.user}`,
    };
  }
  if (name.type === "nobody") return { request, message: name.why.replace(/\.$/, "") };
  const what = own.length > 0 ? "one of its bindings was changed or deleted" : "its bindings are gone";
  return { request, message: `${what}: ${missing.join(", ")}` };
}

/** The namespaces that these texts name. */
function namespacesIn(groups: readonly string[]): readonly string[] {
  return [...new Set(groups.flatMap((text) => placedRoleOf(text)?.namespace ?? []))];
}
