import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import { listAnswer } from "./list-answer.ts";
import { decodeObject, type ObjectAddress, type ObjectKind, type Sent, type Stored } from "./object-kind.ts";
import type { ObjectStore } from "./object-store.ts";
import type { DeleteOptions, WriteOptions } from "./object-write.ts";
import type { ResourceAttributes } from "./rbac.ts";
import { badRequest, failure, isStatus, notFound, type Status, statusAnswer } from "./status.ts";

/** What decides about a write besides the right to write. */
export interface WriteRules<Content> {
  hasNamespace(name: string): boolean;
  guard?: WriteOptions<Content>["guard"];
}

/** Answers an allowed request for objects of a kind. */
export function answerObjects<Content extends object>(
  store: ObjectStore<Content>,
  asked: ResourceAttributes,
  request: SandboxRequest,
  rules: WriteRules<Content>,
): SandboxAnswer {
  const { namespace, name = "" } = asked;
  const at = namespace === undefined ? { name } : { name, namespace };
  const { kind, versions } = store;
  if (asked.verb === "list") return listAnswer(kind, store.list(namespace), request.url, versions.last());
  if (asked.verb === "get") return answerOf(store.get(at) ?? notFound(kind, name));
  const options = writeOptions(request, rules);
  if (isStatus(options)) return statusAnswer(options);
  const body = readJson(request.body);
  if (body === undefined) return statusAnswer(notJson(kind.kind));
  if (asked.verb === "delete") return answerDelete(store, at, body, options.dryRun);
  const write = writes[asked.verb];
  if (!write || kind.namespaced !== (namespace !== undefined)) return statusAnswer(notAllowed);
  // kubernetes, apiserver, NamespaceLifecycle.
  if (namespace !== undefined && !rules.hasNamespace(namespace)) {
    return statusAnswer(notFound({ group: "", resource: "namespaces" }, namespace));
  }
  const isNew = store.get(at) === undefined;
  return answerOf(write(store, { at, body, options }), isNew ? 201 : 200);
}

const notAllowed = failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");

interface Write<Content> {
  at: ObjectAddress;
  body: unknown;
  options: WriteOptions<Content>;
}

type WriteTo = <Content extends object>(store: ObjectStore<Content>, write: Write<Content>) => Stored<Content> | Status;

const writes: Readonly<Record<string, WriteTo>> = {
  create: (store, { at, body, options }) =>
    decoded(store.kind, body, (sent) => store.create(at.namespace, sent, options)),
  update: (store, { at, body, options }) => decoded(store.kind, body, (sent) => store.replace(at, sent, options)),
};

function decoded<Content extends object>(
  kind: ObjectKind<Content>,
  value: unknown,
  write: (sent: Sent<Content>) => Stored<Content> | Status,
): Stored<Content> | Status {
  const sent = decodeObject(kind, value);
  return isStatus(sent) ? sent : write(sent);
}

function notJson(kind: string): Status {
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error`,
  );
}

/** Without finalizers the answer is a Status with the object's name; with them it is the object. */
function answerDelete<Content extends object>(
  store: ObjectStore<Content>,
  at: ObjectAddress,
  body: unknown,
  dryRun: boolean,
): SandboxAnswer {
  const removed = store.remove(at, body as DeleteOptions, dryRun);
  if (isStatus(removed) || removed.metadata.finalizers) return answerOf(removed);
  const { group, resource } = store.kind;
  const details = { name: at.name, ...(group === "" ? {} : { group }), kind: resource, uid: removed.metadata.uid };
  const success = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
  return { status: 200, body: JSON.stringify(success) };
}

/** The manager of a write: from the request, or the first word of its user agent (Kubernetes docs, "Field Management"). */
function writeOptions<Content>(
  { method, url, headers }: SandboxRequest,
  { guard }: WriteRules<Content>,
): WriteOptions<Content> | Status {
  const dryRun = url.searchParams.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) return dryRunProblem(method, dryRun);
  const [agent] = (headers["user-agent"] ?? "").split("/");
  const manager = url.searchParams.get("fieldManager") || agent || "unknown";
  return { manager, dryRun: dryRun.length > 0, ...(guard && { guard }) };
}

const optionKinds: Readonly<Record<string, string>> = {
  POST: "CreateOptions",
  PUT: "UpdateOptions",
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

function answerOf(result: object, status = 200): SandboxAnswer {
  return isStatus(result) ? statusAnswer(result) : { status, body: JSON.stringify(result) };
}

function readJson(body: Buffer): unknown {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
