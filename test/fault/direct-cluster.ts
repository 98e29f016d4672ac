import { type ConfigMap, type ConfigMapContent, configMapKind } from "../../sandbox/cluster/config-map.ts";
import { ObjectStore } from "../../sandbox/cluster/object-store.ts";
import { isStatus, type Status } from "../../sandbox/cluster/status.ts";
import { arns } from "../../sandbox/scene.ts";
import { AccessError } from "../../src/access/access-error.ts";
import { leasesAnnotation } from "../../src/access/lease/annotation.ts";
import type { ClusterClient } from "../../src/kubernetes/cluster-client.ts";
import { type AwsAuthConfigMap, readConfigMap, withContent } from "../../src/kubernetes/config-map.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import type { Turns } from "./turns.ts";

const place = { namespace: "kube-system", name: "aws-auth" };

/** What becomes of a write that was sent; `late`: it arrives when everything else has come to rest. */
export const outcomes = ["answered", "unanswered", "late", "lost"] as const;
export type Outcome = (typeof outcomes)[number];

type Opens = NonNullable<WorkerContext["openCluster"]>;
type V1Object = Parameters<typeof readConfigMap>[0];

/** Of a section's text. */
type Edit = (text: string) => string;

/** The sandbox's API server with its own rules, but without the network: thousands of plays instead of a hundred. */
export interface DirectCluster {
  awsAuth: () => ConfigMap | null;
  /** A person's own edit of a section, read and written in one step. */
  editMapUsers: (edit: Edit) => void;
  editMapRoles: (edit: Edit) => void;
  /** A person's removal of what it remembers of the leases. */
  forget: () => void;
  remove: () => void;
  /** A person makes the ConfigMap immutable. */
  freeze: () => void;
  /** An admission webhook that changes each update, and no dry run; null: there is none. */
  admit: (webhook: Edit | null) => void;
  onChange: (listener: (configMap: ConfigMap | null) => void) => () => void;
  /** For one process. `fates` are those of its writes, one after another; all further ones are answered. */
  openFor: (
    process: Pick<Turns, "point">,
    network: Pick<Turns, "join" | "point">,
    outcomes: readonly Outcome[],
  ) => Opens;
  /** Lets the late writes arrive now. */
  deliver: () => void;
}

/** Starts it with this document; null: there is none. */
export function directCluster(data: Readonly<Record<string, string>> | null): DirectCluster {
  const store = new ObjectStore(configMapKind, () => new Date());
  if (data) store.create(place.namespace, { metadata: place, data }, { manager: "eks", dryRun: false });
  const late: (() => unknown)[] = [];
  const editOf = (section: "mapRoles" | "mapUsers") => (edit: Edit) => {
    const before = store.get(place);
    if (!before) return;
    const { [section]: text = "", ...others } = before.data ?? {};
    const edited = edit(text);
    const after = { ...before, data: edited === "" ? others : { ...others, [section]: edited } };
    store.replace(place, after, { manager: "kubectl-edit", dryRun: false });
  };
  return {
    awsAuth: () => store.get(place) ?? null,
    editMapUsers: editOf("mapUsers"),
    editMapRoles: editOf("mapRoles"),
    forget: () => {
      const before = store.get(place);
      if (!before) return;
      const { [leasesAnnotation]: _, ...annotations } = before.metadata.annotations ?? {};
      const after = { ...before, metadata: { ...before.metadata, annotations } };
      store.replace(place, after, { manager: "kubectl-edit", dryRun: false });
    },
    remove: () => void store.remove(place),
    freeze: () => {
      const before = store.get(place);
      if (before) store.replace(place, { ...before, immutable: true }, { manager: "kubectl-edit", dryRun: false });
    },
    admit: (webhook) => {
      store.admission =
        webhook &&
        (({ data = {}, ...sent }) => {
          const { mapUsers } = data;
          return { ...sent, data: mapUsers === undefined ? data : { ...data, mapUsers: webhook(mapUsers) } };
        });
    },
    onChange: (listener) => store.onChange((configMap, event) => void listener(event === "removed" ? null : configMap)),
    openFor: (process, network, planned) => {
      const coming = [...planned];
      const sent = { process, network, late, outcome: () => coming.shift() ?? "answered" };
      return async () => ({
        client: clientOf(store, sent),
        creatorArn: arns.creator,
        mode: "CONFIG_MAP",
        entries: null,
        roleMadeAt: async () => "2026-01-01T00:00:00.000Z",
        tags: {},
        connectAs: () => Promise.reject(new Error("nobody asks")),
        close: () => {},
      });
    },
    deliver: () => {
      for (const arrive of late.splice(0)) arrive();
    },
  };
}

interface Sending {
  readonly process: Pick<Turns, "point">;
  readonly network: Pick<Turns, "join" | "point">;
  readonly late: (() => unknown)[];
  readonly outcome: () => Outcome;
}

function clientOf(store: ObjectStore<ConfigMapContent>, sending: Sending): ClusterClient {
  const { point } = sending.process;
  const write = (object: V1Object, dryRun: boolean) =>
    store.replace(place, asSent(object), { manager: "eks-access", dryRun });
  return {
    ...reviewsOnly(sending.process),
    readAwsAuth: async () => {
      await point("GET");
      const found = store.get(place);
      await point("got");
      return found ? readConfigMap(asRead(found), "direct") : null;
    },
    writeAwsAuth: async (before, after) => send(sending, "PUT", () => write(withContent(before.object, after), false)),
    rehearseWrite: async (before, after) => {
      await point("dry run");
      answerOf(write(withContent(before.object, after), true));
    },
    createAwsAuth: async (after) => {
      const object = withContent({ apiVersion: "v1", kind: "ConfigMap", metadata: { ...place } }, after);
      const options = { manager: "eks-access", dryRun: false };
      return send(sending, "POST", () => store.create(place.namespace, asSent(object), options));
    },
  };
}

/** A cluster without a document, of which a worker asks reviews alone. */
export function reviewsOnly({ point }: Pick<Turns, "point">): ClusterClient {
  const nobody = () => Promise.reject(new Error("nobody asks"));
  return {
    readAwsAuth: async () => null,
    writeAwsAuth: nobody,
    rehearseWrite: nobody,
    createAwsAuth: nobody,
    rehearseCreation: nobody,
    readKept: async () => ({}),
    readWithdrawals: async () => ({ data: {}, object: null }),
    writeWithdrawals: async () => {},
    objectState: async () => "as wanted",
    writeObject: async () => {},
    writeKept: async () => {},
    may: async () => {
      await point("review");
      return { auditId: null, allowed: true, reason: "" };
    },
    roleBindings: async () => ({ groups: new Map(), users: new Map() }),
    groupRights: async () => ({ rights: [], bound: [] }),
    whoAmI: nobody,
    mayI: nobody,
    listPods: nobody,
    listLeaseBindings: async () => [],
    findBinding: nobody,
    createBinding: nobody,
    deleteBinding: nobody,
    roleRules: nobody,
    namespaces: nobody,
    close: () => {},
  };
}

/** A write that is not answered is on its way by itself: its sender may be dead when it arrives. */
async function send(sending: Sending, what: string, arrive: () => ConfigMap | Status): Promise<AwsAuthConfigMap> {
  const { process, network, late } = sending;
  const outcome = sending.outcome();
  await process.point(`${what} is sent`);
  if (outcome === "late") late.push(arrive);
  if (outcome === "unanswered") network.join(() => network.point(`${what} arrives`).then(() => void arrive()));
  const stored = outcome === "answered" ? arrive() : null;
  await process.point(`${what} is answered`);
  if (stored) return answerOf(stored);
  throw new AccessError("cluster-unreachable", `The API server did not answer ${what}`);
}

function answerOf(stored: ConfigMap | Status): AwsAuthConfigMap {
  if (!isStatus(stored)) return readConfigMap(asRead(stored), "direct");
  const isConflict = stored.code === 409 || stored.code === 404;
  throw new AccessError(isConflict ? "cluster-conflict" : "cluster-unexpected", stored.message);
}

/** As the client reads JSON: a copy. */
function asRead(stored: ConfigMap): V1Object {
  return JSON.parse(JSON.stringify(stored));
}

function asSent(object: V1Object) {
  const { immutable } = object;
  const { uid, resourceVersion, annotations } = object.metadata ?? {};
  const known = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  const fixed = typeof immutable === "boolean" ? { immutable } : {};
  return { data: object.data ?? {}, ...fixed, metadata: { ...place, ...known, ...(annotations && { annotations }) } };
}
