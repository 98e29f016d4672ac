import type { SandboxAnswer } from "../http-server.ts";

const names: Readonly<Record<string, readonly string[]>> = {
  default: ["shop-6d4cf56db6-7x2lq", "shop-6d4cf56db6-kq8wd"],
  "kube-system": ["aws-node-4zq7t", "coredns-5d78c9869d-2m9vx", "coredns-5d78c9869d-b6s4h", "kube-proxy-8hw5k"],
};

/** The body of every refusal of a Kubernetes API server (meta/v1 Status). */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Failure";
  message: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  causes?: readonly { reason?: string; message: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** A refusal. Also for faults: `statusAnswer(failure(429, "TooManyRequests", "…"))`. */
export function failure(code: number, reason: string, message: string, details?: StatusDetails): Status {
  const base = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason } as const;
  return details ? { ...base, details, code } : { ...base, code };
}

export function isStatus(value: object): value is Status {
  return "kind" in value && value.kind === "Status" && "code" in value;
}

export function statusAnswer(status: Status, headers: Readonly<Record<string, string>> = {}): SandboxAnswer {
  return { status: status.code, headers, body: JSON.stringify(status) };
}

/** What an API server says to an unknown token. It never says why. */
export const unauthorized = failure(401, "Unauthorized", "Unauthorized");

const aConfigMap = (name: string): StatusDetails => ({ name, kind: "configmaps" });

export function configMapNotFound(name: string): Status {
  return failure(404, "NotFound", `configmaps "${name}" not found`, aConfigMap(name));
}

export function configMapExists(name: string): Status {
  return failure(409, "AlreadyExists", `configmaps "${name}" already exists`, aConfigMap(name));
}

/** The answer to a write with a resourceVersion that is not the present one. */
export function configMapModified(name: string): Status {
  return configMapConflict(
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );
}

export function configMapConflict(name: string, why: string): Status {
  return failure(409, "Conflict", `Operation cannot be fulfilled on configmaps "${name}": ${why}`, aConfigMap(name));
}

/** `field` is a path such as `data`, `why` what the validation says of it. */
export function configMapInvalid(name: string, field: string, reason: string, why: string): Status {
  return failure(422, "Invalid", `ConfigMap "${name}" is invalid: ${field}: ${why}`, {
    name,
    kind: "ConfigMap",
    causes: [{ reason, message: why, field }],
  });
}

/** The answer to a delete with failed preconditions. Unlike a write it names the kind, not the resource. */
export function preconditionFailed(name: string, why: string): Status {
  const message = `Operation cannot be fulfilled on ConfigMap "${name}": ${why}`;
  return failure(409, "Conflict", message, { name, kind: "ConfigMap" });
}

export function badRequest(message: string): Status {
  return failure(400, "BadRequest", message);
}

export function unsupportedMediaType(accepted: readonly string[]): Status {
  const what = "the body of the request was in an unknown format";
  return failure(415, "UnsupportedMediaType", `${what} - accepted media types include: ${accepted.join(", ")}`);
}

/** core/v1 Pod, as far as anybody here looks at it. */
interface Pod {
  metadata: { name: string; namespace: string; uid: string; creationTimestamp: string };
  spec: object;
  status: object;
}

/** Every pod that a cluster of the sandbox starts with. */
export function allPods(): Pod[] {
  return Object.keys(names).flatMap(podsOf);
}

/** A PodList of one namespace, or of all. `limit` and `continue` cut it into pages as a real API server does. */
export function listPods(namespace: string | undefined, url: URL, resourceVersion: string): SandboxAnswer {
  const found = (namespace === undefined ? Object.keys(names) : [namespace]).flatMap(podsOf);
  const start = Number(Buffer.from(url.searchParams.get("continue") ?? "", "base64url").toString("latin1"));
  const end = start + (Number(url.searchParams.get("limit")) || found.length);
  const next = { continue: Buffer.from(String(end)).toString("base64url"), remainingItemCount: found.length - end };
  const metadata = { resourceVersion, ...(found.length > end ? next : {}) };
  const list = { kind: "PodList", apiVersion: "v1", metadata, items: found.slice(start, end) };
  return { status: 200, body: JSON.stringify(list) };
}

function podsOf(namespace: string): Pod[] {
  return (names[namespace] ?? []).map((name) => podObject(namespace, name));
}

function podObject(namespace: string, name: string): Pod {
  const container = { name: "main", image: "registry.example/main:1" };
  const state = { ready: true, restartCount: 0, imageID: "", state: {} };
  const uid = `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").slice(-12)}`;
  return {
    metadata: { name, namespace, uid, creationTimestamp: "2026-01-01T08:00:00Z" },
    spec: { containers: [container], nodeName: "ip-10-0-1-2.eu-central-1.compute.internal" },
    status: { phase: "Running", podIP: "10.0.1.17", containerStatuses: [{ ...container, ...state }] },
  };
}
