import { type HttpLibrary, wrapHttpLibrary } from "@kubernetes/client-node";
import { AccessError } from "../access/failure/access-error.ts";

/** Bytes of a token that every release of the authenticator takes (aws-iam-authenticator, pkg/token, maxTokenLenBytes; issue 1106). */
const largestToken = 4096;

/**
 * Says of a 401 that the token is larger than the authenticator may take: the API server tells nobody why it let nobody in, and
 * who the token is for may be just who it should be. A newer release may take it, so it is sent all the same. The text of the
 * token holds the session's own token of STS, which may grow with what the session carries, its tags for example.
 */
export function tellLargeToken(
  http: HttpLibrary,
  { name, token }: { readonly name: string; readonly token: string },
): HttpLibrary {
  const bytes = Buffer.byteLength(token);
  if (bytes <= largestToken) return http;
  return wrapHttpLibrary({
    send: async (request) => {
      const answer = await http.send(request).toPromise();
      // What stands between us and the API server answers in pages.
      const isOfApiServer = (answer.headers["content-type"] ?? "").includes("json");
      if (answer.httpStatusCode !== 401 || !isOfApiServer) return answer;
      const what = `The API server of cluster ${name} answered 401 to a token of ${bytes} bytes, of which its authenticator may take ${largestToken}`;
      throw new AccessError("cluster-token-too-large", what);
    },
  });
}
