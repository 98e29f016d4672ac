import { readAnnotation } from "../../access/lease/annotation.ts";
import { forPrincipals, idsOf, isDueToEnd } from "../../access/lease/cluster-leases.ts";
import { withLedgerMemory } from "../../access/lease/holding.ts";
import type { Holding, Share } from "../../access/lease/lease-record.ts";
import {
  bindingPlace,
  type ClusterBinding,
  holdingsOf,
  isLabelled,
  type LeaseBinding,
  type OwnBindings,
} from "../../access/lease/own-bindings.ts";
import { maxWithdrawals, noWithdrawals, withoutWithdrawn } from "../../access/lease/withdrawal.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import { namespacesIn } from "../../access/policy/policy-text.ts";
import type { RoleSeen } from "../../access/policy/rights.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { StoredWithdrawals } from "../../kubernetes/cluster-client.ts";
import type { Namespace } from "../../kubernetes/own-objects.ts";
import { isTooLarge } from "../../operations/bounds.ts";
import { inParallel } from "../../operations/parallel.ts";
import { ownBindingsAmong } from "../remembered.ts";
import type { ReadBack } from "./prove.ts";
import { rolesSeen } from "./review-questions.ts";
import { signInSharesIn } from "./settle-sign-ins.ts";
import { readSignInMap } from "./sign-in-map.ts";
import { type SignInMap, type SignInNames, signInNames } from "./sign-in-names.ts";
import { entryKeyOf } from "./sign-in-place.ts";
import type { WayContext, WayState } from "./way-adapter.ts";

/** The data key of the withdrawals. The annotation's key has a `/`, which a data key can't have. */
export const withdrawalsKey = "leases";

/** The leases in a cluster's bindings, and the usernames with which its people sign in. */
export interface BindingState extends WayState {
  readonly parts: readonly LeaseBinding[];
  /** With our label, and without our seal. */
  readonly forged: OwnBindings["forged"];
  /** In the place of a lease's binding, and without our seal: people change what the lease's own binding says. */
  readonly inPlaceOf: (request: AccessRequest) => readonly ClusterBinding[];
  /** Reads these bindings once more, because another run can have changed them. @throws AccessError */
  readonly readAgain: (places: readonly BindingPlace[]) => Promise<readonly LeaseBinding[]>;
  readonly map: SignInMap;
  readonly signInShares: readonly Share[];
  readonly names: SignInNames;
  readonly roles: ReadonlyMap<string, RoleSeen>;
  /** By name; null: no pending request names one. */
  readonly namespaces: ReadonlyMap<string, Namespace> | null;
  /** Null: people made it too large to read, which is as if they had removed it. */
  readonly stored: StoredWithdrawals | null;
}

export type BindingsPlace = WayContext & { readonly isWhole: boolean };

type BindingPlace = Pick<ClusterBinding, "name" | "namespace">;

/** Differs from the seal of `aws-auth`, so neither memory can replace the other: no ARN of a cluster ends so. */
export function withdrawalsSealedFor(cluster: Cluster): string {
  return `${sealedClusterOf(cluster)}/bindings`;
}

/** Reads the cluster's bindings of leases, and the usernames of these requests' principals. @throws AccessError */
export async function readBindingState(place: BindingsPlace, open: readonly AccessRequest[]): Promise<BindingState> {
  const { opened, cluster, context } = place;
  const { client, creatorArn } = opened;
  const { keys } = context;
  const some = place.isWhole ? null : whereOnlyBegins(open, context.now());
  const texts: string[] = [];
  const given: string[] = [];
  const asked: string[] = [];
  for (const request of open) {
    if (request.lease === null || request.lease.state === "scheduled") texts.push(...textsOf(request));
    else if (place.isWhole) given.push(...textsOf(request));
    if (request.state === "pending") asked.push(...namespacesIn(request.groups));
  }
  // At once: a person waits.
  const [{ read, bindings, stored, memory }, early, roles, namespaces] = await Promise.all([
    readBindings(place, open, some),
    readSignInMap(place, open, principalsOf(some ?? open)),
    rolesSeen(client, texts, given),
    asked.length > 0 ? client.namespaces() : null,
  ]);
  const { parts, forged: others } = await ownBindingsAmong(sealedClusterOf(cluster), bindings, keys.memory);
  // A binding with only the right name can be another's.
  const forged = others.filter(isLabelled);
  const known = new Set(principalsOf(some ?? open).map(entryKeyOf));
  const principals = principalsOf([...read, ...parts]);
  const isMapWhole = opened.entries === null || principals.every((each) => known.has(entryKeyOf(each)));
  const map = isMapWhole ? early : await readSignInMap(place, open, principals);
  const signInShares = signInSharesIn(map);
  const names = signInNames(map, cluster);
  const readBackOf = readBackIn(names, parts);
  const approved = withoutWithdrawn(read, memory.withdrawals, keys.decision);
  const readKeys = new Set(read.map(({ principal }) => principal.toLowerCase()));
  return {
    ...withLedgerMemory(
      sealedClusterOf(cluster),
      withOwnEntries(holdingsOf(parts), signInShares),
      approved,
      keys.memory,
      "binding",
    ),
    ...{ creatorArn, parts, forged, map, names, signInShares, roles, stored, ...memory },
    inPlaceOf: (request) => others.filter(isIn(placesOf([request]))),
    readAgain: (places) => partsAgain(place, { open, parts }, places),
    identityOf: (principal) => readBackOf(principal).identity,
    namespaces: namespaces && new Map(namespaces.map((each) => [each.name, each])),
    isRead: (principal) => read === open || readKeys.has(principal.toLowerCase()),
    elsewhere: noWithdrawals,
    signsInAs: readBackOf,
    isUnfinished: false,
    baseFor: (request) => baseFor(names, roles, request),
  };
}

interface BindingsRead extends Pick<BindingState, "stored"> {
  readonly read: readonly AccessRequest[];
  readonly bindings: readonly ClusterBinding[];
  readonly memory: Pick<BindingState, "withdrawals" | "untrusted">;
}

/** @param some those that a run which only begins leases must read; null: all */
async function readBindings(
  place: BindingsPlace,
  open: readonly AccessRequest[],
  some: readonly AccessRequest[] | null,
): Promise<BindingsRead> {
  const { opened, context } = place;
  const { client } = opened;
  const [bindings, stored] = await Promise.all([
    some ? bindingsAt(place, placesOf(some), some) : labelledBindings(place, open),
    client.readWithdrawals().catch(nullIfTooLarge),
  ]);
  const memory = memoryIn(place, stored);
  if (!some) return { read: open, bindings, stored, memory };
  const { list, notBefore } = memory.withdrawals;
  const isForgetful = notBefore !== null || list.length + some.length > maxWithdrawals;
  const approved = withoutWithdrawn(open, memory.withdrawals, context.keys.decision);
  const isEnough = memory.untrusted === null && !isForgetful && approved.length === open.length;
  if (isEnough) return { read: some, bindings, stored, memory };
  return { read: open, bindings: await labelledBindings(place, open), stored, memory };
}

function nullIfTooLarge(error: unknown): null {
  if (isTooLarge(error)) return null;
  throw error;
}

function memoryIn({ cluster, context }: WayContext, stored: BindingState["stored"]): BindingsRead["memory"] {
  if (!stored) return { withdrawals: noWithdrawals, untrusted: "it is too large to read" };
  const { data } = stored;
  const reading = readAnnotation(withdrawalsSealedFor(cluster), data[withdrawalsKey], context.keys.memory);
  return {
    withdrawals: reading.type === "holdings" ? reading.withdrawals : noWithdrawals,
    untrusted: reading.type === "untrusted" ? reading.message : null,
  };
}

/** Above this number, reading their lists takes less time than reading each by name. */
const maxByName = 32;

async function bindingsAt(place: WayContext, places: readonly BindingPlace[], requests: readonly AccessRequest[]) {
  if (places.length <= maxByName) return findAll(place, places);
  return (await labelledBindings(place, requests, places)).filter(isIn(places));
}

/**
 * The requests for which a run that only begins leases must read bindings. A binding's name follows from lease and role,
 * so a read by name finds it even after people change its labels. Null: all bindings. An end needs all, because a
 * forged record can name too few. So do a repeated call, a lease that only the cluster knows, and an inspection.
 */
function whereOnlyBegins(open: readonly AccessRequest[], now: Date): readonly AccessRequest[] | null {
  const inQuestion: AccessRequest[] = [];
  for (const request of open) {
    if (request.state !== "approved" || isDueToEnd(request, now)) return null;
    const { lease, trouble } = request;
    const isFirstTry = lease.state === "scheduled" && lease.writeBegan === null;
    if (lease.state !== "active" && !isFirstTry) return null;
    if (isFirstTry || trouble !== null) inQuestion.push(request);
  }
  const some = forPrincipals(new Set(inQuestion.map(({ principal }) => principal.toLowerCase())), open);
  const ids = idsOf(some);
  const isShownAlone = inQuestion.some(({ preview }) => preview?.leases.some(({ id }) => !ids.has(id)));
  return isShownAlone ? null : some;
}

function placesOf(requests: readonly AccessRequest[]): readonly BindingPlace[] {
  return requests.flatMap((request) => textsOf(request).flatMap((text) => bindingPlace(request.id, text) ?? []));
}

/** A level binds at most 20 roles, each in at most 20 namespaces. */
const maxTexts = 400;

/** A record in Redis can have so many that no run would end. */
function textsOf({ groups }: AccessRequest): readonly string[] {
  return groups.slice(0, maxTexts);
}

/** The leases' bindings after the write. Reads again only those that this run wrote: another run or a person can have changed them. */
async function partsAgain(
  place: WayContext,
  { open, parts }: Pick<BindingState, "parts"> & { readonly open: readonly AccessRequest[] },
  places: readonly BindingPlace[],
): Promise<readonly LeaseBinding[]> {
  const { cluster, context } = place;
  const written = new Map(places.map((each) => [keyOf(each), each]));
  const others = parts.filter(({ binding }) => !written.has(keyOf(binding)));
  const found = await bindingsAt(place, [...written.values()], open);
  return [...others, ...(await ownBindingsAmong(sealedClusterOf(cluster), found, context.keys.memory)).parts];
}

function principalsOf(requests: readonly Pick<AccessRequest, "principal">[]): readonly string[] {
  return requests.map(({ principal }) => principal);
}

function keyOf({ name, namespace }: BindingPlace): string {
  return JSON.stringify([namespace, name]);
}

function isIn(places: readonly BindingPlace[]): (place: BindingPlace) => boolean {
  const keys = new Set(places.map(keyOf));
  return (place) => keys.has(keyOf(place));
}

/**
 * All bindings with our label, and those of leases begun, in force or ending that people took it from. A person with the right to create
 * RoleBindings can make this list too long to read: then it reads those of the ledger's leases one by one, so that they
 * still end. @param among only those at these places are wanted
 */
async function labelledBindings(place: WayContext, open: readonly AccessRequest[], among?: readonly BindingPlace[]) {
  const now = place.context.now();
  try {
    const labelled = await place.opened.client.listLeaseBindings(among);
    const isListed = isIn(labelled);
    const isBegun = (each: AccessRequest) =>
      each.state === "approved" &&
      (each.lease.state === "active" || each.lease.writeBegan !== null || isDueToEnd(each, now));
    const begun = placesOf(open.filter(isBegun)).filter(among ? isIn(among) : () => true);
    const unlisted = begun.filter((each) => !isListed(each));
    return [...labelled, ...(await findAll(place, unlisted))];
  } catch (error) {
    if (!isTooLarge(error) || open.length === 0) throw error;
    return findAll(place, among ?? placesOf(open));
  }
}

async function findAll({ opened }: WayContext, places: readonly BindingPlace[]): Promise<readonly ClusterBinding[]> {
  const found = await inParallel(places, (place) => opened.client.findBinding(place));
  return found.filter((binding) => binding !== null);
}

/** A binding does not show whether the lease has an entry; the sign-in place does. */
function withOwnEntries(holdings: readonly Holding[], signInShares: readonly Share[]): readonly Holding[] {
  const own = idsOf(signInShares);
  return holdings.map((holding) => ({ ...holding, entryAdded: holding.shares.some(({ id }) => own.has(id)) }));
}

/** Who each principal is, with the roles that our bindings give its username. */
export function readBackIn(names: SignInNames, parts: readonly LeaseBinding[]): (principal: string) => ReadBack {
  const given = new Map<string, string[]>();
  for (const { user, text, isIntact } of parts) {
    if (isIntact) given.set(user, [...(given.get(user) ?? []), text]);
  }
  return (principal) => {
    const name = names.of(principal);
    const isNamed = name.type === "name" && name.entry !== "planned";
    const groups = isNamed ? [...new Set([...name.groups, ...(given.get(name.username) ?? [])])] : [];
    const identity = isNamed ? { username: name.username, groups } : null;
    return { identity, place: "the cluster", seenAfterMs: null, entryArn: null };
  };
}

/** The username in the bindings, and their roles' rights. Null: the principal has no unique username here. */
function baseFor(names: SignInNames, roles: ReadonlyMap<string, RoleSeen>, { principal, groups }: AccessRequest) {
  const name = names.of(principal);
  if (name.type === "none" || name.refusal !== null) return null;
  const seen = groups.map((text) => `${text} ${roles.get(text)?.digest ?? ""}`).sort();
  return { username: name.username, groups: name.entry === "theirs" ? seen : [...seen, ownEntry] };
}

/** Such an approval does not cover a lease by another's entry, and the reverse. */
export const ownEntry = "with an entry of eks-access";
