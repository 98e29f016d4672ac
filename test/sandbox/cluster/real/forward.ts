import { Agent, request as send } from "node:https";
import type { SandboxAnswer, SandboxRequest } from "../../../../sandbox/http-server.ts";

export interface ForwardTarget {
  url: string;
  agent: Agent;
}

/** Where requests are sent on: connections are kept, and only a certificate of this authority (PEM) counts. */
export function forwardTarget(url: string, authority: string): ForwardTarget {
  return { url, agent: new Agent({ keepAlive: true, ca: authority }) };
}

type Forwarded = Pick<SandboxRequest, "method" | "headers" | "body"> & { pathAndQuery: string };

const ownHeaders = new Set(["host", "connection", "accept-encoding", "content-length", "transfer-encoding"]);
const keptHeaders = ["content-type", "retry-after", "warning"];

/** Sends a request on as it came, and gives the answer as it is. */
export function forward(
  target: ForwardTarget,
  { method, headers, body, pathAndQuery }: Forwarded,
): Promise<SandboxAnswer> {
  const sent = Object.entries(headers).filter(([name]) => !ownHeaders.has(name));
  const options = {
    agent: target.agent,
    method,
    headers: { ...Object.fromEntries(sent), "content-length": body.length },
  };
  return new Promise((resolve, reject) => {
    const call = send(`${target.url}${pathAndQuery}`, options, async (response) => {
      const kept = keptHeaders.flatMap((name) => {
        const value = response.headers[name];
        return typeof value === "string" ? [[name, value] as const] : [];
      });
      try {
        const text = Buffer.concat(await response.toArray()).toString("utf8");
        resolve({ status: response.statusCode ?? 500, headers: Object.fromEntries(kept), body: text });
      } catch (error) {
        reject(error);
      }
    });
    call.on("error", reject);
    call.end(body);
  });
}
