import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** Takes what an app sends to a response_url, and counts it with what it answers in its acknowledgements. */
export interface AnswerSink {
  readonly url: string;
  /** An acknowledgement was an answer itself. */
  readonly add: () => void;
  /** Resolves when so many answers came since the last call. @throws Error where they don't within a minute */
  take: (count: number) => Promise<void>;
  stop: () => Promise<void>;
}

/** Far less work than the sandbox's workspace does for an answer: it shares this process with the one that sends. */
export async function startAnswerSink(): Promise<AnswerSink> {
  let came = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      came += 1;
      response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/actions`,
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
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
