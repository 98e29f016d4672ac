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

/** Also for faults: `statusAnswer(failure(429, "TooManyRequests", "…"))`. */
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

export const unauthorized = failure(401, "Unauthorized", "Unauthorized");

export interface KindNames {
  /** Empty for the core group. */
  group: string;
  kind: string;
  resource: string;
}

/** `rolebindings.rbac.authorization.k8s.io`; for the core group `configmaps`. */
export function qualified(name: string, group: string): string {
  return group === "" ? name : `${name}.${group}`;
}

const detailsOf = (name: string, kind: string, group: string): StatusDetails =>
  group === "" ? { name, kind } : { name, group, kind };

export function notFound({ group, resource }: Pick<KindNames, "group" | "resource">, name: string): Status {
  const message = `${qualified(resource, group)} "${name}" not found`;
  return failure(404, "NotFound", message, detailsOf(name, resource, group));
}

export function alreadyExists({ group, resource }: KindNames, name: string): Status {
  const message = `${qualified(resource, group)} "${name}" already exists`;
  return failure(409, "AlreadyExists", message, detailsOf(name, resource, group));
}

export function conflict({ group, resource }: KindNames, name: string, why: string): Status {
  const message = `Operation cannot be fulfilled on ${qualified(resource, group)} "${name}": ${why}`;
  return failure(409, "Conflict", message, detailsOf(name, resource, group));
}

/** `path`: for example `roleRef.kind`. */
export interface FieldProblem {
  field: string;
  reason: string;
  why: string;
}

/** The 422 with all problems; undefined: there is none (kubernetes, apimachinery, errors.NewInvalid). */
export function invalid(
  { group, kind }: KindNames,
  name: string,
  problems: readonly FieldProblem[],
): Status | undefined {
  const said = [...new Set(problems.map(({ field, why }) => `${field}: ${why}`))];
  if (said.length === 0) return undefined;
  const all = said.length === 1 ? said[0] : `[${said.join(", ")}]`;
  const causes = problems.map(({ field, reason, why }) => ({ reason, message: why, field }));
  const details = { ...detailsOf(name, kind, group), causes };
  return failure(422, "Invalid", `${qualified(kind, group)} "${name}" is invalid: ${all}`, details);
}

/** The answer to a deletion with failed preconditions. It names the kind, not the resource. */
export function preconditionFailed({ group, kind }: KindNames, name: string, why: string): Status {
  return conflict({ group, kind, resource: kind }, name, why);
}

export function badRequest(message: string): Status {
  return failure(400, "BadRequest", message);
}

export const unsupportedMediaType = failure(
  415,
  "UnsupportedMediaType",
  "the body of the request was in an unknown format - accepted media types include: application/json",
);
