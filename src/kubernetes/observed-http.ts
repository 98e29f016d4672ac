import type { HttpLibrary } from "@kubernetes/client-node";
import { observed, resultOfStatus } from "../metrics/calls.ts";

/** Tells of each call to the API server, by method and kind of object. */
export function observedHttp(http: HttpLibrary): HttpLibrary {
  return {
    send: (request) => {
      const sent = http.send(request);
      const operation = `${request.getHttpMethod()} ${resourceOf(request.getUrl())}`;
      const told = observed(
        { service: "kubernetes", operation },
        () => sent.toPromise(),
        ({ httpStatusCode }) => resultOfStatus(httpStatusCode),
      );
      // Whoever made the call is told of its failure by `sent` itself.
      told.catch(() => {});
      return sent;
    },
  };
}

/** `configmaps` of `/api/v1/namespaces/kube-system/configmaps/aws-auth`. */
function resourceOf(url: string): string {
  const path = new URL(url).pathname.replace(/^\/(?:api|apis\/[^/]+)\/[^/]+\//, "");
  return path.replace(/^namespaces\/[^/]+\/(?=.)/, "").split("/")[0] ?? "";
}
