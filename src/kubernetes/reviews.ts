import { z } from "zod";
import { AccessError } from "../access/access-error.ts";
import type { PathCheck } from "../access/policy/cluster.ts";
import { auditIdOf } from "./api-calls.ts";
import type { Connection } from "./connection.ts";
import { isUnknownApi, kubernetesFailure } from "./explain-kubernetes-error.ts";

/** A username and groups, as the API server sees a caller. */
export interface KubernetesIdentity {
  readonly username: string;
  readonly groups: readonly string[];
}

export interface ResourceAccess {
  readonly verb: string;
  /** Plural; `pods/exec` names a subresource, as rules of RBAC do. */
  readonly resource: string;
  /** API group; absent or empty for the core group. */
  readonly group?: string | undefined;
  readonly subresource?: string | undefined;
  /** Absent or empty: all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export interface AccessAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  /** The id of the question in the API server's audit log; null: it sent none. */
  readonly auditId: string | null;
}

export interface Reviews {
  /** The bearer's identity for the API server (SelfSubjectReview); null: it is older than 1.28 and can't say. */
  whoAmI(): Promise<KubernetesIdentity | null>;
  /** Whether we can do this (SelfSubjectAccessReview). */
  mayI(access: ResourceAccess | PathCheck): Promise<boolean>;
  /** SubjectAccessReview, with `system:authenticated` added. Asks all authorizers, but not for impersonated groups. */
  may(identity: KubernetesIdentity, access: ResourceAccess | PathCheck): Promise<AccessAnswer>;
}

const selfReview = z.object({
  status: z
    .object({ userInfo: z.object({ username: z.string().nullish(), groups: z.array(z.string()).nullish() }) })
    .nullish(),
});

/** An API server always says `allowed` (k8s.io/api, SubjectAccessReviewStatus): an answer without it refuses nothing. */
const accessReview = z.object({
  status: z.object({
    allowed: z.boolean(),
    denied: z.boolean().nullish(),
    reason: z.string().nullish(),
    evaluationError: z.string().nullish(),
  }),
});

/** RBAC's own reason names a binding, a role and a subject. An authorizer of the cluster can say more than a message holds. */
const maxReason = 1_000;

export function reviews(connection: Connection, cluster: string): Reviews {
  return {
    whoAmI: () => whoAmI(connection, `of cluster ${cluster}`),
    mayI: async (access) => {
      const spec = attributesOf(access);
      return (await reviewAccess(connection, "SelfSubjectAccessReview", spec, cluster)).allowed;
    },
    may: ({ username, groups }, access) => {
      const spec = {
        user: username,
        groups: [...new Set([...groups, "system:authenticated"])],
        ...attributesOf(access),
      };
      return reviewAccess(connection, "SubjectAccessReview", spec, cluster);
    },
  };
}

async function whoAmI(connection: Connection, of: string): Promise<KubernetesIdentity | null> {
  const api = "authentication.k8s.io/v1";
  const body = { apiVersion: api, kind: "SelfSubjectReview" };
  try {
    const path = `/apis/${api}/selfsubjectreviews`;
    const { username, groups } =
      (await connection.ask({ method: "POST", path, body }, selfReview)).value.status?.userInfo ?? {};
    if (!username) throw new AccessError("cluster-unexpected", `The selfsubjectreview ${of} has no username`);
    return { username, groups: groups ?? [] };
  } catch (error) {
    if (isUnknownApi(error)) return null;
    throw kubernetesFailure(error, `POST selfsubjectreview ${of}`);
  }
}

/** An explicit denial overrides an allowance. */
async function reviewAccess(
  connection: Connection,
  kind: "SelfSubjectAccessReview" | "SubjectAccessReview",
  spec: object,
  cluster: string,
): Promise<AccessAnswer> {
  const api = "authorization.k8s.io/v1";
  const resource = kind.toLowerCase();
  const call = { method: "POST" as const, path: `/apis/${api}/${resource}s`, body: { apiVersion: api, kind, spec } };
  try {
    const answer = await connection.ask(call, accessReview);
    const { allowed, denied, reason, evaluationError } = answer.value.status;
    const why = (reason || evaluationError || "").slice(0, maxReason);
    return { allowed: allowed && denied !== true, reason: why, auditId: auditIdOf(answer) };
  } catch (error) {
    throw kubernetesFailure(error, `POST ${resource} of cluster ${cluster}`);
  }
}

function attributesOf(access: ResourceAccess | PathCheck): object {
  if ("path" in access) return { nonResourceAttributes: access };
  const { verb, resource, group = "", namespace = "", name = "" } = access;
  const [plural = "", inIt = ""] = resource.split("/");
  const { subresource = inIt } = access;
  return { resourceAttributes: { verb, resource: plural, group, subresource, namespace, name } };
}
