import { badRequest, failure, type Status } from "./status.ts";

type Json = unknown;

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: Json;
}

const mergeTypes = ["application/merge-patch+json", "application/strategic-merge-patch+json"];

/**
 * Applies a patch of the given media type to an object; gives the new object or the API server's refusal. The fields of a
 * ConfigMap are plain maps, so a strategic merge patch without directives is a merge patch (RFC 7386).
 */
export function applyPatch(object: Json, mediaType: string, body: Json): Json | Status {
  if (mergeTypes.includes(mediaType)) return merge(object, body);
  if (mediaType === "application/json-patch+json") {
    return Array.isArray(body) ? applyOperations(object, body) : badRequest("a JSON patch is a list of operations");
  }
  return failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
}

function merge(target: Json, patch: Json): Json {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, Json> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

/** RFC 6902. What can't be done, a `test` that fails above all, is a 422 that says nothing of why. */
function applyOperations(object: Json, operations: readonly Operation[]): Json | Status {
  let result = structuredClone(object);
  for (const operation of operations) {
    const next = applyOperation(result, operation);
    if (!next) return failure(422, "Invalid", "the server rejected our request due to an error in our request", {});
    result = next.result;
  }
  return result;
}

/** Undefined where the operation does not apply. */
type Outcome = { result: Json } | undefined;

function applyOperation(object: Json, { op, path, from = "", value }: Operation): Outcome {
  const present = read(object, path);
  const exists = present !== undefined;
  switch (op) {
    case "test":
      return JSON.stringify(present) === JSON.stringify(value) ? { result: object } : undefined;
    case "remove":
      return exists ? write(object, path, undefined) : undefined;
    case "replace":
      return exists ? write(object, path, value) : undefined;
    case "add":
      return write(object, path, value);
    case "copy":
    case "move": {
      const moved = read(object, from);
      const source = op === "copy" ? { result: object } : write(object, from, undefined);
      return moved === undefined || !source ? undefined : write(source.result, path, moved);
    }
    default:
      return undefined;
  }
}

function steps(path: string): string[] {
  return path
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function read(object: Json, path: string): Json {
  return steps(path).reduce<Json>(
    (node, step) => (isRecord(node) && Object.hasOwn(node, step) ? node[step] : undefined),
    object,
  );
}

function write(object: Json, path: string, value: Json): Outcome {
  const copy = structuredClone(object);
  const way = steps(path);
  const last = way.pop();
  const parent = way.reduce<Json>((node, step) => (isRecord(node) ? node[step] : undefined), copy);
  if (last === undefined || !isRecord(parent)) return undefined;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return { result: copy };
}

function isRecord(value: Json): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
