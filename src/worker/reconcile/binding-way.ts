import { AccessError } from "../../access/failure/access-error.ts";
import { writeAnnotation } from "../../access/lease/annotation.ts";
import { sealedEnd } from "../../access/lease/due-work.ts";
import type { ClusterBinding, NewBinding } from "../../access/lease/lease-bindings.ts";
import { bindingFor, bindingName, type LeasePart, readOwnBindings } from "../../access/lease/own-bindings.ts";
import { isBound } from "../../access/policy/role-text.ts";
import type { AccessRequest, ApprovedRequest } from "../../access/request/record.ts";
import { step } from "../../operations/worker-metrics.ts";
import { inParallel } from "../in-parallel.ts";
import { previewByBinding } from "../preview/binding-preview.ts";
import { tellUntrusted } from "./gather.ts";
import {
  type BindingSettlement,
  type BindingState,
  lateCreation,
  readBackIn,
  readBindingState,
  settleBindings,
  takenBackKey,
} from "./settle-bindings.ts";
import type { Outcomes, Prepared, WayAdapter, WayPlace, WriteFailure } from "./way-adapter.ts";

export type BindingWay = WayAdapter<BindingState, BindingSettlement>;

/** Whether a request is given by bindings: its level binds roles to the person. */
export function isGivenByBinding({ groups }: Pick<AccessRequest, "groups">): boolean {
  return isBound(groups);
}

/** By bindings of roles to one user: each is an object of its own, and no lease is in another's way. */
export function bindingWay(place: WayPlace): BindingWay {
  const { context, cluster, opened } = place;
  let run = "";
  return {
    way: "binding",
    isTaken: isGivenByBinding,
    begin: async () => {
      run = await context.ledger.beginRun(`${cluster.name}/bindings`);
    },
    read: (open) => step("read", () => readBindingState(opened, cluster, context.keys, open)),
    preview: (state, wish) => previewByBinding(cluster, state, wish),
    settle: settleBindings,
    prepare: async (state, settlement) => {
      const isNewest = () => context.ledger.isNewestRun(`${cluster.name}/bindings`, run);
      return prepare({ ...place, state, settlement, isNewest });
    },
  };
}

interface Writing extends WayPlace {
  readonly state: BindingState;
  readonly settlement: BindingSettlement;
  readonly isNewest: () => Promise<boolean>;
}

/** What one lease needs: old ones go before new ones of the same name come. */
interface Calls {
  readonly principal: string;
  readonly remove: readonly ClusterBinding[];
  readonly create: readonly NewBinding[];
}

/** No dry run: a binding that is refused changes nothing for anybody. */
function prepare(writing: Writing): Prepared {
  const calls = callsFor(writing);
  return {
    type: "ready",
    isSentFor: ({ id }) => (calls.get(id)?.create.length ?? 0) > 0,
    send: async () => {
      const isForgotten = await rememberTakenBack(writing);
      const sent = await inParallel([...calls], async ([id, each]) => [id, await carryOut(writing, each)] as const);
      const failures = new Map(sent.flatMap(([id, error]) => (error === null ? [] : [[id, error] as const])));
      const after = calls.size > 0 ? await partsNow(writing) : writing.state.parts;
      await noteForged(writing);
      return { ...outcomesOf(writing, calls, failures, after), isForgotten };
    },
  };
}

/** By request id. Nothing is sent for what is as it must be. */
function callsFor({ cluster, context, state, settlement }: Writing): ReadonlyMap<string, Calls> {
  const { targets, granted, repaired } = settlement;
  const calls = new Map<string, Calls>();
  const partsOf = byLease(state.parts);
  for (const request of [...granted, ...repaired]) {
    const share = targets.get(request.principal.toLowerCase())?.holding?.shares.find(({ id }) => id === request.id);
    const name = state.names.of(request.principal);
    if (!share || name.type === "nobody") continue;
    const lease = { principal: request.principal, user: name.username, share };
    const known = partsOf.get(request.id) ?? [];
    const isThere = (text: string) =>
      known.some((part) => part.isIntact && part.user === name.username && part.text === text);
    const missing = share.groups.filter((text) => !isThere(text));
    const create = missing.flatMap((text) => bindingFor(cluster.name, lease, text, context.keys.memory) ?? []);
    const names = new Set(missing.map((text) => bindingName(request.id, text)));
    const remove = known.flatMap(({ binding }) => (names.has(binding.name) ? [binding] : []));
    if (create.length > 0) calls.set(request.id, { principal: request.principal, remove, create });
  }
  for (const [id, parts] of partsOf) {
    const [{ principal } = { principal: "" }] = parts;
    const target = targets.get(principal.toLowerCase());
    if (!target || target.holding?.shares.some((share) => share.id === id)) continue;
    calls.set(id, { principal, remove: parts.map(({ binding }) => binding), create: [] });
  }
  return calls;
}

/** By request id. */
function byLease(parts: readonly LeasePart[]): ReadonlyMap<string, readonly LeasePart[]> {
  const found = new Map<string, LeasePart[]>();
  for (const part of parts) {
    const known = found.get(part.share.id);
    if (known) known.push(part);
    else found.set(part.share.id, [part]);
  }
  return found;
}

/** Null: all of it was done. */
async function carryOut({ context, cluster, opened, isNewest }: Writing, calls: Calls): Promise<unknown> {
  const { client } = opened;
  try {
    for (const binding of calls.remove) {
      const removed = await client.deleteBinding(binding);
      if (removed === "other") throw conflict(`${binding.name} was made anew while it was being deleted`);
      if (removed === "kept")
        throw new AccessError("binding-kept", `${placeInWords(binding)} waits for its finalizers`);
    }
    for (const binding of calls.create) {
      if (!(await isNewest())) throw conflict(`Another run has begun to change the bindings of ${cluster.name}`);
      context.metrics?.writes.inc({ cluster: cluster.name, way: "binding" });
      await client.createBinding(binding).catch(ignoreTaken);
    }
    return null;
  } catch (error) {
    return error;
  }
}

/** The name is taken by our own, where a call that was not answered has arrived: what is there is read back anyhow. */
function ignoreTaken(error: unknown): void {
  if (!(error instanceof AccessError) || error.code !== "binding-exists") throw error;
}

function conflict(what: string): AccessError {
  return new AccessError("cluster-conflict", what);
}

async function partsNow({ cluster, state, context }: Writing): Promise<readonly LeasePart[]> {
  const bindings = await step("read-back", state.readAgain);
  return readOwnBindings(cluster.name, bindings, context.keys.memory).parts;
}

function outcomesOf(
  { state, context }: Writing,
  calls: ReadonlyMap<string, Calls>,
  failures: ReadonlyMap<string, unknown>,
  after: readonly LeasePart[],
): Omit<Outcomes, "isForgotten"> {
  // A refusal closes a lease at once. With another of its bindings made, or another lease's, it is tried again instead.
  const isPartlyThere = (principal: string) =>
    after.some((part) => calls.has(part.share.id) && part.principal.toLowerCase() === principal.toLowerCase());
  const failureOf = (principal: string): WriteFailure | null => {
    for (const [id, each] of calls) {
      if (each.principal.toLowerCase() !== principal.toLowerCase()) continue;
      const error = failures.get(id) ?? notAsPlanned(id, each, after);
      if (!error) continue;
      const kind = kindOf(error);
      return { kind: kind === "refused" && isPartlyThere(principal) ? "failed" : kind, error };
    }
    return null;
  };
  const readBackOf = (principal: string) => readBackIn(state.names, after, principal);
  return {
    failureOf,
    readBackOf,
    remainsOf: (principal) => readBackOf(principal).identity,
    doubtOf: (request) => lateCreation(request, context.now()),
  };
}

/** Why what was read back is not what was sent; null: it is. */
function notAsPlanned(id: string, { create, remove }: Calls, after: readonly LeasePart[]): AccessError | null {
  const own = after.filter(({ share }) => share.id === id);
  const absent = create.find(
    ({ name, namespace, user }) =>
      !own.some((part) => part.isIntact && part.user === user && isSamePlace(part.binding, { name, namespace })),
  );
  if (absent)
    return new AccessError("binding-exists", `${placeInWords(absent)} is not the one that was made for ${id}`);
  const uids = new Set(remove.map(({ uid }) => uid));
  const left = own.find(({ binding }) => uids.has(binding.uid));
  return left ? conflict(`${placeInWords(left.binding)} is still there after it was deleted`) : null;
}

type Place = Pick<NewBinding, "name" | "namespace">;

function isSamePlace(one: Place, other: Place): boolean {
  return one.name === other.name && one.namespace === other.namespace;
}

function placeInWords({ name, namespace }: Place): string {
  return namespace === null ? `The ClusterRoleBinding ${name}` : `The RoleBinding ${name} in ${namespace}`;
}

const refusals: ReadonlySet<string> = new Set([
  "binding-forbidden",
  "namespace-absent",
  "role-absent",
  "binding-exists",
]);

function kindOf(error: unknown): WriteFailure["kind"] {
  if (!(error instanceof AccessError)) return "failed";
  if (error.code === "cluster-conflict") return "conflict";
  return refusals.has(error.code) ? "refused" : "failed";
}

/**
 * Remembers in the cluster what is taken back, before it is removed. The write names what was read: a run beside this one may have
 * remembered more. That it can't be remembered must not keep access alive.
 *
 * @throws AccessError `cluster-conflict`: another run wrote first, and everything is read again
 */
async function rememberTakenBack({
  context,
  cluster,
  opened,
  state,
  settlement,
}: Writing): Promise<Outcomes["isForgotten"]> {
  const { log, keys, now } = context;
  const text = writeAnnotation(cluster.name, [], keys.memory, settlement.withdrawals) ?? undefined;
  if (text === state.takenBack.data[takenBackKey]) return () => false;
  try {
    await opened.client.writeTakenBack(state.takenBack, text === undefined ? {} : { [takenBackKey]: text });
    return () => false;
  } catch (error) {
    if (kindOf(error) === "conflict") throw error;
    log.error({ cluster: cluster.name, err: error }, "the cluster can't remember what was taken back");
    const known = new Set(state.withdrawals.list.map(({ id }) => id));
    const isEarly = (request: ApprovedRequest) => Date.parse(sealedEnd(request)) > now().getTime();
    return (request) => isEarly(request) && !known.has(request.id);
  }
}

/** Anyone who can create a RoleBinding can forge as many as they like: a run looks at so many of them. */
const mostForged = 20;

/**
 * We delete what is not ours only where the configuration says that what others change is put right. It comes last, and a binding that
 * can't be deleted holds up no lease.
 */
async function noteForged({ context, cluster, opened, state }: Writing): Promise<void> {
  for (const binding of state.forged.slice(0, mostForged)) {
    const why = `${placeInWords(binding)} has our label, and not our seal`;
    await tellUntrusted(context, cluster.name, why, `forged-${cluster.name}-${binding.uid}`);
    if (cluster.drift !== "repair") continue;
    await opened.client.deleteBinding(binding).catch((error: unknown) => {
      context.log.warn({ cluster: cluster.name, err: error }, "could not delete a binding that is not ours");
    });
  }
}
