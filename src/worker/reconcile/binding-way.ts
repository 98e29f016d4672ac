import { AccessError, hasCode } from "../../access/access-error.ts";
import { writeAnnotation } from "../../access/lease/annotation.ts";
import { bindingsByLease, type ClusterBinding, lateCreation } from "../../access/lease/own-bindings.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/record.ts";
import { measuredStep } from "../../operations/announcements.ts";
import { answerTooLarge } from "../../operations/bounds.ts";
import type { WorkerContext } from "../context.ts";
import { previewByBinding } from "./binding-preview.ts";
import {
  type BindingState,
  type BindingsPlace,
  readBackIn,
  readBindingState,
  withdrawalsKey,
  withdrawalsSealedFor,
} from "./binding-state.ts";
import {
  type BindingsSent,
  type BindingTools,
  bindingCalls,
  type CallsByLease,
  carryOutAll,
  notAsPlanned,
  placeInWords,
} from "./carry-out-bindings.ts";
import { reportEveryMs, reportUntrusted } from "./gather.ts";
import { type BindingSettlement, settleBindings } from "./settle-bindings.ts";
import { rehearseSignIns, type SignInsWritten, signInWrites, withoutFailed, writeSignIns } from "./settle-sign-ins.ts";
import { placeFor, type SignInMap, type SignInNames, signInNames } from "./sign-in-names.ts";
import { entryKeyOf, type SignInNeed } from "./sign-in-place.ts";
import { forgottenBy } from "./targets.ts";
import type { Outcomes, Prepared, WayAdapter, WriteFailure } from "./way-adapter.ts";

export type BindingWay = WayAdapter<BindingState, BindingSettlement>;

/** Bindings of roles to one user. Each lease has its own objects, so no lease delays another. */
export function bindingWay(place: BindingsPlace): BindingWay {
  const { context, cluster } = place;
  let run = "";
  return {
    way: "binding",
    isTaken: ({ groups }) => bindsRoles(groups),
    begin: async () => {
      run = await context.ledger.beginRun(`${cluster.name}/bindings`);
    },
    read: (open) => measuredStep("read", () => readBindingState(place, open)),
    preview: (state, requested) => previewByBinding(cluster, state, requested),
    settle: settleBindings,
    prepare: async (state, settlement, isLast) => {
      const isNewest = sharing(() => context.ledger.isNewestRun(`${cluster.name}/bindings`, run));
      return prepare({ ...place, state, settlement, isNewest, isLast });
    },
  };
}

/** All creations that ask while a question is on its way share its answer: a burst asks for hundreds at once. */
function sharing(ask: () => Promise<boolean>): () => Promise<boolean> {
  let asked: Promise<boolean> | null = null;
  return () => {
    asked ??= ask().finally(() => {
      asked = null;
    });
    return asked;
  };
}

/** A binding needs no dry run: a refused one changes nothing for anyone else. */
async function prepare(tools: BindingTools): Promise<Prepared> {
  const { state, settlement } = tools;
  const unwritable = await rehearseSignIns(state.map, settlement.signIns);
  const needs = withoutFailed(settlement.signIns, unwritable);
  const calls = bindingCalls(tools);
  const sent = sentFor(state.map, needs, withoutThose(calls, settlement.signIns, unwritable));
  return {
    type: "ready",
    isSentFor: ({ id }) => sent.has(id),
    send: async (review) => {
      const isForgotten = await rememberInConfigMap(tools);
      // An entry comes before the bindings that need it, and goes after them.
      const entries = await writeSignIns(state.map, needs);
      const unable = new Map([...unwritable, ...entries.failures]);
      // At once: people wait.
      const [done, added] = await Promise.all([
        carryOutAll(tools, withoutThose(calls, settlement.signIns, unable), review),
        entries.readBack(),
      ]);
      const failed = new Map([...unable, ...added.failures]);
      const notBound = notBoundBy(done);
      const over = overIn(settlement, done, notBound);
      const removed = await (await writeSignIns(added.map, [], { over })).readBack();
      await noteForged(tools);
      const signIns = failuresOf(tools, failed, removed.failures, over);
      return {
        ...outcomesOf(tools, { after: done.after, notBound }, { map: removed.map, failures: signIns }),
        reviewOf: done.reviewOf,
        isForgotten,
      };
    },
  };
}

function sentFor(map: SignInMap, needs: readonly SignInNeed[], calls: CallsByLease): ReadonlySet<string> {
  const written = new Set(signInWrites(map, needs).flatMap(({ targets }) => [...targets.keys()]));
  const entries = needs.filter(({ principal }) => written.has(entryKeyOf(principal))).map(({ share }) => share.id);
  return new Set([...entries, ...[...calls].flatMap(([id, { create }]) => (create.length > 0 ? [id] : []))]);
}

/** Binds nothing for a person who can't sign in. */
function withoutThose(
  calls: CallsByLease,
  needs: readonly SignInNeed[],
  failed: ReadonlyMap<string, unknown>,
): CallsByLease {
  const without = new Set(needs.flatMap(({ principal, share }) => (failed.has(entryKeyOf(principal)) ? share.id : [])));
  return new Map([...calls].filter(([id]) => !without.has(id)));
}

type NotBound = ReadonlyMap<string, WriteFailure & { readonly principal: string }>;

/** Ids of leases that end, are void, refused or over, without a binding: nothing needs their entries any more. */
function overIn(settlement: BindingSettlement, { calls, failures, after }: BindingsSent, notBound: NotBound) {
  const { ending, voided, leased, finished } = settlement;
  const ended = [...ending, ...voided.map(({ request }) => request)].map(({ id }) => id);
  const removed = [...calls].flatMap(([id, { create }]) => (create.length === 0 ? [id] : []));
  const isThere = new Set(after.map(({ share }) => share.id));
  // Their records close with this run, so no later run would look for their entries.
  const refused = leased.filter(({ id, lease }) => !lease.writeBegan && notBound.get(id)?.kind === "refused");
  const gone = [...ended, ...removed].filter((id) => !failures.has(id));
  return new Set([...gone, ...finished, ...refused.map(({ id }) => id)].filter((id) => !isThere.has(id)));
}

function failuresOf(
  { settlement }: BindingTools,
  failed: ReadonlyMap<string, unknown>,
  notRemoved: ReadonlyMap<string, unknown>,
  over: ReadonlySet<string>,
): ReadonlyMap<string, WriteFailure> {
  const { signIns, ending, voided, leased } = settlement;
  const ended = [...ending, ...voided.map(({ request }) => request), ...leased].filter(({ id }) => over.has(id));
  const of = (requests: readonly Pick<AccessRequest, "principal">[], errors: ReadonlyMap<string, unknown>) =>
    requests.flatMap(({ principal }) => {
      const error = errors.get(entryKeyOf(principal));
      if (error === undefined) return [];
      // A refused removal leaves an entry. A refused creation leaves nothing, and no binding is sent without it.
      const isCertain = errors === failed && hasCode(error, "access-entry-refused");
      const kind = kindOf(error) === "refused" ? "failed" : kindOf(error);
      return [[principal.toLowerCase(), { kind: isCertain ? "refused" : kind, error }] as const];
    });
  return new Map([...of(ended, notRemoved), ...of(signIns, failed)]);
}

function outcomesOf(
  { cluster, context, state }: BindingTools,
  { after, notBound }: Pick<BindingsSent, "after"> & { readonly notBound: NotBound },
  signIns: Pick<SignInsWritten, "map"> & { readonly failures: ReturnType<typeof failuresOf> },
): Omit<Outcomes, "isForgotten" | "reviewOf"> {
  const names = signIns.map.places === state.map.places ? state.names : signInNames(signIns.map, cluster);
  const failureOf: Outcomes["failureOf"] = (principal, lease) => {
    const key = principal.toLowerCase();
    const unable = signIns.failures.get(key);
    if (unable !== undefined) return unable;
    if (lease !== undefined) return notBound.get(lease) ?? null;
    const own = [...notBound.values()].filter((each) => each.principal.toLowerCase() === key);
    return own.find(({ kind }) => kind === "conflict") ?? own[0] ?? null;
  };
  const readBackOf = readBackIn(names, after);
  return {
    failureOf,
    readBackOf,
    remainsOf: (principal) => readBackOf(principal).identity,
    whyStillThere: (request) => lateCreation(request, context.now()) ?? lateEntry(signIns.map, names, request),
  };
}

/**
 * By id of a lease: why its bindings are not as they must be. Refused only if the API server refused all of them: a refusal closes a
 * lease at once, and people can strip what it made before anyone reads it.
 */
function notBoundBy({ calls, failures, made, after, renamed }: BindingsSent): NotBound {
  const partsOf = bindingsByLease(after);
  const found = [...calls].flatMap(([id, each]) => {
    const error = failures.get(id) ?? notAsPlanned(id, each, partsOf.get(id) ?? []) ?? renamed.get(each.principal);
    if (!error) return [];
    const isPartlyThere = made.has(id) || partsOf.has(id);
    const kind = kindOf(error) === "refused" && isPartlyThere ? "failed" : kindOf(error);
    return [[id, { kind, error, principal: each.principal }] as const];
  });
  return new Map(found);
}

/** Why the entry that a lease needs can still appear; null: it can't. */
function lateEntry(map: SignInMap, names: SignInNames, request: ApprovedRequest): AccessError | null {
  const name = names.of(request.principal);
  if (name.type === "name" && name.entry === "theirs") return null;
  return placeFor(map, request.principal)?.whyStillThere(request) ?? null;
}

const refusals: ReadonlySet<string> = new Set([
  "binding-changed",
  "binding-forbidden",
  "namespace-absent",
  "role-absent",
  "binding-exists",
]);

function kindOf(error: unknown): WriteFailure["kind"] {
  if (!(error instanceof AccessError)) return "failed";
  if (error.code === "cluster-conflict") return "conflict";
  if (error.code === "document-changed") return "changed";
  return refusals.has(error.code) ? "refused" : "failed";
}

/** A slow admission webhook and a person who writes there would otherwise use up the time for the removals. Milliseconds. */
const slowWriteMs = 1_000;

/**
 * With the version that this run read. A failure of this memory keeps no access, nor do people who write there again and again.
 * @throws AccessError `cluster-conflict` before the last try
 */
async function rememberInConfigMap(tools: BindingTools): Promise<Outcomes["isForgotten"]> {
  const { context, cluster, opened, state, settlement, isLast } = tools;
  const { log, keys, now } = context;
  const text = writeAnnotation(withdrawalsSealedFor(cluster), [], keys.memory, settlement.withdrawals) ?? undefined;
  if (text === state.stored?.data[withdrawalsKey]) return () => false;
  const began = now().getTime();
  try {
    if (!state.stored) throw answerTooLarge(`The ConfigMap eks-access-withdrawals of ${cluster.name} is too large`);
    await opened.client.writeWithdrawals(state.stored, text === undefined ? {} : { [withdrawalsKey]: text });
    return () => false;
  } catch (error) {
    const isSlow = now().getTime() - began > slowWriteMs;
    if (kindOf(error) === "conflict" && !isLast && !isSlow) throw error;
    log.error({ cluster: cluster.name, err: error }, "the cluster can't remember a revocation");
    return forgottenBy(state.withdrawals, now);
  }
}

/** A person with the right to create RoleBindings can forge any number of them. A run looks at this many. */
const maxForged = 20;
/** They can also make them again and again. All runs together report no more of them in an hour. */
const maxReports = 3;

/**
 * Deletes forged bindings, last, and only if the configuration repairs drift: a failed deletion delays no lease. Those of a key that
 * this worker lacks can be another worker's.
 */
async function noteForged({ context, cluster, opened, state }: BindingTools): Promise<void> {
  const stays = ({ lacks, deletedAt }: (typeof state.forged)[number]) => lacks !== null || deletedAt !== null;
  // Twenty that stay must hide no other.
  const forged = state.forged.toSorted((a, b) => Number(stays(a)) - Number(stays(b))).slice(0, maxForged);
  await reportForged(context, cluster.name, forged, state.forged.length - forged.length);
  if (cluster.drift !== "repair") return;
  for (const binding of forged.filter((each) => !stays(each))) {
    await opened.client.deleteBinding(binding).catch((error: unknown) => {
      context.log.warn({ cluster: cluster.name, err: error }, "could not delete a binding that is not ours");
    });
  }
}

/** One event for all that no run has reported in this hour. */
async function reportForged(
  context: WorkerContext,
  cluster: string,
  forged: readonly ClusterBinding[],
  others: number,
): Promise<void> {
  const { ledger } = context;
  const turnOf = ({ uid }: ClusterBinding) => `forged-${cluster}-${uid}`;
  const isKnown = await Promise.all(forged.map((binding) => ledger.isTurnKept(turnOf(binding))));
  const fresh = forged.filter((_, index) => !isKnown[index]);
  if (fresh.length === 0 || !(await ledger.takeTurn(`forged-${cluster}`, reportEveryMs, maxReports))) return;
  const more = others > 0 ? ` and ${others} more` : "";
  const limit = `Reported: at most ${maxReports} times an hour`;
  const places = fresh.map(placeInWords).join(", ");
  await reportUntrusted(context, cluster, `${places}${more}: with our label, without our seal. ${limit}`);
  await Promise.all(fresh.map((binding) => ledger.keepTurn(turnOf(binding), reportEveryMs)));
}
