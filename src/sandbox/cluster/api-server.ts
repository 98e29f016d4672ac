import type { SandboxAnswer, SandboxRequest, SandboxRoute } from "../http-server.ts";
import { type ApiRequest, callName, readApiRequest } from "./api-request.ts";
import type { Authenticator } from "./authenticator.ts";
import { answerConfigMaps } from "./config-map-requests.ts";
import type { ConfigMapStore } from "./config-map-store.ts";
import { discover } from "./discovery.ts";
import { impersonate } from "./impersonation.ts";
import { listPods } from "./pods.ts";
import { type Attributes, authorize, type Rbac, type User } from "./rbac.ts";
import { listRbac } from "./rbac-lists.ts";
import { accessReview, selfSubjectReview } from "./reviews.ts";
import { failure, type Status, statusAnswer, unauthorized, unsupportedMediaType } from "./status.ts";

export interface ApiServerContext {
  authenticator: Authenticator;
  rbac: () => Rbac;
  configMaps: ConfigMapStore;
  now: () => Date;
}

/** Routes one request through authentication, authorization and the resource, as a kube-apiserver does. */
export function routeApiRequest(context: ApiServerContext, request: SandboxRequest): SandboxRoute {
  const asked = readApiRequest(request);
  return { call: callName(asked, request.url), answer: () => answer(context, asked, request) };
}

/** EKS lets nobody in without a token, except to its health. */
const publicPaths = new Set(["/healthz", "/livez", "/readyz"]);

async function answer(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest): Promise<SandboxAnswer> {
  if (asked.type === "path" && publicPaths.has(asked.path))
    return { status: 200, headers: { "content-type": "text/plain" }, body: "ok" };
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const owner = token === undefined ? undefined : await context.authenticator.authenticate(token);
  if (!owner) return statusAnswer(unauthorized);
  const user = { ...owner, groups: [...owner.groups, "system:authenticated"] };
  if (!speaksJson(request)) return { ...statusAnswer(unsupportedMediaType(["application/json"])), by: user.username };
  const acting = impersonate(request.headers, context.rbac(), user);
  if (acting.type === "refused") return { ...statusAnswer(forbidden(user, acting.attributes)), by: user.username };
  return answerFor(context, asked, request, acting.type === "as" ? acting.user : user);
}

/** The sandbox decodes JSON alone. A real API server answers other media types for a resource that knows only JSON in the same way. */
function speaksJson({ headers, body }: SandboxRequest): boolean {
  const mediaType = (headers["content-type"] ?? "application/json").split(";")[0]?.trim() ?? "";
  return body.length === 0 || mediaType === "*/*" || /[/+]json$/.test(mediaType);
}

function answerFor(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest, user: User): SandboxAnswer {
  const attributes: Attributes = asked.type === "path" ? { verb: asked.verb, path: asked.path } : asked;
  const { allowed } = authorize(context.rbac(), user, attributes);
  const answered = allowed ? dispatch(context, asked, request, user) : statusAnswer(forbidden(user, attributes));
  return { ...answered, by: user.username };
}

function dispatch(context: ApiServerContext, asked: ApiRequest, request: SandboxRequest, user: User): SandboxAnswer {
  if (asked.type === "path") return (asked.path === "/version" ? version() : discover(asked.path)) ?? notFound();
  const { resource, verb, group, namespace } = asked;
  const { configMaps, rbac, now } = context;
  if (group === "" && resource === "configmaps") return answerConfigMaps(configMaps, asked, request);
  if (group === "" && resource === "pods" && verb === "list")
    return listPods(namespace, request.url, configMaps.resourceVersion());
  if (resource === "selfsubjectreviews" && verb === "create") return selfSubjectReview(user, now());
  if (resource === "subjectaccessreviews" && verb === "create")
    return accessReview("SubjectAccessReview", rbac(), user, request.body);
  if (resource === "selfsubjectaccessreviews" && verb === "create")
    return accessReview("SelfSubjectAccessReview", rbac(), user, request.body);
  const listed = group === "rbac.authorization.k8s.io" && verb === "list";
  return (listed ? listRbac(rbac(), resource, namespace, configMaps.resourceVersion()) : undefined) ?? notFound();
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
