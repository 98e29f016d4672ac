import { randomUUID } from "node:crypto";
import type { SandboxAnswer, SandboxRequest, SandboxRoute } from "../http-server.ts";
import type { Authenticator } from "./authenticator.ts";
import type { ConfigMapContent } from "./config-map.ts";
import { escalationProblem, ruleEscalation } from "./escalation.ts";
import { answerObjects, listAnswer, type WriteRules } from "./object-requests.ts";
import type { ObjectStore } from "./object-store.ts";
import {
  type Attributes,
  type Authorize,
  accessReview,
  type BindingContent,
  type ResourceAttributes,
  type RoleContent,
  rbacGroup,
  selfSubjectReview,
  type User,
} from "./rbac.ts";
import type { RbacObjects } from "./roles.ts";
import { failure, qualified, type Status, statusAnswer, unauthorized, unsupportedMediaType } from "./status.ts";

export interface ApiServerContext {
  authenticator: Authenticator;
  rbac: RbacObjects;
  authorize: Authorize;
  configMaps: ObjectStore<ConfigMapContent>;
  now: () => Date;
  audit: (event: AuditedRequest) => void;
}

/** A line of the API server's audit log (audit.k8s.io/v1 Event), with the fields that match it with other logs. */
export interface AuditedRequest {
  auditID: string;
  verb: string;
  requestURI: string;
  username: string | undefined;
  code: number;
}

export function routeApiRequest(context: ApiServerContext, request: SandboxRequest): SandboxRoute {
  const asked = readApiRequest(request);
  return { call: callName(asked, request.url), answer: () => audited(context, asked, request) };
}

/** kubernetes, apiserver, filters.WithAuditInit: a request keeps its id or gets a new one, and the answer has the same id. */
async function audited(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest): Promise<SandboxAnswer> {
  const answered = await answer(context, asked, request);
  const auditID = [request.headers["audit-id"]].flat()[0] ?? randomUUID();
  const { pathname, search } = request.url;
  const { status: code, by: username } = answered;
  context.audit({ auditID, verb: asked.verb, requestURI: `${pathname}${search}`, username, code });
  return { ...answered, headers: { "audit-id": auditID, ...answered.headers } };
}

/** The health checks that EKS answers without a token. */
const publicPaths = new Set(["/healthz", "/livez", "/readyz"]);

async function answer(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest): Promise<SandboxAnswer> {
  if (asked.type === "path" && publicPaths.has(asked.path)) {
    return { status: 200, headers: { "content-type": "text/plain" }, body: "ok" };
  }
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const owner = token === undefined ? undefined : await context.authenticator.authenticate(token);
  if (!owner) return statusAnswer(unauthorized);
  const user = { ...owner, groups: [...owner.groups, "system:authenticated"] };
  if (!speaksJson(request)) return { ...statusAnswer(unsupportedMediaType), by: user.username };
  if (request.headers["impersonate-user"] !== undefined) return statusAnswer(noImpersonation);
  return answerFor(context, asked, request, user);
}

/** A wrong identity would be worse than no answer. */
const noImpersonation = failure(501, "NotImplemented", "the sandbox does not act as another user");

/** The sandbox reads only JSON. A real API server answers other media types in the same way for a resource that knows only JSON. */
function speaksJson({ headers, body }: SandboxRequest): boolean {
  const mediaType = (headers["content-type"] ?? "application/json").split(";")[0]?.trim() ?? "";
  return body.length === 0 || mediaType === "*/*" || /[/+]json$/.test(mediaType);
}

function answerFor(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest, user: User): SandboxAnswer {
  const attributes: Attributes = asked.type === "path" ? { verb: asked.verb, path: asked.path } : asked;
  const { allowed } = context.authorize(user, attributes);
  const answered = allowed ? dispatch(context, asked, request, user) : statusAnswer(forbidden(user, attributes));
  return { ...answered, by: user.username };
}

function dispatch(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest, user: User): SandboxAnswer {
  if (asked.type === "path") return unknown();
  const answered = asked.verb === "create" ? review(context, asked.resource, user, request.body) : undefined;
  if (answered) return answered;
  const ofGroup = asked.group === "" ? core : asked.group === rbacGroup ? rbacOf : unknown;
  return ofGroup(context, asked, request, user) ?? unknown();
}

function review(context: ApiServerContext, resource: string, user: User, body: Buffer): SandboxAnswer | undefined {
  switch (resource) {
    case "selfsubjectreviews":
      return selfSubjectReview(user, context.now());
    case "selfsubjectaccessreviews":
      return accessReview("SelfSubjectAccessReview", context.authorize, user, body);
    case "subjectaccessreviews":
      return accessReview("SubjectAccessReview", context.authorize, user, body);
    default:
      return undefined;
  }
}

function core({ configMaps, rbac }: ApiServerContext, asked: ResourceAttributes, request: SandboxRequest) {
  const { verb, resource, namespace } = asked;
  if (resource === "configmaps") return answerObjects(configMaps, asked, request, { hasNamespace: hasNamespace(rbac) });
  const list = (kind: string, items: Parameters<typeof listAnswer>[1]) =>
    listAnswer({ apiVersion: "v1", kind }, items, request.url, configMaps.versions.last());
  if (verb !== "list") return undefined;
  const namespaces = rbac.namespaces().map((name) => ({ metadata: { name } }));
  if (resource === "namespaces") return list("Namespace", namespaces);
  return resource === "pods" ? list("Pod", namespace === undefined ? allPods() : podsOf(namespace)) : undefined;
}

function hasNamespace(rbac: RbacObjects): (name: string) => boolean {
  return (name) => rbac.namespaces().includes(name);
}

function rbacOf(context: ApiServerContext, asked: ResourceAttributes, request: SandboxRequest, user: User) {
  const { rbac, authorize } = context;
  const rights = { authorize, user, namespace: asked.namespace, rbac: rbac.rbac() };
  const rules = { hasNamespace: hasNamespace(rbac) };
  const mayCreate = { ...asked, verb: "create" };
  const refuseCreation = (isNew: boolean) =>
    isNew && !authorize(user, mayCreate).allowed ? forbidden(user, mayCreate) : undefined;
  const bindings = rbac.bindings[asked.resource];
  if (bindings) {
    const guard: WriteRules<BindingContent>["guard"] = (sent, before) =>
      escalationProblem(bindings.kind, sent, rights) ?? refuseCreation(!before);
    return answerObjects(bindings, asked, request, { ...rules, guard });
  }
  const roles = rbac.roles[asked.resource];
  const guard: WriteRules<RoleContent>["guard"] = (sent, before) =>
    (roles && ruleEscalation(roles.kind, sent, rights)) ?? refuseCreation(!before);
  return roles && answerObjects(roles, asked, request, { ...rules, guard });
}

function unknown(): SandboxAnswer {
  return statusAnswer(failure(404, "NotFound", "the server could not find the requested resource", {}));
}

/** kubernetes, apiserver, responsewriters.ForbiddenStatusError: people search the web for these words. */
function forbidden(user: User, attributes: Attributes): Status {
  const who = `User "${user.username}" cannot ${attributes.verb}`;
  if ("path" in attributes) return failure(403, "Forbidden", `forbidden: ${who} path "${attributes.path}"`, {});
  const { group, resource, subresource, namespace, name } = attributes;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const thing = qualified(resource, group);
  const which = name === undefined ? thing : `${thing} "${name}"`;
  return failure(
    403,
    "Forbidden",
    `${which} is forbidden: ${who} resource "${what}" in API group "${group}" ${where}`,
    { ...(name === undefined ? {} : { name }), ...(group === "" ? {} : { group }), kind: resource },
  );
}

const names: Readonly<Record<string, readonly string[]>> = {
  default: ["shop-6d4cf56db6-7x2lq", "shop-6d4cf56db6-kq8wd"],
  "kube-system": ["aws-node-4zq7t", "coredns-5d78c9869d-2m9vx", "coredns-5d78c9869d-b6s4h", "kube-proxy-8hw5k"],
};

export function allPods() {
  return Object.keys(names).flatMap(podsOf);
}

function podsOf(namespace: string) {
  return (names[namespace] ?? []).map((name) => podObject(namespace, name));
}

/** core/v1 Pod. */
function podObject(namespace: string, name: string) {
  const container = { name: "main", image: "registry.example/main:1" };
  const state = { ready: true, restartCount: 0, imageID: "", state: {} };
  const uid = `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").slice(-12)}`;
  return {
    metadata: { name, namespace, uid, creationTimestamp: "2026-01-01T08:00:00Z" },
    spec: { containers: [container], nodeName: "ip-10-0-1-2.eu-central-1.compute.internal" },
    status: { phase: "Running", podIP: "10.0.1.17", containerStatuses: [{ ...container, ...state }] },
  };
}

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
