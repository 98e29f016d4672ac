import { AccessError, hasCode } from "../../access/access-error.ts";
import { sameTexts } from "../../access/collections.ts";
import { fitsAnnotation, roomIn } from "../../access/lease/annotation.ts";
import { idsOf } from "../../access/lease/cluster-leases.ts";
import { anotherWriter } from "../../access/lease/drift.ts";
import { isGivenByEntry } from "../../access/lease/holding.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isPolicyText } from "../../access/policy/policy-text.ts";
import { entryArnsByPrincipal, type Refusal } from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import { type ReadDocument, resolve, type Steps } from "../../aws-auth/index.ts";
import { wake } from "../../ledger/queues.ts";
import { inParallel, inTurns } from "../../operations/parallel.ts";
import { documentWarnings, sameUsernameWarnings, sessionWarnings } from "../preview/preview-warnings.ts";
import { memoryBeside, planRemembered, readRemembered } from "../remembered.ts";
import { checkWork, withOwnMemory } from "./check-leases.ts";
import { driftInDocument, inDocument } from "./prove.ts";
import {
  annotationFull,
  type ClusterState,
  type DocumentSettlement,
  documentChanges,
  identityInDocument,
  keyTwice,
  planGuard,
  planSettlement,
  readClusterState,
  settlementWithoutPlan,
  takesNothingNew,
} from "./settle-document.ts";
import { requestedMapping } from "./targets.ts";
import type {
  ChangePreview,
  Outcomes,
  Prepared,
  Refusals,
  RequestedChange,
  SettleInput,
  WayAdapter,
  WayContext,
} from "./way-adapter.ts";
import {
  changedAgain,
  documentTexts,
  fenceOffWrites,
  needsWrite,
  type PlannedWrite,
  rehearseWrite,
  type Sent,
  sendDocument,
  type Texts,
} from "./write-document.ts";

type Place = WayContext & { readonly isTaken: (request: AccessRequest) => boolean };

export type DocumentWay = WayAdapter<ClusterState, DocumentSettlement>;

/** By `aws-auth`: one document for all leases, in one write with the resourceVersion that was read (law 6). */
export function documentWay(place: Place): DocumentWay {
  const { cluster, opened, isTaken } = place;
  const { keys } = place.context;
  return {
    way: "aws-auth",
    isTaken,
    // The resourceVersion is the fence.
    begin: async () => {},
    read: (open) => readClusterState(opened, cluster, keys, open, place.context.now()),
    preview: (state, requested) => previewInDocument(cluster, keys.memory, state, requested),
    settle,
    prepare: (state, content) => prepare({ place, state, content }),
  };
}

type Planned = PlannedWrite<DocumentSettlement>;

async function prepare(planned: Planned): Promise<Prepared> {
  const { place, state, content: settlement } = planned;
  const { context, cluster, opened } = place;
  const { client } = opened;
  if (settlement.refusal) {
    const send = async () => {
      await rememberWithdrawals(planned);
      return { ...(await outcomesIn(cluster, settlement, settlement.data)), isForgotten: () => false };
    };
    return { type: "ready", isSentFor: () => false, send };
  }
  const after = documentTexts(state, cluster, settlement, context.keys.memory);
  const isWrite = needsWrite(state, after);
  if (isWrite && !state.configMap) {
    // Our writes always have a resourceVersion, so a late create brings nothing back.
    await client.createAwsAuth({ data: {}, annotations: {} });
    const why = anotherWriter("deletes", `aws-auth of ${cluster.name}`);
    return { type: "again", why: new AccessError("cluster-conflict", why) };
  }
  try {
    if (isWrite) await rehearseWrite(client, state, after, settlement.leased.length > 0);
  } catch (error) {
    const refusals = hasCode(error, "cluster-refused-write") ? await refusedAlone(planned) : noRefusals;
    if (refusals.size === 0) throw error;
    return { type: "refused", refusals };
  }
  return { type: "ready", isSentFor: () => isWrite, send: () => write(planned, after) };
}

const noRefusals: Refusals = new Map();

/** An admission policy can refuse one person's entry: it delays no other. */
async function refusedAlone({ place, state, content }: Planned): Promise<Refusals> {
  const { cluster, opened } = place;
  const annotations = state.configMap?.annotations ?? {};
  const guard = { ...planGuard(cluster, cluster.levels, state), allowNoAdministrator: true };
  const found = new Map<string, Refusal>();
  await inParallel([...content.targets], async ([key, target]) => {
    const plan = await inTurns(planRemembered(state.document, documentChanges(state, new Map([[key, target]])), guard));
    if (plan.type === "refused") return;
    const after = { data: plan.after, annotations };
    const isBeginning = content.leased.some(({ principal }) => principal.toLowerCase() === key);
    await rehearseWrite(opened.client, state, after, isBeginning).catch((error: unknown) => {
      if (!hasCode(error, "cluster-refused-write")) throw error;
      found.set(key, { code: error.code, message: error.message });
    });
  });
  return found;
}

async function write(planned: Planned, after: Texts): Promise<Outcomes> {
  const { place, state, content: settlement } = planned;
  const { context, cluster } = place;
  const isWrite = needsWrite(state, after);
  const { ending, voided, withdrawals } = settlement;
  // An end counts also where its record knows of no write: Redis can hold an old copy of it, from before the write.
  const takesBack = ending.length > 0 || voided.some(({ request }) => request.lease.writeBegan !== null);
  const isFenced = state.configMap && !isWrite && takesBack;
  const { gained, readBack: readAgain } = await (isFenced ? fenceOff(planned) : sendDocument(planned, after));
  const [readBack, overridden] = await Promise.all([readAgain(), isWrite ? overriddenIn(planned) : []]);
  const failures = new Map([...overridden, ...gained]);
  const known = idsOf(memoryBeside(cluster, readBack, context.keys.memory).withdrawals.list);
  const forgotten = new Set(withdrawals.list.map(({ id }) => id).filter((id) => !known.has(id)));
  const outcomes = await outcomesIn(cluster, settlement, readBack?.data ?? {});
  const failureOf = failures.size === 0 ? noFailure : (arn: string) => failures.get(arn.toLowerCase()) ?? null;
  return { ...outcomes, failureOf, isForgotten: ({ id }) => forgotten.has(id) };
}

/** By lower-case ARN: why a written lease has no effect. Others, or a dead run, can have made an access entry since this run looked. */
async function overriddenIn({ place: { opened }, content: { leased, repaired } }: Planned): Promise<Sent["gained"]> {
  const given = [...leased, ...repaired].map(({ principal }) => principal.toLowerCase());
  if (!opened.entries || given.length === 0) return new Map();
  const failed = (keys: readonly string[], errorOf: (key: string) => unknown): Sent["gained"] =>
    new Map(keys.map((key) => [key, { kind: "failed", error: errorOf(key) }]));
  return opened.entries.list().then(
    (arns) => {
      const arnOf = entryArnsByPrincipal(arns);
      const what = (key: string) => anotherWriter("made", `the access entry of ${arnOf.get(key)}`);
      const found = given.filter((key) => arnOf.has(key));
      return failed(found, (key) => new AccessError("access-entry-conflict", what(key)));
    },
    (error: unknown) => failed(given, () => error),
  );
}

/** A deletion that waits for finalizers can complete when nothing is due here. Only a person can clear it. */
async function fenceOff(planned: Planned): Promise<Sent> {
  try {
    return await fenceOffWrites(planned);
  } catch (error) {
    const { context, cluster } = planned.place;
    await wake(context.queues, { type: "adopt", cluster: cluster.name }).catch(() => {});
    throw error;
  }
}

const noFailure = () => null;

/** @param data of the ConfigMap that was read back */
async function outcomesIn(
  cluster: Cluster,
  settlement: DocumentSettlement,
  data: Readonly<Record<string, string>>,
): Promise<Omit<Outcomes, "isForgotten">> {
  const wanted = settlement.document;
  const found = sameTexts(wanted.data, data) ? wanted : await readRemembered(data);
  const remainsOf = (principal: string) => identityInDocument(found, principal);
  return {
    failureOf: noFailure,
    readBackOf: (principal) => inDocument(found, principal),
    remainsOf,
    whyStillThere: ({ principal }) => {
      return isSameIn(found, wanted, principal) ? null : changedAgain(cluster);
    },
  };
}

/** Decides the document's wanted form, after a check of every seal, the policy and the base (laws 3 and 4). */
export function* settle(input: SettleInput<ClusterState>): Steps<DocumentSettlement> {
  const owned = withOwnMemory(input);
  const { configMap, document, owner } = input.state;
  const refusal = takesNothingNew(input.cluster, input.state);
  const fixed = configMap?.immutable ? refusal : null;
  const unrepairable = fixed && new Map(owned.work.inForce.map(({ principal }) => [principal.toLowerCase(), fixed]));
  const known = unrepairable ? { ...owned, unrepairable } : owned;
  const checked = checkWork(known, {
    driftOf: (request, groups) => driftInDocument(request, document, configMap?.managers ?? [], groups),
    mayRepair: (request) => !owner && !isGivenByEntry(request),
  });
  const { unwritable: principals = noRefusals } = input;
  if (!refusal) return yield* planSettlement(known, checked, { principals, refused: [] });
  const rest = { ...checked, beginning: [] };
  const leftOut = { principals, refused: checked.beginning.map((request) => ({ request, refusal })) };
  const settled = yield* planSettlement(known, rest, leftOut);
  if (!fixed) return settled;
  const left = [...settled.targets.keys()].filter((key) => !isSameIn(settled.document, document, key));
  // What is already gone ends in the annotation alone, which an immutable ConfigMap takes.
  const kept = new Map([...principals, ...left.map((key) => [key, fixed] as const)]);
  const gone = yield* planSettlement(known, rest, { ...leftOut, principals: kept });
  return sameTexts(gone.data, document.data) ? gone : settlementWithoutPlan(known, rest, fixed, leftOut);
}

function isSameIn(a: ReadDocument, b: ReadDocument, arn: string): boolean {
  return JSON.stringify(identityInDocument(a, arn)) === JSON.stringify(identityInDocument(b, arn));
}

/** Although the document can't change. Its own failure must not hide the reason. @throws AccessError `cluster-conflict` */
async function rememberWithdrawals(planned: Planned): Promise<void> {
  const { place, state, content } = planned;
  const { context, cluster, opened } = place;
  try {
    const after = documentTexts(state, cluster, content, context.keys.memory);
    if (!needsWrite(state, after)) return;
    await rehearseWrite(opened.client, state, after, false);
    await sendDocument(planned, after);
  } catch (error) {
    if (hasCode(error, "cluster-conflict")) throw error;
    context.log.warn({ cluster: cluster.name, err: error }, "could not remember a revocation");
  }
}

export function* previewInDocument(
  cluster: Cluster,
  keys: MemoryKeys,
  state: ClusterState,
  requested: RequestedChange,
): Steps<ChangePreview> {
  const { request, level, principal, others: named } = requested;
  const { arn } = principal;
  if (request.groups.some(isPolicyText)) {
    const message = `aws-auth can't give ${arn} the access policy of ${level.name}. Ask for a level with groups, or an operator for its access entry.`;
    return { type: "refused", refusal: { code: "policy-in-aws-auth", message } };
  }
  const asked = requestedMapping(cluster, state, requested);
  const closed = asked.refusal ?? takesNothingNew(cluster, state);
  if (closed) return { type: "refused", refusal: closed };
  const { base, identity, username } = asked;
  const { change, holding: held } = asked.target;
  const plan = yield* planRemembered(state.document, [change], planGuard(cluster, [level], state));
  if (plan.type === "refused") return { type: "refused", refusal: plan.refusal };
  const leftOut = plan.refused[0] ?? keyTwice(cluster, state, plan.after);
  if (leftOut) return { type: "refused", refusal: leftOut };
  const others = [...state.holdings.values()].filter((each) => each.arn.toLowerCase() !== arn.toLowerCase());
  const room = roomIn(state.configMap?.annotations ?? {});
  if (held && !fitsAnnotation([...others, held], keys, room.forLeases)) {
    return { type: "refused", refusal: annotationFull(cluster, room) };
  }
  const today = resolve(state.document, arn);
  const planned = plan.differences.find((each) => each.arn.toLowerCase() === arn.toLowerCase())?.after;
  yield;
  const { diff } = plan;
  return {
    type: "change",
    way: "aws-auth",
    diff,
    base,
    today,
    afterwards: planned ?? today ?? { username, groups: request.groups },
    warnings: [
      ...(identity ? [] : sameUsernameWarnings(username, arn, state.document.entries, named)),
      ...sessionWarnings(username, arn),
      ...(yield* documentWarnings(state)),
    ],
  };
}
