import type { SandboxAnswer } from "../http-server.ts";

interface ApiResource {
  name: string;
  kind: string;
  namespaced: boolean;
  verbs: readonly string[];
  shortNames?: readonly string[];
}

const reads = ["get", "list"];
const reviewed = (name: string, kind: string): ApiResource => ({ name, kind, namespaced: false, verbs: ["create"] });
const listed = (name: string, kind: string, namespaced: boolean): ApiResource => ({
  name,
  kind,
  namespaced,
  verbs: ["list"],
});

/** What the sandbox's clusters have, by group and version. */
const resources: Readonly<Record<string, readonly ApiResource[]>> = {
  v1: [
    {
      name: "configmaps",
      kind: "ConfigMap",
      namespaced: true,
      verbs: [...reads, "create", "update", "patch", "delete"],
      shortNames: ["cm"],
    },
    { name: "pods", kind: "Pod", namespaced: true, verbs: reads, shortNames: ["po"] },
  ],
  "authentication.k8s.io/v1": [reviewed("selfsubjectreviews", "SelfSubjectReview")],
  "authorization.k8s.io/v1": [
    reviewed("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    reviewed("subjectaccessreviews", "SubjectAccessReview"),
  ],
  "rbac.authorization.k8s.io/v1": [
    listed("clusterroles", "ClusterRole", false),
    listed("clusterrolebindings", "ClusterRoleBinding", false),
    listed("roles", "Role", true),
    listed("rolebindings", "RoleBinding", true),
  ],
};

/** As much of a schema as `kubectl edit` and `kubectl apply` need to leave the validation of fields to the server. */
const configMapSchema = {
  openapi: "3.0.0",
  info: { title: "Kubernetes", version: "v1.33.5" },
  paths: {
    "/api/v1/namespaces/{namespace}/configmaps/{name}": {
      patch: {
        "x-kubernetes-group-version-kind": { group: "", kind: "ConfigMap", version: "v1" },
        parameters: [{ name: "fieldValidation", in: "query", schema: { type: "string" } }],
        responses: {},
      },
    },
  },
};

/** Answers what kubectl asks before it knows a resource (Kubernetes docs, "API discovery"); undefined for any other path. */
export function discover(path: string): SandboxAnswer | undefined {
  if (path === "/api") return answer({ kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] });
  if (path === "/apis") return answer({ kind: "APIGroupList", apiVersion: "v1", groups: groups() });
  if (path === "/openapi/v3") return answer({ paths: { "api/v1": { serverRelativeURL: "/openapi/v3/api/v1" } } });
  if (path === "/openapi/v3/api/v1") return answer(configMapSchema);
  const groupVersion = path.replace(/^\/apis?\//, "").replace(/\/$/, "");
  const found = resources[groupVersion];
  return (
    found && answer({ kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: found.map(withSingular) })
  );
}

function groups(): object[] {
  return Object.keys(resources)
    .filter((groupVersion) => groupVersion.includes("/"))
    .map((groupVersion) => {
      const [name = "", version = ""] = groupVersion.split("/");
      return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
    });
}

function withSingular(resource: ApiResource): object {
  return { ...resource, singularName: resource.kind.toLowerCase() };
}

function answer(body: object): SandboxAnswer {
  return { status: 200, body: JSON.stringify(body) };
}
