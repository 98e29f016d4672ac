import { AccessError } from "../../src/access/access-error.ts";
import type { ClusterBinding } from "../../src/access/lease/own-bindings.ts";
import type { ClusterClient, StoredWithdrawals } from "../../src/kubernetes/cluster-client.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import type { DirectCluster, Outcome } from "./direct-cluster.ts";
import type { Turns } from "./turns.ts";

type Opens = NonNullable<WorkerContext["openCluster"]>;

/** The bindings of one cluster without the network: thousands of plays instead of a hundred. */
export interface DirectBindings {
  all: () => readonly ClusterBinding[];
  /** The bindings that a run made after a newer one began. */
  overtaken: () => readonly string[];
  /** A person deletes each binding for which this is true. */
  remove: (isMeant: (binding: ClusterBinding) => boolean) => void;
  openFor: (
    process: Pick<Turns, "point">,
    network: Pick<Turns, "join" | "point">,
    outcomes: readonly Outcome[],
  ) => Opens;
  /** From now on every role allows more. */
  growRoles: () => void;
  /** Time passes: a late call arrives right before the API server gives it up. */
  passTo: (ms: number) => void;
}

/** kube-apiserver gives up a call after this time (`--request-timeout`). Milliseconds. */
const requestTimeoutMs = 60_000;

/**
 * @param map the same cluster's aws-auth
 * @param newestRun the id of the newest run of bindings
 */
export function directBindings(
  clock: { readonly ms: number },
  map: DirectCluster,
  newestRun: () => string,
): DirectBindings {
  const store = new Map<string, ClusterBinding>();
  const late: { readonly untilMs: number; readonly arrive: () => void }[] = [];
  let allowed = rules;
  let stored: StoredWithdrawals = { data: {}, object: null };
  let made = 0;
  const overtaken: string[] = [];
  const keyOf = ({ namespace, name }: Pick<ClusterBinding, "namespace" | "name">) => `${namespace ?? ""}/${name}`;
  const create = ({ user, ...binding }: Parameters<ClusterClient["createBinding"]>[0]): ClusterBinding => {
    if (store.has(keyOf(binding))) throw new AccessError("binding-exists", `${binding.name} is taken`);
    made += 1;
    const subjects = [{ kind: "User", name: user }];
    const created = { ...binding, uid: `uid-${made}`, subjects, deletedAt: null };
    store.set(keyOf(binding), created);
    return created;
  };
  const remove: (place: Parameters<ClusterClient["deleteBinding"]>[0]) => "absent" | "other" | "deleted" = (place) => {
    const found = store.get(keyOf(place));
    if (!found) return "absent";
    if (found.uid !== place.uid) return "other";
    store.delete(keyOf(place));
    return "deleted";
  };
  const openFor: DirectBindings["openFor"] = (process, network, planned) => {
    const coming = [...planned];
    const { point } = process;
    let runOfReading = "";
    const send = async <T>(what: string, arrive: () => T): Promise<T> => {
      const outcome = coming.shift() ?? "answered";
      await point(`${what} is sent`);
      if (outcome === "late") late.push({ untilMs: clock.ms + requestTimeoutMs - 1, arrive: () => quietly(arrive) });
      if (outcome === "unanswered") network.join(() => network.point(`${what} arrives`).then(() => quietly(arrive)));
      const answer = outcome === "answered" ? settled(arrive) : null;
      await point(`${what} is answered`);
      if (!answer) throw new AccessError("cluster-unreachable", `The API server did not answer ${what}`);
      if ("error" in answer) throw answer.error;
      return answer.value;
    };
    const ofBindings: Partial<ClusterClient> = {
      readWithdrawals: async () => {
        runOfReading = newestRun();
        return stored;
      },
      writeWithdrawals: async (before, data) => {
        await point("remember what was taken back");
        if (before !== stored) throw new AccessError("cluster-conflict", "It was written meanwhile");
        stored = { data, object: null };
      },
      listLeaseBindings: async () => {
        await point("list");
        const found = [...store.values()];
        await point("listed");
        return found;
      },
      findBinding: async (place) => {
        await point("find");
        const found = store.get(keyOf(place)) ?? null;
        await point("found");
        return found;
      },
      createBinding: async (binding) => {
        // A newer run may have read before this call.
        if (newestRun() !== runOfReading) overtaken.push(`an overtaken run makes ${binding.name}`);
        return send("POST", () => create(binding));
      },
      deleteBinding: (place) => send("DELETE", () => remove(place)),
      roleRules: async () => allowed,
      namespaces: async () => ["default", "payments"].map((name) => ({ name, isEnding: false })),
      may: async ({ username }) => {
        await point("review");
        const isAllowed = [...store.values()].some(({ subjects }) => subjects.some(({ name }) => name === username));
        return { auditId: null, allowed: isAllowed, reason: "" };
      },
    };
    const opens = map.openFor(process, network, planned.toReversed());
    return async (...about) => {
      const open = await opens(...about);
      return { ...open, client: { ...open.client, ...ofBindings } };
    };
  };
  return {
    all: () => [...store.values()],
    overtaken: () => overtaken,
    remove: (isMeant) => {
      for (const binding of [...store.values()].filter(isMeant)) remove(binding);
    },
    openFor,
    growRoles: () => {
      allowed = [...rules, { ...listing, verbs: ["delete"] }];
    },
    passTo: (ms) => {
      map.deliver();
      const due = late.filter(({ untilMs }) => untilMs <= ms);
      late.splice(0, late.length, ...late.filter(({ untilMs }) => untilMs > ms));
      for (const { arrive } of due) arrive();
    },
  };
}

const listing = { verbs: ["list"], apiGroups: [""], resources: ["pods"], resourceNames: [], nonResourceURLs: [] };

/** What every role of the scene allows at first. */
export const rules = [listing];

function settled<T>(arrive: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: arrive() };
  } catch (error) {
    return { error };
  }
}

/** The sender no longer waits. */
function quietly(arrive: () => unknown): void {
  settled(arrive);
}
