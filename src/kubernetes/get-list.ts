import { ApiException, HttpMethod } from "@kubernetes/client-node";
import type { Page } from "../access/failure/bounded-pages.ts";
import type { Connection } from "./connection.ts";

/**
 * Reads one page of a list as JSON. The generated client would make an object of its own of each item and each of their parts, in five
 * times the time of parsing: of a list that anybody in the cluster can fill, that is too long for a process to do nothing else.
 */
export async function getList(
  { configuration }: Connection,
  path: string,
  limit: number,
  token: string | undefined,
): Promise<Page<object>> {
  const request = configuration.baseServer.makeRequestContext(path, HttpMethod.GET);
  request.setHeaderParam("Accept", "application/json");
  request.setQueryParam("limit", String(limit));
  if (token) request.setQueryParam("continue", token);
  await configuration.authMethods.default?.applySecurityAuthentication(request);
  const answer = await configuration.httpApi.send(request).toPromise();
  const text = await answer.body.text();
  if (answer.httpStatusCode !== 200) throw new ApiException(answer.httpStatusCode, "", text, answer.headers);
  const list: unknown = JSON.parse(text);
  const { items, metadata } = isObject(list) ? (list as { items?: unknown; metadata?: unknown }) : {};
  if (!Array.isArray(items) || !items.every(isObject)) throw new SyntaxError("the answer is no list");
  const next = isObject(metadata) && "continue" in metadata ? metadata.continue : undefined;
  return { items, next: typeof next === "string" ? next : undefined };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
