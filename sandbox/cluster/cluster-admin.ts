import type { ConfigMap, SentConfigMap } from "./config-map.ts";
import { type ForwardTarget, forward } from "./forward.ts";
import { allPods } from "./pods.ts";
import type { Rbac } from "./rbac.ts";
import { bindingObject, roleObject } from "./rbac-lists.ts";

/** What the sandbox does to a real API server by itself, as system:masters. */
export interface ClusterAdmin {
  readAwsAuth(): Promise<ConfigMap | undefined>;
  editAwsAuth(edit: (configMap: SentConfigMap) => SentConfigMap, manager: string): Promise<void>;
  deleteAwsAuth(): Promise<void>;
  putRbac(rbac: Partial<Rbac>): Promise<void>;
  deleteRbac(rbac: Partial<Rbac>): Promise<void>;
  createPods(): Promise<void>;
}

const configMaps = "/api/v1/namespaces/kube-system/configmaps";
const awsAuth = `${configMaps}/aws-auth`;

export function clusterAdmin(target: ForwardTarget, token: string): ClusterAdmin {
  const call = caller(target, token);
  return {
    readAwsAuth: async () => (await call<ConfigMap>("GET", awsAuth)).found,
    editAwsAuth: (edit, manager) => editAwsAuth(call, edit, manager),
    deleteAwsAuth: async () => void (await call("DELETE", awsAuth)),
    putRbac: async (rbac) => {
      for (const { path, object } of rbacObjects(rbac)) await call("PUT", path, object);
    },
    deleteRbac: async (rbac) => {
      for (const { path } of rbacObjects(rbac)) await call("DELETE", path);
    },
    createPods: async () => {
      for (const pod of allPods()) {
        const pods = `/api/v1/namespaces/${pod.metadata.namespace}/pods`;
        await call("POST", pods, pod);
        await call("PATCH", `${pods}/${pod.metadata.name}/status`, { status: pod.status });
      }
    },
  };
}

/** Edits until nobody else wrote meanwhile: whoever edits by hand does the same. */
async function editAwsAuth(
  call: Call,
  edit: (configMap: SentConfigMap) => SentConfigMap,
  manager: string,
): Promise<void> {
  const query = `?fieldManager=${encodeURIComponent(manager)}`;
  let written = false;
  while (!written) {
    const { found } = await call<ConfigMap>("GET", awsAuth);
    const edited = edit(found ?? { metadata: {} });
    const body = { apiVersion: "v1", kind: "ConfigMap", ...edited, metadata: { ...edited.metadata, name: "aws-auth" } };
    const path = found ? awsAuth : configMaps;
    written = (await call(found ? "PUT" : "POST", path + query, body)).status < 300;
  }
}

type Call = <T>(
  method: string,
  pathAndQuery: string,
  body?: object,
) => Promise<{ status: number; found: T | undefined }>;

/** 404 and 409 are answers; anything else fails loudly: a sandbox that was not set up must not look like one that refuses. */
function caller(target: ForwardTarget, token: string): Call {
  return async <T>(method: string, pathAndQuery: string, body?: object) => {
    const mediaType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { authorization: `Bearer ${token}`, "content-type": mediaType, "user-agent": "sandbox" };
    const sent = Buffer.from(body === undefined ? "" : JSON.stringify(body));
    const { status, body: text = "null" } = await forward(target, { method, headers, body: sent, pathAndQuery });
    if (status === 404 || status === 409) return { status, found: undefined };
    if (status >= 300) throw new Error(`${method} ${pathAndQuery}: ${status} ${text}`);
    return { status, found: JSON.parse(text) as T };
  };
}

/** RBAC objects are made by a PUT too (kubernetes, registry/rbac, AllowCreateOnUpdate). */
function rbacObjects({ roles = [], bindings = [] }: Partial<Rbac>): { path: string; object: object }[] {
  const at = ({ name, namespace }: { name: string; namespace?: string }, kind: string) => {
    const home = namespace === undefined ? `cluster${kind}` : `namespaces/${namespace}/${kind}`;
    return `/apis/rbac.authorization.k8s.io/v1/${home}/${name}`;
  };
  return [
    ...roles.map((role) => ({ path: at(role, "roles"), object: roleObject(role) })),
    ...bindings.map((binding) => ({ path: at(binding, "rolebindings"), object: bindingObject(binding) })),
  ];
}
