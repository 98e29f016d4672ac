import { AuthenticationV1Api, AuthorizationV1Api, type V1ResourceAttributes } from "@kubernetes/client-node";
import { AccessError } from "../access/failure/access-error.ts";
import type { Connection } from "./connection.ts";
import { isUnknownApi, kubernetesFailure } from "./explain-kubernetes-error.ts";
import { auditIdOf } from "./observed-http.ts";

/** A username and groups, as the API server sees somebody. */
export interface KubernetesIdentity {
  readonly username: string;
  readonly groups: readonly string[];
}

/** One thing that somebody wants to do. */
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
  /** Under which id the API server's audit log has the question; null: it told none. */
  readonly auditId: string | null;
}

export interface Reviews {
  /** Who the API server takes the bearer of our token for (SelfSubjectReview); null: it is older than 1.28 and can't say. */
  whoAmI(): Promise<KubernetesIdentity | null>;
  /** Whether we may do this (SelfSubjectAccessReview). */
  mayI(access: ResourceAccess): Promise<boolean>;
  /**
   * Whether somebody else may (SubjectAccessReview). `system:authenticated` is added, as signing in adds it. All
   * authorizers are asked, which impersonating a list of groups does not do.
   */
  may(identity: KubernetesIdentity, access: ResourceAccess): Promise<AccessAnswer>;
}

/** The reviews of one cluster. */
export function reviews(connection: Connection, cluster: string): Reviews {
  const authentication = new AuthenticationV1Api(connection.configuration);
  const authorization = new AuthorizationV1Api(connection.configuration);
  const of = `of cluster ${cluster}`;
  return {
    whoAmI: async () => {
      const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
      const review = await told(`POST selfsubjectreview ${of}`, () =>
        authentication.createSelfSubjectReview({ body }).catch((error: unknown) => {
          if (isUnknownApi(error)) return null;
          throw error;
        }),
      );
      if (!review) return null;
      const { username, groups = [] } = review.status?.userInfo ?? {};
      if (!username) throw new AccessError("cluster-unexpected", `The selfsubjectreview ${of} names nobody`);
      return { username, groups };
    },
    mayI: async (access) => {
      const body = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: attributesOf(access) },
      };
      const review = await told(`POST selfsubjectaccessreview ${of}`, () =>
        authorization.createSelfSubjectAccessReview({ body }),
      );
      return isAllowed(review.status);
    },
    may: async ({ username, groups }, access) => {
      const body = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: {
          user: username,
          groups: [...new Set([...groups, "system:authenticated"])],
          resourceAttributes: attributesOf(access),
        },
      };
      const answer = await told(`POST subjectaccessreview ${of}`, () =>
        authorization.createSubjectAccessReviewWithHttpInfo({ body }),
      );
      const { status } = answer.data;
      const { reason = "", evaluationError = "" } = status ?? {};
      return { allowed: isAllowed(status), reason: reason || evaluationError, auditId: auditIdOf(answer) };
    },
  };
}

/** An explicit denial goes before anything; an answer without a status allows nothing. */
function isAllowed(status: { allowed: boolean; denied?: boolean } | undefined): boolean {
  return status?.allowed === true && status.denied !== true;
}

function attributesOf({ resource, ...rest }: ResourceAccess): V1ResourceAttributes {
  const [plural = "", subresource = ""] = resource.split("/");
  return {
    verb: rest.verb,
    resource: plural,
    group: rest.group ?? "",
    subresource: rest.subresource ?? subresource,
    namespace: rest.namespace ?? "",
    name: rest.name ?? "",
  };
}

async function told<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw kubernetesFailure(error, what);
  }
}
