import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the default ports for outgoing connections (Linux from 32768, macOS and Windows from 49152). */
const [lowest, highest] = [10_240, 32_767];
const most = 1_000;
const tried = new Set<number>();

/** A port that was free a moment ago. It is none that the system can give to another program, and none that this process has tried. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < most; tries += 1) {
    const port = randomInt(lowest, highest + 1);
    if (tried.has(port)) continue;
    tried.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free TCP port was found between ${lowest} and ${highest} in ${most} tries`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
