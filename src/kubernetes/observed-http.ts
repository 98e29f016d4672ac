import type { HttpLibrary, RequestContext, ResponseContext } from "@kubernetes/client-node";
import type { RequestIds } from "../access/audit/request-ids.ts";
import { observed, resultOfStatus } from "../operations/metrics/calls.ts";

/** A UUID has 36 characters; what stands between us and the API server could send anything. */
const longestId = 100;

/**
 * Tells of each call to the API server, by method and kind of object.
 *
 * @param auditIds gets the audit id of each write of a ConfigMap and of what a principal does that signs in, refused ones included
 */
export function observedHttp(http: HttpLibrary, auditIds?: RequestIds): HttpLibrary {
  return {
    send: (request) => {
      const sent = http.send(request);
      const operation = `${request.getHttpMethod()} ${resourceOf(request.getUrl())}`;
      const told = observed(
        { service: "kubernetes", operation },
        () => sent.toPromise(),
        (answer) => {
          note(auditIds, operation, request, answer);
          return resultOfStatus(answer.httpStatusCode);
        },
      );
      // Whoever made the call is told of its failure by `sent` itself.
      told.catch(() => {});
      return sent;
    },
  };
}

/** The API server's own audit log has the call under this id (kubernetes, apiserver, WithAuditInit); null: something else answered. */
export function auditIdOf({ headers }: Pick<ResponseContext, "headers">): string | null {
  return headers["audit-id"]?.slice(0, longestId) ?? null;
}

const noted = /^(?:(?:PUT|POST) configmaps|POST selfsubjectreviews|GET pods)$/;

function note(
  auditIds: RequestIds | undefined,
  operation: string,
  request: RequestContext,
  answer: ResponseContext,
): void {
  const id = auditIdOf(answer);
  if (id === null || !noted.test(operation)) return;
  const isDryRun = new URL(request.getUrl()).searchParams.has("dryRun");
  auditIds?.add(isDryRun ? `${operation} (dry run)` : operation, id);
}

/** `configmaps` of `/api/v1/namespaces/kube-system/configmaps/aws-auth`. */
function resourceOf(url: string): string {
  const path = new URL(url).pathname.replace(/^\/(?:api|apis\/[^/]+)\/[^/]+\//, "");
  return path.replace(/^namespaces\/[^/]+\/(?=.)/, "").split("/")[0] ?? "";
}
