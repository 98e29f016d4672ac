import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** Takes what an app sends to a response_url, and counts it with what it answers in its acknowledgements. */
export interface AnswerSink {
  readonly url: string;
  /** The workspace's API on the sink's own origin: the product sends answers to no other. */
  readonly apiUrl: string;
  /** An acknowledgement was an answer itself. */
  readonly add: () => void;
  /** Resolves when so many answers came since the last call. @throws Error where they don't within a minute */
  take: (count: number) => Promise<void>;
  stop: () => Promise<void>;
}

/** Far less work than the sandbox's workspace does for an answer: it shares this process with the one that sends. */
export async function startAnswerSink({ apiUrl }: { readonly apiUrl: string }): Promise<AnswerSink> {
  let came = 0;
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/api/")) return forward(request, response, new URL(request.url, apiUrl), agent);
    request.resume().on("end", () => {
      came += 1;
      response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/actions`,
    apiUrl: `http://127.0.0.1:${port}/api/`,
    add: () => {
      came += 1;
    },
    take: async (count) => {
      for (let looks = 0; came < count; looks += 1) {
        if (looks > 1_200) throw new Error(`${came} of ${count} answers came`);
        await wait(50);
      }
      came -= count;
    },
    stop: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(request: IncomingMessage, response: ServerResponse, url: URL, agent: Agent): void {
  const { method, headers } = request;
  const call = send(url, { method, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  call.on("error", (error) => response.destroy(error));
  request.pipe(call);
}
