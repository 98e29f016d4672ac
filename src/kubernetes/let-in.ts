import { type HttpLibrary, wrapHttpLibrary } from "@kubernetes/client-node";
import { AccessError } from "../access/failure/access-error.ts";

/** When an API server last let an identity in, by its endpoint and the identity: as many as there are creators. */
const letIn = new Map<string, Date>();

/**
 * Says of a 401 that the API server has let the same identity in before. It gives no reason for a 401, and answers so while its
 * authenticator is down as well: who was let in is who the configuration should name.
 *
 * @param as whose token it is; undefined: nothing is remembered
 */
export function tellWhoWasLetIn(
  http: HttpLibrary,
  { name, endpoint, as }: { readonly name: string; readonly endpoint: string; readonly as?: string | undefined },
): HttpLibrary {
  if (as === undefined) return http;
  const key = `${endpoint} ${as}`;
  return wrapHttpLibrary({
    send: async (request) => {
      const answer = await http.send(request).toPromise();
      // What stands between us and the API server answers in pages.
      if (!(answer.headers["content-type"] ?? "").includes("json")) return answer;
      const before = letIn.get(key);
      if (answer.httpStatusCode < 400) letIn.set(key, new Date());
      if (answer.httpStatusCode !== 401 || !before) return answer;
      const what = `The API server of cluster ${name} answered 401 to ${as}, which it let in at ${before.toISOString()}`;
      throw new AccessError("cluster-unauthorized", what, {
        mend: "It is who it was: the cluster's authenticator may be down, or the access entry of that identity was deleted since.",
      });
    },
  });
}
