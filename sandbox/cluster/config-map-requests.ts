import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import { type ConfigMap, type ConfigMapAddress, decodeConfigMap } from "./config-map.ts";
import type { ConfigMapStore, WriteOptions } from "./config-map-store.ts";
import type { Preconditions } from "./config-map-write.ts";
import type { ResourceAttributes } from "./rbac.ts";
import { badRequest, configMapNotFound, failure, isStatus, type Status, statusAnswer } from "./status.ts";

const mergeTypes = ["application/merge-patch+json", "application/strategic-merge-patch+json"];

/** Answers one request for ConfigMaps that is allowed already. */
export function answerConfigMaps(
  store: ConfigMapStore,
  asked: ResourceAttributes,
  request: SandboxRequest,
): SandboxAnswer {
  const { namespace = "", name = "" } = asked;
  const at = { namespace, name };
  if (asked.verb === "list") return listAnswer(store, asked.namespace, request.url);
  if (asked.verb === "get") return answerOf(store.get(at) ?? configMapNotFound(name));
  const options = writeOptions(request);
  if (isStatus(options)) return statusAnswer(options);
  const body = readJson(request.body);
  if (body === undefined) return statusAnswer(notJson);
  switch (asked.verb) {
    case "create":
      return answerOf(
        decoded(body, (sent) => store.create(namespace, sent, options)),
        201,
      );
    case "update":
      return answerOf(decoded(body, (sent) => store.replace(at, sent, options)));
    case "patch":
      return answerOf(patch(store, at, request, body, options));
    case "delete":
      return answerDelete(store, at, body, options.dryRun);
    default:
      return statusAnswer(
        failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
      );
  }
}

const notJson = badRequest(
  "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error",
);

function patch(
  store: ConfigMapStore,
  at: ConfigMapAddress,
  request: SandboxRequest,
  body: unknown,
  options: WriteOptions,
): ConfigMap | Status {
  const before = store.get(at);
  if (!before) return configMapNotFound(at.name);
  const mediaType = (request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  if (!mergeTypes.includes(mediaType)) return failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
  return decoded(merge(before, body), (sent) => store.replace(at, sent, options));
}

function decoded(
  value: unknown,
  write: (sent: Exclude<ReturnType<typeof decodeConfigMap>, Status>) => ConfigMap | Status,
): ConfigMap | Status {
  const sent = decodeConfigMap(value);
  return "metadata" in sent && !isStatus(sent) ? write(sent) : sent;
}

function answerDelete(store: ConfigMapStore, at: ConfigMapAddress, body: unknown, dryRun: boolean): SandboxAnswer {
  const { preconditions = {} } = body as { preconditions?: Preconditions };
  const removed = store.remove(at, preconditions, dryRun);
  if (isStatus(removed)) return statusAnswer(removed);
  const details = { name: at.name, kind: "configmaps", uid: removed.metadata.uid };
  return {
    status: 200,
    body: JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details }),
  };
}

/** The manager of a write is what the request says, or the first word of its user agent (Kubernetes docs, "Field Management"). */
function writeOptions({ method, url, headers }: SandboxRequest): WriteOptions | Status {
  const dryRun = url.searchParams.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) return dryRunProblem(method, dryRun);
  const [agent] = (headers["user-agent"] ?? "").split("/");
  return { manager: url.searchParams.get("fieldManager") || agent || "unknown", dryRun: dryRun.length > 0 };
}

const optionKinds: Readonly<Record<string, string>> = {
  POST: "CreateOptions",
  PUT: "UpdateOptions",
  PATCH: "PatchOptions",
  DELETE: "DeleteOptions",
};

function dryRunProblem(method: string, values: readonly string[]): Status {
  const kind = optionKinds[method] ?? "UpdateOptions";
  const why = `Unsupported value: []string{${values.map((value) => `"${value}"`).join(", ")}}: supported values: "All"`;
  return failure(422, "Invalid", `${kind}.meta.k8s.io "" is invalid: dryRun: ${why}`, {
    group: "meta.k8s.io",
    kind,
    causes: [{ reason: "FieldValueNotSupported", message: why, field: "dryRun" }],
  });
}

function listAnswer(store: ConfigMapStore, namespace: string | undefined, url: URL): SandboxAnswer {
  const [, wanted] = /^metadata\.name=(.+)$/.exec(url.searchParams.get("fieldSelector") ?? "") ?? [];
  const items = store.list(namespace).filter(({ metadata }) => wanted === undefined || metadata.name === wanted);
  const metadata = { resourceVersion: store.resourceVersion() };
  return { status: 200, body: JSON.stringify({ kind: "ConfigMapList", apiVersion: "v1", metadata, items }) };
}

function answerOf(result: ConfigMap | Status, status = 200): SandboxAnswer {
  return isStatus(result) ? statusAnswer(result) : { status, body: JSON.stringify(result) };
}

function readJson(body: Buffer): unknown {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** RFC 7386. The fields of a ConfigMap are plain maps, so a strategic merge patch without directives is the same. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
