import { AsyncLocalStorage } from "node:async_hooks";

/** Which requests the work that runs now is about. */
const about = new AsyncLocalStorage<readonly string[]>();

/** Does work about these requests: each line that is logged meanwhile names them. */
export function aboutRequests<T>(ids: readonly string[], act: () => T): T {
  return ids.length === 0 ? act() : about.run(ids, act);
}

/** What a line of the log has besides its own: `request`, or `requests` where there are several. */
export function requestsInLog(line: object): { readonly request?: string; readonly requests?: readonly string[] } {
  const ids = about.getStore();
  if (!ids || "request" in line) return {};
  const [only] = ids;
  return ids.length === 1 && only !== undefined ? { request: only } : { requests: ids };
}
