import { setImmediate as nextTurn } from "node:timers/promises";
import { type HttpLibrary, type RequestContext, ResponseContext, wrapHttpLibrary } from "@kubernetes/client-node";
import { request as send } from "undici";
import { boundedText } from "../access/failure/bounded-text.ts";

/**
 * Bytes. Etcd keeps no object above 1.5 MiB, and of lists a page is asked for. The whole answer is parsed at once, in which time the
 * process does nothing else.
 */
export const largestAnswer = 2 * 1024 * 1024;

/**
 * What the generated clients send with. Their own goes over `fetch`, which costs several times the processor time of the call.
 * A redirection is not followed: the token is for this cluster.
 */
export const directHttp: HttpLibrary = wrapHttpLibrary({ send: sendDirectly });

async function sendDirectly(request: RequestContext): Promise<ResponseContext> {
  const dispatcher = request.getDispatcher();
  const signal = request.getSignal();
  // undici would take a socket for it, and throw that away.
  signal?.throwIfAborted();
  const { statusCode, headers, body } = await send(request.getUrl(), {
    method: request.getHttpMethod(),
    headers: request.getHeaders(),
    body: textIn(request),
    signal,
    ...(dispatcher && { dispatcher }),
  });
  const text = await boundedText(body, largestAnswer, `The API server at ${new URL(request.getUrl()).host}`);
  // Only then undici takes the socket for free: a call that follows at once would open another one.
  await nextTurn();
  const joined = Object.entries(headers).map(([name, value = ""]) => [name, [value].flat().join(", ")]);
  return new ResponseContext(statusCode, Object.fromEntries(joined), {
    text: async () => text,
    binary: async () => Buffer.from(text),
    stream: () => new Blob([text]).stream(),
  });
}

/** The API speaks JSON alone. */
function textIn(request: RequestContext): string | null {
  const body = request.getBody();
  if (body === undefined || typeof body === "string") return body ?? null;
  throw new TypeError("only text is sent to an API server");
}
