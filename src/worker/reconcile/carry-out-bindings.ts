import { AccessError, hasCode } from "../../access/access-error.ts";
import { anotherWriter } from "../../access/lease/drift.ts";
import type { MappedIdentity } from "../../access/lease/lease-record.ts";
import {
  bindingFor,
  bindingName,
  bindingsByLease,
  type ClusterBinding,
  isAsSent,
  type LeaseBinding,
  type NewBinding,
} from "../../access/lease/own-bindings.ts";
import { sealedClusterOf } from "../../access/policy/cluster.ts";
import { kubernetesGroups } from "../../access/policy/policy-text.ts";
import { outsideWords } from "../../access/redact.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { measuredStep } from "../../operations/announcements.ts";
import { burstWidth, inParallel } from "../../operations/parallel.ts";
import type { BindingState } from "./binding-state.ts";
import type { BindingSettlement } from "./settle-bindings.ts";
import { readSignInMap } from "./sign-in-map.ts";
import { type SignInNames, signInNames } from "./sign-in-names.ts";
import { type Outcomes, overtaken, type ReviewGiven, type WayContext } from "./way-adapter.ts";
import { answeredWrites } from "./write-begun.ts";

export interface BindingTools extends WayContext {
  readonly state: BindingState;
  readonly settlement: BindingSettlement;
  readonly isNewest: () => Promise<boolean>;
  /** No try of this run follows. */
  readonly isLast: boolean;
}

/** Deletes old bindings before it creates new ones of the same name. */
interface Calls {
  readonly principal: string;
  readonly remove: readonly ClusterBinding[];
  readonly create: readonly NewBinding[];
}

export type CallsByLease = ReadonlyMap<string, Calls>;

export interface BindingsSent {
  readonly calls: CallsByLease;
  readonly failures: ReadonlyMap<string, unknown>;
  /** Ids of leases for which the API server made a binding, whatever others made of it since. */
  readonly made: ReadonlySet<string>;
  readonly after: readonly LeaseBinding[];
  /** By principal: why it has another username than its new bindings, or may have. */
  readonly renamed: ReadonlyMap<string, unknown>;
  readonly reviewOf: NonNullable<Outcomes["reviewOf"]>;
}

/** Deletes and creates lease by lease: a failure of one stops no other. */
export async function carryOutAll(
  tools: BindingTools,
  calls: CallsByLease,
  review: ReviewGiven,
): Promise<BindingsSent> {
  const made = new Set<string>();
  const reviews = reviewsOf(tools, review);
  const send = async ([id, each]: readonly [string, Calls]) => {
    const error = await carryOut(tools, id, each, made);
    // At once: people wait. Its answers come while others' bindings are made.
    if (made.has(id)) reviews.begin(id);
    return [id, error] as const;
  };
  const sent = await inParallel([...calls], send, burstWidth);
  const failures = new Map(sent.flatMap(([id, error]) => (error === null ? [] : [[id, error] as const])));
  const written = [...calls.values()].flatMap(({ remove, create }) => [...remove, ...create]);
  const { state } = tools;
  // A write that hangs leaves the read-back no time: the run's failure is the write's.
  const unanswered = [...failures.values()].find((error) => hasCode(error, "cluster-unreachable"));
  // Both look at what was written.
  const reading = written.length > 0 ? measuredStep("read-back", () => state.readAgain(written)) : state.parts;
  const naming = renamedAmong(
    tools,
    [...calls.values()].flatMap((each) => (each.create.length > 0 ? each.principal : [])),
  );
  const after = await Promise.resolve(reading).catch((error: unknown) => {
    throw unanswered ?? error;
  });
  return { calls, failures, made, after, renamed: await naming, reviewOf: reviews.of };
}

/** Others can have made or changed an entry since this run looked: its person has another username than the new bindings. */
async function renamedAmong(tools: BindingTools, principals: readonly string[]): Promise<BindingsSent["renamed"]> {
  if (principals.length === 0) return new Map();
  const { state, cluster } = tools;
  const usernameIn = (names: SignInNames, principal: string) => {
    const name = names.of(principal);
    return name.type === "name" ? name.username : null;
  };
  try {
    const now = signInNames(await readSignInMap(tools, [], principals), cluster);
    const renamed = principals.filter((each) => usernameIn(now, each) !== usernameIn(state.names, each));
    const errorOf = (arn: string) =>
      new AccessError("cluster-conflict", anotherWriter("changed", `the entry of ${arn}`));
    return new Map(renamed.map((each) => [each, errorOf(each)]));
  } catch (error) {
    return new Map(principals.map((each) => [each, error]));
  }
}

/** Questions about leases that this run makes, each as the person that its binding names. An outcome waits for its own answer only. */
function reviewsOf({ state, settlement }: BindingTools, review: ReviewGiven) {
  const requests = new Map([...settlement.leased, ...settlement.repaired].map((request) => [request.id, request]));
  const begun = new Map<string, { readonly as: string; readonly answer: ReturnType<ReviewGiven> }>();
  const begin = (id: string): void => {
    const request = requests.get(id);
    if (!request) return;
    const name = state.names.of(request.principal);
    if (name.type === "none") return;
    const { username, groups } = name;
    const answer = review(request, { username, groups });
    // The outcome can come too late to take it: an unhandled failure would end the process.
    answer.catch(() => {});
    begun.set(id, { as: callerOf(name), answer });
  };
  const of: BindingsSent["reviewOf"] = ({ id }, identity) => {
    const asked = begun.get(id);
    return asked && identity && asked.as === callerOf(identity) ? asked.answer : undefined;
  };
  return { begin, of };
}

/** A review asks as this: the API server knows nothing of our roles' texts. */
function callerOf({ username, groups }: MappedIdentity): string {
  return JSON.stringify([username, kubernetesGroups(groups)]);
}

/** By request id. A binding that is as planned needs no call. */
export function bindingCalls({ cluster, context, state, settlement }: BindingTools): ReadonlyMap<string, Calls> {
  const { targets, leased, repaired, ending, voided } = settlement;
  const calls = new Map<string, Calls>();
  const partsOf = bindingsByLease(state.parts);
  for (const request of [...leased, ...repaired]) {
    const share = targets.get(request.principal.toLowerCase())?.holding?.shares.find(({ id }) => id === request.id);
    const name = state.names.of(request.principal);
    if (!share || name.type === "none") continue;
    const lease = { principal: request.principal, user: name.username, share };
    const known = partsOf.get(request.id) ?? [];
    const isThere = (text: string) =>
      known.some((part) => part.isIntact && part.isLabelled && part.user === name.username && part.text === text);
    const missing = share.groups.filter((text) => !isThere(text));
    const create = missing.flatMap(
      (text) => bindingFor(sealedClusterOf(cluster), lease, text, context.keys.memory) ?? [],
    );
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
  // Only a lease's binding has its name: a person who may edit it must not keep access by stripping our seal.
  const begun = [...leased, ...voided.map((each) => each.request)].filter(({ lease }) => lease.writeBegan !== null);
  for (const request of [...ending, ...repaired, ...begun]) {
    const { id, principal } = request;
    const { remove, create } = calls.get(id) ?? { remove: [], create: [] };
    const stripped = state.inPlaceOf(request);
    if (stripped.length > 0) calls.set(id, { principal, remove: [...remove, ...stripped], create });
  }
  return calls;
}

/** Null: all of it was done. @param made gets its id while a binding of this run is in the cluster */
async function carryOut(
  { context, cluster, opened, isNewest }: BindingTools,
  lease: string,
  calls: Calls,
  made: Set<string>,
): Promise<unknown> {
  const { client } = opened;
  const answered = answeredWrites(context.ledger);
  const created: ClusterBinding[] = [];
  const removeAll = async (bindings: readonly ClusterBinding[]) => {
    for (const binding of bindings) {
      const removed = await client.deleteBinding(binding, { lease });
      if (removed === "other") throw stillThere(`${binding.name} came back during its deletion`);
      if (removed === "kept")
        throw new AccessError("binding-kept", `${placeInWords(binding)} waits for its finalizers`);
    }
  };
  try {
    await removeAll(calls.remove);
    for (const binding of calls.create) {
      if (!(await isNewest()))
        throw new AccessError("cluster-conflict", `Another run has begun to change ${cluster.name}`, overtaken);
      context.metrics?.writes.inc({ cluster: cluster.name, way: "binding" });
      const began = answered.get(lease);
      answered.delete(lease);
      const found = await client
        .createBinding(binding, { lease })
        .catch((error) => ignoreTaken(error, client, binding));
      if (began !== undefined) answered.set(lease, began);
      if (!found) continue;
      created.push(found);
      made.add(lease);
      if (isAsSent(binding, found)) continue;
      await removeAll(created);
      made.delete(lease);
      throw new AccessError(
        "binding-changed",
        `${placeInWords(binding)} was changed by an admission webhook or policy`,
      );
    }
    return null;
  } catch (error) {
    return error;
  }
}

/** Our binding has the name already: an unanswered call arrived. The run reads it back in any case. @throws AccessError */
async function ignoreTaken(error: unknown, { findBinding }: ClusterClient, binding: NewBinding): Promise<null> {
  if (!hasCode(error, "binding-exists")) throw error;
  if (await findBinding(binding)) return null;
  // Others deleted it meanwhile, or a proxy answered: no one has to delete anything.
  throw new AccessError("cluster-conflict", anotherWriter("deleted", placeInWords(binding)));
}

function stillThere(what: string): AccessError {
  return new AccessError("cluster-conflict", what, { remedy: "If this lasts, delete it with kubectl." });
}

/** Why the read-back differs from the plan; null: it does not. @param own the bindings of this lease */
export function notAsPlanned(id: string, { create, remove }: Calls, own: readonly LeaseBinding[]): AccessError | null {
  const isOf = ({ name, namespace, user }: NewBinding, { isIntact, user: whose, binding }: LeaseBinding) =>
    isIntact && whose === user && binding.name === name && binding.namespace === namespace;
  const absent = create.find((wanted) => !own.some((part) => isOf(wanted, part)));
  if (absent)
    return new AccessError("binding-exists", `${placeInWords(absent)} is not the one that the worker made for ${id}`);
  const uids = new Set(remove.map(({ uid }) => uid));
  const left = own.find(({ binding }) => uids.has(binding.uid));
  return left ? stillThere(`${placeInWords(left.binding)} is still there after its deletion`) : null;
}

/** The API server bounds no name of a binding. */
const maxName = 253;

export function placeInWords({ name: whole, namespace }: Pick<NewBinding, "name" | "namespace">): string {
  const name = outsideWords(whole, maxName);
  return namespace === null ? `The ClusterRoleBinding ${name}` : `The RoleBinding ${name} in ${namespace}`;
}
