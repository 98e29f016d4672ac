import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import { parseJson } from "../json.ts";
import { decodeObject, type ObjectAddress, type Stored } from "./object-kind.ts";
import type { ObjectStore } from "./object-store.ts";
import type { DeleteOptions, WriteOptions } from "./object-write.ts";
import type { ResourceAttributes } from "./rbac.ts";
import { badRequest, failure, isStatus, notFound, type Status, statusAnswer } from "./status.ts";

export interface WriteRules<Content> {
  hasNamespace(name: string): boolean;
  guard?: WriteOptions<Content>["guard"];
}

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
  if (asked.verb === "get") {
    const found = store.get(at) ?? notFound(kind, name);
    return isStatus(found) || !wantsTable(request) ? answerOf(found) : tableAnswer(found);
  }
  const options = writeOptions(request, rules);
  if (isStatus(options)) return statusAnswer(options);
  const body = request.body.length === 0 ? {} : parseJson(request.body.toString("utf8"));
  if (body === undefined) return statusAnswer(badRequest("the object provided is unrecognized: json parse error"));
  if (asked.verb === "delete") return answerDelete(store, at, body, options.dryRun);
  const isWrite = asked.verb === "create" || asked.verb === "update";
  if (!isWrite || kind.namespaced !== (namespace !== undefined)) return statusAnswer(notAllowed);
  // kubernetes, apiserver, NamespaceLifecycle.
  if (namespace !== undefined && !rules.hasNamespace(namespace)) {
    return statusAnswer(notFound({ group: "", resource: "namespaces" }, namespace));
  }
  const sent = decodeObject(kind, body);
  if (isStatus(sent)) return statusAnswer(sent);
  const isNew = store.get(at) === undefined;
  const written = asked.verb === "create" ? store.create(namespace, sent, options) : store.replace(at, sent, options);
  return answerOf(written, isNew ? 201 : 200);
}

const notAllowed = failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");

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
  { url, headers }: SandboxRequest,
  { guard }: WriteRules<Content>,
): WriteOptions<Content> | Status {
  const dryRun = url.searchParams.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) return noSuchDryRun;
  const [agent] = (headers["user-agent"] ?? "").split("/");
  const manager = url.searchParams.get("fieldManager") || agent || "unknown";
  return { manager, dryRun: dryRun.length > 0, ...(guard && { guard }) };
}

const noSuchDryRun = failure(422, "Invalid", 'dryRun: Unsupported value: supported values: "All"');

/** A real API server too encodes an object once for all its readers (kubernetes, apiserver, cachingObject). */
const encoded = new WeakMap<object, Buffer>();

function answerOf(result: object, status = 200): SandboxAnswer {
  if (isStatus(result)) return statusAnswer(result);
  const body = encoded.get(result) ?? Buffer.from(JSON.stringify(result));
  encoded.set(result, body);
  return { status, body };
}

/** Kubernetes docs, "Receiving resources as Tables". */
function wantsTable({ headers }: SandboxRequest): boolean {
  return /;as=Table;v=v1;g=meta\.k8s\.io/.test(headers.accept ?? "");
}

/** kubernetes, printers, TableGenerator: the table has the resourceVersion of the object. The sandbox knows no rows with objects. */
function tableAnswer({ metadata: { name, resourceVersion } }: Stored<object>): SandboxAnswer {
  const columnDefinitions = [{ name: "Name", type: "string", format: "name", description: "", priority: 0 }];
  const rows = [{ cells: [name], object: null }];
  const table = { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata: { resourceVersion }, columnDefinitions, rows };
  return { status: 200, body: JSON.stringify(table) };
}

interface Listed {
  metadata: { name: string; namespace?: string; labels?: Readonly<Record<string, string>> };
}

/** With `labelSelector`, and pages by `limit` and `continue` (Kubernetes docs, "API Concepts"). */
export function listAnswer(
  { apiVersion, kind }: { apiVersion: string; kind: string },
  items: readonly Listed[],
  url: URL,
  resourceVersion: string,
): SandboxAnswer {
  const { searchParams } = url;
  const hasLabels = selectorOf(searchParams.get("labelSelector") ?? "");
  if (isStatus(hasLabels)) return statusAnswer(hasLabels);
  const last = Buffer.from(searchParams.get("continue") ?? "", "base64url").toString("utf8");
  const found = items
    .filter(({ metadata }) => hasLabels(metadata.labels ?? {}))
    .filter((item) => keyOf(item) > last)
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const page = found.slice(0, Number(searchParams.get("limit")) || found.length);
  const end = page.at(-1);
  const left = found.length - page.length;
  const metadata = {
    resourceVersion,
    ...(end && left > 0 ? { continue: Buffer.from(keyOf(end)).toString("base64url") } : {}),
    // A real API server counts the rest only without a selector, which would have to look at each object.
    ...(left > 0 && !searchParams.has("labelSelector") ? { remainingItemCount: left } : {}),
  };
  return { status: 200, body: JSON.stringify({ kind: `${kind}List`, apiVersion, metadata, items: page }) };
}

function keyOf({ metadata: { namespace = "", name } }: Listed): string {
  return `${namespace}/${name}`;
}

/** A wrong answer would be worse than none: the sandbox knows only `name=value`. */
const noSelector = failure(501, "NotImplemented", "the sandbox selects labels only by equality");

/** Kubernetes docs, "Labels and Selectors", equality-based requirement. */
function selectorOf(selector: string) {
  if (!/^(?:[\w./-]+=[\w.-]+(?:,(?!$)|$))*$/.test(selector)) return noSelector;
  const wanted = selector.split(",").map((text) => text.split("="));
  return (labels: Readonly<Record<string, string>>) =>
    selector === "" || wanted.every(([name = "", value]) => labels[name] === value);
}
