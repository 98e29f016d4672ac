import { randomUUID } from "node:crypto";
import type { SandboxAnswer, SandboxRequest, SandboxRoute } from "../http-server.ts";
import { type ApiRequest, callName, readApiRequest } from "./api-request.ts";
import type { Authenticator } from "./authenticator.ts";
import { answerConfigMaps } from "./config-map-requests.ts";
import type { ConfigMapStore } from "./config-map-store.ts";
import {
  type Attributes,
  type Authorize,
  listRbac,
  type Rbac,
  type ResourceAttributes,
  readRole,
  type User,
} from "./rbac.ts";
import { accessReview, selfSubjectReview } from "./reviews.ts";
import { failure, listPods, type Status, statusAnswer, unauthorized, unsupportedMediaType } from "./status.ts";

export interface ApiServerContext {
  authenticator: Authenticator;
  rbac: () => Rbac;
  authorize: Authorize;
  configMaps: ConfigMapStore;
  now: () => Date;
  /** Called for each answered request. */
  audit: (event: AuditedRequest) => void;
}

/** A line of the API server's audit log (audit.k8s.io/v1 Event), as far as anybody joins it with another log. */
export interface AuditedRequest {
  auditID: string;
  verb: string;
  requestURI: string;
  username: string | undefined;
  code: number;
}

/** Routes one request through authentication, authorization and the resource, as a kube-apiserver does. */
export function routeApiRequest(context: ApiServerContext, request: SandboxRequest): SandboxRoute {
  const asked = readApiRequest(request);
  return { call: callName(asked, request.url), answer: () => audited(context, asked, request) };
}

/** kubernetes, apiserver, filters.WithAuditInit: the id of a request is the one that it brings or a new one, and goes out with the answer. */
async function audited(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest): Promise<SandboxAnswer> {
  const answered = await answer(context, asked, request);
  const auditID = [request.headers["audit-id"]].flat()[0] ?? randomUUID();
  const { pathname, search } = request.url;
  const { status: code, by: username } = answered;
  context.audit({ auditID, verb: asked.verb, requestURI: `${pathname}${search}`, username, code });
  return { ...answered, headers: { "audit-id": auditID, ...answered.headers } };
}

/** EKS answers health checks alone without a token. */
const publicPaths = new Set(["/healthz", "/livez", "/readyz"]);

async function answer(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest): Promise<SandboxAnswer> {
  if (asked.type === "path" && publicPaths.has(asked.path)) {
    return { status: 200, headers: { "content-type": "text/plain" }, body: "ok" };
  }
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const owner = token === undefined ? undefined : await context.authenticator.authenticate(token);
  if (!owner) return statusAnswer(unauthorized);
  const user = { ...owner, groups: [...owner.groups, "system:authenticated"] };
  if (!speaksJson(request)) return { ...statusAnswer(unsupportedMediaType(["application/json"])), by: user.username };
  if (request.headers["impersonate-user"] !== undefined) return statusAnswer(noImpersonation);
  return answerFor(context, asked, request, user);
}

/** Better no answer than one to the sender itself. */
const noImpersonation = failure(501, "NotImplemented", "the sandbox does not act as another user");

/** The sandbox decodes JSON alone. A real API server answers other media types for a resource that knows only JSON in the same way. */
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
  if (asked.type === "path") return asked.path === "/version" ? version() : notFound();
  const answered = asked.verb === "create" ? review(context, asked.resource, user, request.body) : undefined;
  return answered ?? (asked.group === "" ? core(context, asked, request) : rbacOf(context, asked)) ?? notFound();
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

function core(
  { configMaps }: ApiServerContext,
  asked: ResourceAttributes,
  request: SandboxRequest,
): SandboxAnswer | undefined {
  if (asked.resource === "configmaps") return answerConfigMaps(configMaps, asked, request);
  const isPods = asked.resource === "pods" && asked.verb === "list";
  return isPods ? listPods(asked.namespace, request.url, configMaps.resourceVersion()) : undefined;
}

function rbacOf(context: ApiServerContext, asked: ResourceAttributes): SandboxAnswer | undefined {
  const { group, verb, resource, namespace, name = "" } = asked;
  if (group !== "rbac.authorization.k8s.io") return undefined;
  if (verb === "list") return listRbac(context.rbac(), resource, namespace, context.configMaps.resourceVersion());
  if (verb !== "get") return undefined;
  // kubernetes, apimachinery, errors.NewNotFound: the words that kubectl shows.
  const details = { name, group, kind: resource };
  const absent = () => statusAnswer(failure(404, "NotFound", `${resource}.${group} "${name}" not found`, details));
  return readRole(context.rbac(), asked) ?? absent();
}

function version(): SandboxAnswer {
  const body = {
    major: "1",
    minor: "33",
    gitVersion: "v1.33.5-eks-sandbox",
    gitTreeState: "clean",
    goVersion: "go1.24.6",
    compiler: "gc",
    platform: "linux/amd64",
  };
  return { status: 200, body: JSON.stringify(body) };
}

function notFound(): SandboxAnswer {
  return statusAnswer(failure(404, "NotFound", "the server could not find the requested resource", {}));
}

/** kubernetes, apiserver, responsewriters.ForbiddenStatusError: the words that people search the web for. */
function forbidden(user: User, attributes: Attributes): Status {
  const who = `User "${user.username}" cannot ${attributes.verb}`;
  if ("path" in attributes) return failure(403, "Forbidden", `forbidden: ${who} path "${attributes.path}"`, {});
  const { group, resource, subresource, namespace, name } = attributes;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const qualified = group === "" ? resource : `${resource}.${group}`;
  const which = name === undefined ? qualified : `${qualified} "${name}"`;
  return failure(
    403,
    "Forbidden",
    `${which} is forbidden: ${who} resource "${what}" in API group "${group}" ${where}`,
    {
      ...(name === undefined ? {} : { name }),
      ...(group === "" ? {} : { group }),
      kind: resource,
    },
  );
}
