import type { AccessError } from "../../access/access-error.ts";
import { idsOf } from "../../access/lease/cluster-leases.ts";
import { type EntryTarget, entryTarget } from "../../access/lease/holding.ts";
import { isOwnUsername, isSignInShare, signInShare, signInUsernameFor } from "../../access/lease/lease.ts";
import type { Holding, MappedIdentity, Share } from "../../access/lease/lease-record.ts";
import type { Way } from "../../access/policy/cluster.ts";
import { entryArnOf, type Refusal, readHolder } from "../../access/principal.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import type { NamedEntry, ReadDocument, Steps } from "../../aws-auth/index.ts";

/**
 * One of the two places that name a cluster's principals, `aws-auth` or its access entries, as far as leases by
 * bindings need it. Such a lease has a share without groups in its principal's entry. The last share to end removes the
 * entry.
 */
export interface SignInPlace {
  readonly way: Exclude<Way, "binding">;
  /** The entries that name principals; of access entries, those that were read. */
  readonly named: readonly NamedEntry[];
  /** Sections that can't be read: nobody knows whom they name. */
  readonly blocking: ReadDocument["blocking"];
  /** The entry of a user or a role, its username with its templates; null: there is none. */
  readonly identityOf: (arn: string) => MappedIdentity | null;
  /** The identity of a principal's session there; null: nothing there names it. */
  readonly signsInAs: (principal: string, session: string) => MappedIdentity | null;
  /** Our part of its entries, by lower-case ARN. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** Ids of shares that only the ledger remembers: the place's own memory lost them. */
  readonly lost: ReadonlySet<string>;
  /** By the same key: principals with entries that an admission webhook changed in our last write. `identityOf` says what was planned. */
  readonly changed: ReadonlyMap<string, string>;
  /** By the same key: why an entry can't become this. Pure. */
  readonly refusalsOf: (targets: SignInTargets) => Steps<ReadonlyMap<string, Refusal>>;
  /** The change for people: a unified diff, and warnings. Pure. */
  readonly show: (targets: SignInTargets) => Steps<{ readonly diff: string; readonly warnings: readonly string[] }>;
  /** Sends it as a dry run, if there is one. @throws AccessError */
  readonly rehearse: (targets: SignInTargets) => Promise<void>;
  /** Writes. @throws AccessError if it certainly wrote nothing, or all is in doubt */
  readonly write: (targets: SignInTargets) => Promise<SignInSent>;
  /** Why a call that gives a lease its entry can still arrive; null: none can. */
  readonly whyStillThere: (request: ApprovedRequest) => AccessError | null;
}

export type SignInTargets = ReadonlyMap<string, EntryTarget>;

export interface SignInWritten {
  readonly place: SignInPlace;
  readonly failures: ReadonlyMap<string, unknown>;
}

/** As it was answered: enough to make the bindings that need it. */
export interface SignInSent extends SignInWritten {
  /** @throws AccessError */
  readonly readBack: () => Promise<SignInWritten>;
}

export type SignInNeed = Pick<AccessRequest, "principal"> & { readonly share: Pick<Share, "id" | "endsAt"> };

export function entryKeyOf(principal: string): string {
  return entryArnOf(principal).toLowerCase();
}

type PlaceNow = Pick<SignInPlace, "holdings" | "identityOf" | "lost" | "changed">;

/** What a write does beside the entries that leases need. */
export interface BesideNeeds {
  /** Ids of leases without anything else: their entries go. */
  readonly over?: ReadonlySet<string>;
  /** Whether entries become again as our last write planned them. */
  readonly restore?: boolean;
}

/** These leases have theirs, and finished ones none. */
export function signInTargets(
  place: PlaceNow,
  needs: readonly SignInNeed[],
  { over = new Set(), restore = false }: BesideNeeds = {},
): SignInTargets {
  const principals = new Map<string, string>();
  const neededOf = new Map<string, Share[]>();
  for (const [key, holding] of over.size > 0 ? place.holdings : []) {
    if (holding.shares.some((share) => isSignInShare(share) && over.has(share.id))) principals.set(key, holding.arn);
  }
  for (const [key, principal] of restore ? place.changed : []) principals.set(key, principal);
  for (const { principal, share } of needs) {
    const key = entryKeyOf(principal);
    principals.set(key, principal);
    neededOf.set(key, [...(neededOf.get(key) ?? []), signInShare(share)]);
  }
  const targets = new Map<string, EntryTarget>();
  for (const [key, principal] of principals) {
    const target = targetFor(place, principal, neededOf.get(key) ?? [], over);
    if (target) targets.set(key, target);
  }
  return targets;
}

/** Null: it is as planned. */
function targetFor(
  { holdings, identityOf, lost, changed }: PlaceNow,
  principal: string,
  needed: readonly Share[],
  over: ReadonlySet<string>,
): EntryTarget | null {
  const arn = entryArnOf(principal);
  const identity = identityOf(arn);
  const holding = holdings.get(arn.toLowerCase());
  const held = holding?.shares ?? [];
  // Only its own lease brings a lost share back: with another's write it could return after the lease's end.
  const returns = ({ id }: Share) => lost.has(id) && needed.some((share) => share.id === id);
  const kept = held.filter((share) => !(isSignInShare(share) && (over.has(share.id) || returns(share))));
  const isKept = ({ id }: Share) => kept.some((share) => share.id === id && isSignInShare(share));
  const added = needed.filter((share) => !isKept(share));
  const isChanged = changed.has(arn.toLowerCase());
  if (identity && !isChanged && added.length === 0 && kept.length === held.length) return null;
  const signIns = [...kept.filter(isSignInShare), ...added];
  // Does not restore a part that others removed from leases of groups, nor an entry that only new leases would need.
  const isGiven = identity !== null || isChanged || needed.length > 0;
  const others = kept.filter((share) => !isSignInShare(share));
  const [given, drifted] = isGiven ? [signIns, others] : [[], [...others, ...signIns]];
  const target = entryTarget(arn, identity, holding, given, usernameOf(principal), drifted);
  // Until then a lost share keeps the entry all the same.
  const shares = target.holding?.shares.filter((share) => !lost.has(share.id) || returns(share)) ?? [];
  return { ...target, holding: target.holding && shares.length > 0 ? { ...target.holding, shares } : null };
}

function usernameOf(principal: string): string {
  const reading = readHolder(principal);
  return reading.type === "invalid" ? principal : signInUsernameFor(reading.principal);
}

/**
 * That only the ledger remembers: others can have stripped the place's own memory. Nearly always it lost none, and its holdings stay the same
 * value. @param lost by lower-case ARN
 */
export function withLostShares(
  holdings: ReadonlyMap<string, Holding>,
  lost: ReadonlyMap<string, readonly Share[]>,
  identityOf: SignInPlace["identityOf"],
): Pick<SignInPlace, "holdings" | "lost"> {
  const changed = new Map<string, Holding>();
  const ids = new Set<string>();
  for (const [key, shares] of lost) {
    const holding = holdings.get(key);
    const { arn = key, added = [], shares: held = [] } = holding ?? {};
    const missing = sharesBeside(held, shares);
    const identity = missing.length > 0 ? identityOf(key) : null;
    if (!identity || !isOwnUsername(identity.username)) continue;
    for (const { id } of missing) ids.add(id);
    changed.set(key, { ...holding, arn, entryAdded: true, added, shares: [...held, ...missing] });
  }
  return { holdings: changed.size === 0 ? holdings : new Map([...holdings, ...changed]), lost: ids };
}

const none: readonly Share[] = [];

/** A role can have a share for each of many sessions; a user nearly always has one. */
function sharesBeside(held: readonly Share[], shares: readonly Share[]): readonly Share[] {
  const [own, another] = shares;
  if (!another && own?.id === held[0]?.id) return none;
  const known = idsOf(held);
  return shares.filter(({ id }) => !known.has(id));
}
