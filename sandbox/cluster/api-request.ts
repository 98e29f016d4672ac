import type { SandboxRequest } from "../http-server.ts";
import type { ResourceAttributes } from "./rbac.ts";

export type ApiRequest = ({ type: "resource" } & ResourceAttributes) | { type: "path"; verb: string; path: string };

const resourcePath =
  /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?\/?$/;

const verbs: Readonly<Record<string, string>> = { POST: "create", PUT: "update" };

/** Kubernetes docs, "Determine the Request Verb". */
export function readApiRequest({ method, url }: Pick<SandboxRequest, "method" | "url">): ApiRequest {
  const [match, group = "", namespace, resource = "", name, subresource] = resourcePath.exec(url.pathname) ?? [];
  if (match === undefined) return { type: "path", verb: method.toLowerCase(), path: url.pathname };
  return {
    type: "resource",
    verb: verbOf(method, name, url),
    group,
    resource,
    ...(namespace === undefined ? {} : { namespace: decodeURIComponent(namespace) }),
    ...(name === undefined ? {} : { name: decodeURIComponent(name) }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

function verbOf(method: string, name: string | undefined, url: URL): string {
  if (method === "DELETE") return name === undefined ? "deletecollection" : "delete";
  if (method !== "GET") return verbs[method] ?? method.toLowerCase();
  if (name !== undefined) return "get";
  return url.searchParams.get("watch") === "true" ? "watch" : "list";
}

const reviews: Readonly<Record<string, string>> = {
  selfsubjectreviews: "self-subject-review",
  selfsubjectaccessreviews: "self-subject-access-review",
  subjectaccessreviews: "subject-access-review",
};

/** For faults and the narration: `kubernetes.get-configmap`, `kubernetes.subject-access-review`. */
export function callName(request: ApiRequest, url: URL): string {
  if (request.type === "path") return `kubernetes.${request.path.replace(/^\//, "").replaceAll("/", "-") || "root"}`;
  const review = reviews[request.resource];
  if (review) return `kubernetes.${review}`;
  const one = request.name !== undefined || request.verb === "create";
  const thing = one ? request.resource.replace(/s$/, "") : request.resource;
  // A dry run has its own name, so that a fault can hit it and not the write after it.
  if (url.searchParams.has("dryRun")) return `kubernetes.dry-run-${thing}`;
  return `kubernetes.${request.verb === "update" ? "replace" : request.verb}-${thing}`;
}
