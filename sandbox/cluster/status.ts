import type { SandboxAnswer } from "../http-server.ts";

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

/** What an API server says to a token that nobody stands behind. It never says why. */
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

/** The answer to a delete whose preconditions do not hold. Unlike a write it names the kind, not the resource. */
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
