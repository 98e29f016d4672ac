import type { RequestIds } from "../access/audit/event.ts";
import { observedCall, resultOfStatus } from "../operations/announcements.ts";

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root: `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Bytes are already JSON. */
  readonly body?: object;
  /** The caller needs only success or failure: the answer has no text then. */
  readonly isUnreadAnswer?: boolean;
  /** The id of the only request that the call is for. */
  readonly lease?: string | undefined;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Makes one call. Throws if nothing answers. */
export type SendCall = (call: ApiCall) => Promise<ApiAnswer>;

/** A UUID has 36 characters; a proxy in front of the API server could send anything. */
const maxId = 100;

/** Announces each call. @param auditIds gets the audit id of each write of a ConfigMap or a binding, and of each call of a sign-in */
export function observedCalls(send: SendCall, auditIds?: RequestIds): SendCall {
  return (call) => {
    const operation = `${call.method} ${resourceOf(call.path)}`;
    return observedCall(
      { service: "kubernetes", operation },
      async () => {
        const answer = await send(call);
        note(auditIds, operation, call, answer);
        return answer;
      },
      ({ status }) => resultOfStatus(status),
    );
  };
}

/** The call's id in the API server's audit log (kubernetes, apiserver, WithAuditInit); null: something else answered. */
export function auditIdOf({ headers }: Pick<ApiAnswer, "headers">): string | null {
  return headers["audit-id"]?.slice(0, maxId) ?? null;
}

const noted = /^(?:(?:PUT|POST) configmaps|(?:POST|DELETE) (?:cluster)?rolebindings|POST selfsubjectreviews|GET pods)$/;

/** Whether the call can change the cluster and so waits for admission webhooks. A review is a POST too. */
export function isWrite({ method, path }: ApiCall): boolean {
  return method !== "GET" && !resourceOf(path).endsWith("reviews");
}

function note(auditIds: RequestIds | undefined, operation: string, { query, lease }: ApiCall, answer: ApiAnswer): void {
  const id = auditIdOf(answer);
  if (id === null || !noted.test(operation)) return;
  auditIds?.add(query?.dryRun ? `${operation} (dry run)` : operation, id, lease);
}

/** `configmaps` of `/api/v1/namespaces/kube-system/configmaps/aws-auth`. */
function resourceOf(path: string): string {
  const place = path.replace(/^\/(?:api|apis\/[^/]+)\/[^/]+\//, "");
  return place.replace(/^namespaces\/[^/]+\/(?=.)/, "").split("/")[0] ?? "";
}

/** The longest list of request ids in a header. The audit log of eks-access has all of them. */
const longest = 200;

/** Names us and the requests in the API server's audit log. A role's session name does too; an IAM user has none. */
export function userAgentFor(requests: readonly string[]): string {
  // Of the characters that a comment of the header allows (RFC 9110, 5.6.5), only those of our ids.
  const ids = requests.map((id) => id.replace(/[^\w-]/g, "")).filter((id) => id !== "");
  const shown: string[] = [];
  for (const id of ids) {
    if ([...shown, id].join(" ").length > longest) break;
    shown.push(id);
  }
  const left = ids.length - shown.length;
  const words = [...shown, ...(left > 0 ? [`and ${left} more`] : [])].join(" ");
  return words ? `eks-access (${words})` : "eks-access";
}
