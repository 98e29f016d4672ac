import type { SandboxAnswer } from "../http-server.ts";
import { timestamp } from "./object-kind.ts";
import type { Attributes, Authorize, User } from "./rbac.ts";
import { failure, type Status, statusAnswer } from "./status.ts";

export interface ReviewSpec {
  user?: string;
  extra?: Readonly<Record<string, readonly string[]>>;
  groups?: string[];
  resourceAttributes?: {
    verb?: string;
    group?: string;
    resource?: string;
    subresource?: string;
    namespace?: string;
    name?: string;
  };
  nonResourceAttributes?: { verb?: string; path?: string };
}

/** SelfSubjectReview: the caller's identity (Kubernetes docs, "API access to authentication information for a client"). */
export function selfSubjectReview(user: User, now: Date): SandboxAnswer {
  const metadata = { creationTimestamp: timestamp(now) };
  return created({
    kind: "SelfSubjectReview",
    apiVersion: "authentication.k8s.io/v1",
    metadata,
    status: { userInfo: user },
  });
}

/** SelfSubjectAccessReview and SubjectAccessReview. The latter knows only its own groups: nothing adds system:authenticated. */
export function accessReview(
  kind: "SelfSubjectAccessReview" | "SubjectAccessReview",
  authorize: Authorize,
  caller: User,
  body: Buffer,
): SandboxAnswer {
  const { spec = {} } = JSON.parse(body.toString("utf8")) as { spec?: ReviewSpec };
  const { user = "", groups = [], resourceAttributes, nonResourceAttributes } = spec;
  const problem = reviewProblem(kind, spec);
  if (problem) return statusAnswer(problem);
  const subject = kind === "SubjectAccessReview" ? { username: user, groups } : caller;
  const { allowed, reason } = authorize(subject, attributesOf(resourceAttributes, nonResourceAttributes));
  const status = reason === "" ? { allowed } : { allowed, reason };
  return created({ kind, apiVersion: "authorization.k8s.io/v1", metadata: {}, spec, status });
}

function reviewProblem(kind: string, spec: ReviewSpec): Status | undefined {
  const { user = "", groups = [], resourceAttributes, nonResourceAttributes } = spec;
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined)) {
    const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    return invalidReview("spec.resourceAttributes", `Invalid value: "null": ${why}`);
  }
  if (kind === "SelfSubjectAccessReview" || user !== "" || groups.length > 0) return undefined;
  return invalidReview("spec.user", 'Invalid value: "": at least one of user or group must be specified');
}

/** A real answer lacks the kind too (kubernetes, registry/authorization: `NewInvalid(Kind(""), …)`). */
function invalidReview(field: string, message: string): Status {
  return failure(422, "Invalid", `.authorization.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "authorization.k8s.io",
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}

/** The object of a review. */
export function attributesOf(
  resource: ReviewSpec["resourceAttributes"],
  path: ReviewSpec["nonResourceAttributes"],
): Attributes {
  if (!resource) return { verb: path?.verb ?? "", path: path?.path ?? "" };
  const { namespace, name, subresource } = resource;
  return {
    verb: resource.verb ?? "",
    group: resource.group ?? "",
    resource: resource.resource ?? "",
    // An empty namespace in a review means all of them, which only a cluster-wide binding gives.
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(subresource ? { subresource } : {}),
  };
}

function created(body: object): SandboxAnswer {
  return { status: 201, body: JSON.stringify(body) };
}
