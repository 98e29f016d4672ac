import { AccessError } from "../../access/access-error.ts";
import { keptWith } from "../../access/collections.ts";
import { fitsAnnotation, roomIn } from "../../access/lease/annotation.ts";
import { idsOf } from "../../access/lease/cluster-leases.ts";
import { mapOwner } from "../../access/lease/drift.ts";
import { signInShareInRecord } from "../../access/lease/holding.ts";
import { isSignInShare, signInShare } from "../../access/lease/lease.ts";
import type { Share } from "../../access/lease/lease-record.ts";
import { type Cluster, sealedClusterOf, wayFor } from "../../access/policy/cluster.ts";
import type { Change, Refusal } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { WorkerKeys } from "../../access/seal.ts";
import { type planChanges, resolve, type Steps } from "../../aws-auth/index.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import { inTurns } from "../../operations/parallel.ts";
import { documentWarnings } from "../preview/preview-warnings.ts";
import { planRemembered } from "../remembered.ts";
import {
  annotationFull,
  type ClusterState,
  type Content,
  documentChanges,
  holdingsAfter,
  identityInDocument,
  planGuard,
  readClusterState,
  takesNothingNew,
} from "./settle-document.ts";
import { signInEntries } from "./sign-in-entries.ts";
import { type SignInMap, sessionArn } from "./sign-in-names.ts";
import {
  entryKeyOf,
  type SignInPlace,
  type SignInTargets,
  type SignInWritten,
  withLostShares,
} from "./sign-in-place.ts";
import type { WayContext } from "./way-adapter.ts";
import { changedAgain, documentTexts, rehearseWrite, sendDocument, type Texts } from "./write-document.ts";

/** Where these principals, and those of these requests, sign in. @param open the requests by bindings @throws AccessError */
export async function readSignInMap(
  place: WayContext,
  open: readonly AccessRequest[],
  principals: readonly string[],
): Promise<SignInMap> {
  const { opened, cluster, context } = place;
  const { mode, entries, client } = opened;
  const lost = sharesInRecords(sealedClusterOf(cluster), open, context.keys);
  const known = { open, lost };
  const [byEntry, configMap] = await Promise.all([
    entries ? signInEntries({ ...place, opened: { ...opened, entries }, ...known }, principals) : null,
    mode === "API" ? null : client.readAwsAuth(),
  ]);
  const document = mode === "API" ? null : await signInDocument(place, configMap, known);
  const places = [byEntry, document].filter((each) => each !== null);
  const isOwned = mapOwner(cluster, configMap?.managers ?? []) !== null;
  const preferred = wayFor({ mode, preferred: cluster.way, hasEntry: false, isMapped: false, isOwned });
  const canWrite = !isOwned && (configMap ? !configMap.immutable : cluster.createAwsAuth);
  const isThere = places.some(({ way }) => way === preferred);
  const canAdd = isThere && (preferred === "access-entry" || canWrite);
  return { places, addTo: canAdd && preferred !== "binding" ? preferred : null };
}

/** By lower-case ARN: the entries that these leases hold by their records, or for which a run has begun to make one. */
function sharesInRecords(cluster: string, open: readonly AccessRequest[], { memory }: WorkerKeys) {
  const found = new Map<string, Share[]>();
  for (const request of open) {
    const { id, lease } = request;
    const isBegun = lease?.state === "scheduled" && lease.writeBegan !== null;
    const share = isBegun ? signInShare({ id, endsAt: lease.endsAt }) : signInShareInRecord(cluster, request, memory);
    if (!share) continue;
    const key = entryKeyOf(request.principal);
    found.set(key, [...(found.get(key) ?? []), share]);
  }
  return found;
}

interface LedgerMemory {
  /** The requests by bindings. */
  readonly open: readonly AccessRequest[];
  /** By lower-case ARN: shares that only the ledger may remember. */
  readonly lost: ReadonlyMap<string, readonly Share[]>;
}

/** Its resourceVersion is the fence. */
async function signInDocument(
  place: WayContext,
  configMap: AwsAuthConfigMap | null,
  ledger: LedgerMemory,
): Promise<SignInPlace> {
  const { opened, cluster, context } = place;
  const read = { ...opened, client: { readAwsAuth: async () => configMap } };
  const state = await readClusterState(read, { ...cluster, createAwsAuth: true }, context.keys, [], context.now());
  return placeOf(place, state, ledger);
}

function placeOf(place: WayContext, state: ClusterState, ledger: LedgerMemory): SignInPlace {
  const { cluster, context, opened } = place;
  const { document, configMap } = state;
  const { holdings, lost } = withLostShares(state.holdings, ledger.lost, state.identityOf);
  const known = { ...state, holdings };
  const made = new Map<string, { readonly wanted: Content; readonly after: Texts }>();
  // The write sends what the dry run sent.
  const contentFor = async (targets: SignInTargets) => {
    const key = JSON.stringify([...targets]);
    const before = made.get(key);
    if (before) return before;
    const { after: data, document: planned } = await inTurns(planOf(cluster, known, targets));
    const { withdrawals } = state;
    const wanted = { data, document: planned, holdings: holdingsAfter(state, targets), withdrawals };
    const now = { wanted, after: documentTexts(state, cluster, wanted, context.keys.memory) };
    made.set(key, now);
    return now;
  };
  return {
    way: "aws-auth",
    named: document.entries,
    blocking: document.blocking,
    identityOf: state.identityOf,
    signsInAs: (principal, session) => resolve(document, sessionArn(principal, session)),
    ...{ holdings, lost, changed: changedFor(state, ledger.open) },
    refusalsOf: (targets) => refusalsOf(place, known, targets),
    *show(targets) {
      const plan = yield* planOf(cluster, known, targets);
      yield;
      const { diff } = plan;
      return { diff, warnings: yield* documentWarnings(state) };
    },
    rehearse: async (targets) => {
      const { after } = await contentFor(targets);
      await rehearseWrite(opened.client, state, after, hasNewShare(targets, known.holdings));
    },
    write: async (targets) => {
      if (!configMap) {
        // Our other writes have a resourceVersion, so a late create brings nothing back.
        await opened.client.createAwsAuth({ data: {}, annotations: {} });
        throw new AccessError("cluster-conflict", `The worker created aws-auth of ${cluster.name} first`);
      }
      const { wanted: content, after } = await contentFor(targets);
      const { stored, gained, readBack } = await sendDocument({ place, state: known, content }, after);
      const { document: wanted } = await inTurns(planOf(cluster, known, targets));
      const identityIn = (arn: string) => JSON.stringify(identityInDocument(wanted, arn));
      const errorOf = (key: string) => {
        const gain = gained.get(key);
        return gain?.kind === "changed" ? gain.error : changedAgain(cluster);
      };
      const compared = async (found: AwsAuthConfigMap | null): Promise<SignInWritten> => {
        const written = await signInDocument(place, found, ledger);
        const others = [...targets].filter(
          ([, { change }]) => JSON.stringify(written.identityOf(change.arn)) !== identityIn(change.arn),
        );
        return { place: written, failures: new Map(others.map(([key]) => [key, errorOf(key)])) };
      };
      // What a webhook gave is gone again only after the answer.
      const answered = gained.size > 0 ? await readBack() : stored;
      const first = await compared(answered);
      const again = async (found: AwsAuthConfigMap | null) =>
        // The same bytes are the same object.
        found && found.object === answered?.object ? first : compared(found);
      return { ...first, readBack: async () => again(await readBack()) };
    },
    // Each write has a resourceVersion, and any PUT arrives sooner than a late POST of a binding.
    whyStillThere: () => null,
  };
}

function hasNewShare(targets: SignInTargets, before: ClusterState["holdings"]): boolean {
  return [...targets].some(([key, { holding }]) => {
    const held = idsOf(before.get(key)?.shares ?? []);
    return holding?.shares.some(({ id }) => !held.has(id));
  });
}

/** The name of a renamed entry follows from its leases: without one it stays. */
function changedFor({ changed, holdings }: ClusterState, open: readonly AccessRequest[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [key, { renamed }] of changed) {
    const { arn, shares = [] } = holdings.get(key) ?? {};
    const signIns = idsOf(shares.filter(isSignInShare));
    const lease = open.find(({ id }) => signIns.has(id));
    const principal = lease?.principal ?? (renamed === undefined ? arn : undefined);
    if (principal !== undefined && signIns.size > 0) found.set(key, principal);
  }
  return found;
}

type PlanResult = ReturnType<typeof planChanges>;

const plansOf = keptWith((_: ClusterState) => new Map<string, PlanResult>());

/** One plan serves the refusal, the dry run and the write. */
function* planChangesOnce(cluster: Cluster, state: ClusterState, changes: readonly Change[]): Steps<PlanResult> {
  const known = plansOf(state);
  const key = JSON.stringify(changes);
  // What a webhook gave is no administrator of others.
  const guard = { ...planGuard(cluster, cluster.levels, state), allowNoAdministrator: state.changed.size > 0 };
  const plan = known.get(key) ?? (yield* planRemembered(state.document, changes, guard));
  known.set(key, plan);
  return plan;
}

/** @throws AccessError `document-unchanged` if the document as a whole can't change */
function* planOf(cluster: Cluster, state: ClusterState, targets: SignInTargets) {
  const plan = yield* planChangesOnce(cluster, state, documentChanges(state, targets));
  const refusal = plan.type === "refused" ? plan.refusal : plan.refused[0];
  if (plan.type === "refused" || refusal) {
    throw new AccessError("document-unchanged", `The entry can't be changed: ${refusal?.message.replace(/\.$/, "")}`);
  }
  return plan;
}

function* refusalsOf(
  { cluster, context }: WayContext,
  state: ClusterState,
  targets: SignInTargets,
): Steps<ReadonlyMap<string, Refusal>> {
  const { configMap } = state;
  const found = new Map<string, Refusal>();
  const all = yield* planChangesOnce(cluster, state, documentChanges(state, targets));
  const closed = takesNothingNew(cluster, state);
  const isFine = all.type === "planned" && all.refused.length === 0;
  for (const [key, target] of targets) {
    const { change } = target;
    const alone = documentChanges(state, new Map([[key, target]]));
    const plan = isFine ? all : yield* planChangesOnce(cluster, state, alone);
    const refusal = plan.type === "refused" ? plan.refusal : plan.refused[0];
    // A share of an existing entry changes only our annotation.
    const isNew = change.type === "map" && identityInDocument(state.document, change.arn) === null;
    if (refusal) found.set(key, refusal);
    else if (closed && (configMap?.deletion || isNew)) found.set(key, closed);
  }
  const room = roomIn(configMap?.annotations ?? {});
  if (fitsAnnotation(holdingsAfter(state, targets), context.keys.memory, room.forLeases)) return found;
  return new Map([...targets.keys()].map((key) => [key, found.get(key) ?? annotationFull(cluster, room)]));
}
