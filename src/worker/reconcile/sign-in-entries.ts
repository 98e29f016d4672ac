import { AccessError, hasCode } from "../../access/access-error.ts";
import { readBackDiffers } from "../../access/lease/drift.ts";
import type { EntryTarget } from "../../access/lease/holding.ts";
import { isSignInShare } from "../../access/lease/lease.ts";
import type { Holding, MappedIdentity, Share } from "../../access/lease/lease-record.ts";
import { type Change, entryArnOf, type Refusal } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import { isLeaseOver } from "../../access/request.ts";
import { type AccessEntry, identityOfEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { render, unifiedDiff } from "../../aws-auth/index.ts";
import { inParallel } from "../../operations/parallel.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import { type EntryWritten, writeEntry } from "./carry-out-entry.ts";
import { type EntriesSeen, entriesSeen, readEntriesOf } from "./entry-state.ts";
import type { EntryTools } from "./send-entry-calls.ts";
import { lateCallDoubt, refuseTarget, textOfEntry } from "./settle-entries.ts";
import { entryKeyOf, type SignInPlace, type SignInSent, type SignInTargets, withLostShares } from "./sign-in-place.ts";
import type { WayContext } from "./way-adapter.ts";

interface EntriesPlace extends WayContext {
  readonly opened: OpenedCluster & { readonly entries: AccessEntries };
  readonly open: readonly AccessRequest[];
  readonly lost: ReadonlyMap<string, readonly Share[]>;
}

/**
 * The access entries as a place where people sign in. EKS has no versions: a run that begins to write stops earlier
 * ones, and the tags claim their calls, which can still arrive (`plan-entry.ts`).
 * @param principals of the entries to read
 * @throws AccessError
 */
export async function signInEntries(place: EntriesPlace, principals: readonly string[]): Promise<SignInPlace> {
  const { opened, cluster, context } = place;
  const arns = [...new Set(principals.map((principal) => entryArnOf(principal)))];
  return placeOf(place, await readEntriesOf(opened.entries, cluster, context.keys, arns));
}

function placeOf(place: EntriesPlace, read: EntriesSeen): SignInPlace {
  const { cluster, context, opened } = place;
  const { holdings, lost } = withLostShares(read.holdings, place.lost, read.identityOf);
  const state = { ...read, holdings };
  const begun = begunBy(place.open);
  const plannedAt = context.now();
  // A share for signing in has no groups, so no call here gives any again.
  const beforeUnclaimed = async () => {};
  const rest = { keys: context.keys.memory, begun, lost, plannedAt, clock: context.now, beforeUnclaimed };
  const tools = { entries: opened.entries, cluster, state, ...rest };
  const entryOf = (key: string) => state.entries.get(key) ?? null;
  const seen = { entries: state.entries, creatorArn: opened.creatorArn };
  return {
    way: "access-entry",
    named: [...state.entries.values()].map(({ principalArn, username }) => ({ arn: principalArn, username })),
    blocking: [],
    identityOf: read.identityOf,
    signsInAs: (principal, session) => signsInAs(entryOf(entryKeyOf(principal)), principal, session),
    ...{ holdings, lost, changed: new Map() },
    *refusalsOf(targets) {
      const refusals = [...targets].map(([key, to]) => [key, refuseTarget(cluster, seen, context.keys.memory, to)]);
      return new Map(refusals.filter((each): each is [string, Refusal] => each[1] !== null));
    },
    *show(targets) {
      return { diff: [...targets.values()].map((to) => diffOf(entryOf, to)).join(""), warnings: [] };
    },
    // EKS has no dry run.
    rehearse: async () => {},
    write: (targets) => write(place, state, tools, targets),
    whyStillThere: (request) => {
      // An entry that is there for another lease does not show the claim of this one, if that call is unanswered.
      const known = { hasEntry: false, openSince: state.openSince.get(entryKeyOf(request.principal)) ?? null };
      return lateCallDoubt(request, known, context.now());
    },
  };
}

/** By lower-case ARN: the entries that runs can have begun to make, by the ledger. */
function begunBy(open: readonly AccessRequest[]): ReadonlyMap<string, Holding> {
  const begun = open.filter(({ lease }) =>
    lease?.state === "active" ? lease.written?.entryAdded === true : lease?.writeBegan != null,
  );
  return new Map(
    begun.map(({ principal }) => {
      return [entryKeyOf(principal), { arn: entryArnOf(principal), entryAdded: true, added: [], shares: [] }];
    }),
  );
}

async function write(
  place: EntriesPlace,
  state: EntriesSeen,
  known: Omit<EntryTools, "isNewest">,
  targets: SignInTargets,
): Promise<SignInSent> {
  const { context, cluster } = place;
  const run = await context.ledger.beginRun(cluster.name);
  const tools = { ...known, isNewest: () => context.ledger.isNewestRun(cluster.name, run) };
  const written = await inParallel([...targets], async ([key, target]): Promise<readonly [string, EntryWritten]> => {
    const done = await writeEntry(context, tools, target);
    const { failure, isPartial } = done;
    // A refusal closes a lease at once, so only one that left nothing counts as such.
    const isInDoubt = isPartial && hasCode(failure, "access-entry-refused");
    const instead = isInDoubt ? new AccessError("aws-unexpected", failure.what) : null;
    return [key, { ...done, failure: instead ?? failure ?? (await broughtBack(place, target)) }];
  });
  const failures = new Map(
    written.flatMap(([key, { failure }]) => (failure === null ? [] : [[key, failure] as const])),
  );
  const entries = new Map<string, AccessEntry | null>([
    ...state.entries,
    ...written.map(([key, { entry }]) => [key, entry] as const),
  ]);
  const found = [...entries.values()].filter((entry) => entry !== null);
  const done = { place: placeOf(place, entriesSeen(cluster, found, context.keys)), failures };
  return { ...done, readBack: async () => done };
}

/** EKS has no versions: another run can remove a share while this one writes it. So this one reads again. */
async function broughtBack({ context, cluster }: EntriesPlace, { change, holding }: EntryTarget) {
  const ids = (holding?.shares ?? []).filter(isSignInShare).map(({ id }) => id);
  const records = await inParallel(ids, (id) => context.ledger.get(id));
  if (!records.some((record) => record !== null && isLeaseOver(record, context.now()))) return null;
  return new AccessError("cluster-conflict", readBackDiffers(`the access entry of ${change.arn} in ${cluster.name}`));
}

/** A session's identity by an entry. A user has no session. */
function signsInAs(entry: AccessEntry | null, principal: string, session: string): MappedIdentity | null {
  const identity = identityOfEntry(entry, undefined);
  const sessionName = principal.includes(":user/") ? "" : session;
  const username = identity && render(identity.username, { accountId: principal.split(":")[4] ?? "", sessionName });
  return identity && username !== null ? { username, groups: identity.groups } : null;
}

function diffOf(entryOf: (key: string) => AccessEntry | null, { change }: { readonly change: Change }): string {
  const { arn } = change;
  const entry = entryOf(arn.toLowerCase()) ?? undefined;
  const today = identityOfEntry(entry ?? null, undefined);
  const after = change.type === "map" ? textOfEntry(entry, arn, change) : "";
  return unifiedDiff("access-entry", today && textOfEntry(entry, arn, today), after);
}
