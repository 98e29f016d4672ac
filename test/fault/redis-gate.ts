import { connect, createServer, type Socket } from "node:net";
import type { Faults } from "../../sandbox/faults.ts";
import { freePort } from "../../sandbox/product-process.ts";
import { commitScript, markShownScript } from "../../src/ledger/commit-script.ts";

/** A way to Redis that can be cut, and that knows the ledger's writes when it sees them. */
export interface RedisGate {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  /** Breaks every connection, and lets none through until `open`. */
  cut: () => void;
  open: () => void;
  stop: () => Promise<void>;
}

/** The ledger's two scripts, by their digests, or by a text that each alone holds. They are the writes that a process can die around. */
const writes: readonly (readonly [call: string, texts: readonly string[]])[] = [
  ["redis.commit", [commitScript.digest, "local most = ARGV"]],
  ["redis.mark-shown", [markShownScript.digest, "local newest"]],
];

/** Starts a gate before the Redis at this port. Faults strike the calls `redis.commit` and `redis.mark-shown`. */
export async function startRedisGate(redisPort: number, faults: Faults): Promise<RedisGate> {
  let isOpen = true;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (!isOpen) return client.destroy();
    const redis = connect(redisPort, "127.0.0.1");
    for (const socket of [client, redis]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    redis.on("data", (chunk) => client.write(chunk));
    redis.on("close", () => client.destroy());
    passWrites(client, redis, faults);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    cut: () => {
      isOpen = false;
      destroyAll();
    },
    open: () => {
      isOpen = true;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        destroyAll();
      }),
  };
}

/**
 * One chunk after another, so that a fault that is waited for holds back what comes after it. What a process sent before
 * it died still arrives.
 */
function passWrites(client: Socket, redis: Socket, faults: Faults): void {
  let before: Promise<void> = Promise.resolve();
  client.on("data", (chunk) => {
    before = before.then(() => pass(chunk, client, redis, faults));
  });
  client.on("close", () => {
    before = before.then(() => void redis.end());
  });
}

async function pass(chunk: Buffer, client: Socket, redis: Socket, faults: Faults): Promise<void> {
  const [call] = writes.find(([, texts]) => texts.some((text) => chunk.includes(text))) ?? [];
  const fault = call === undefined ? undefined : await faults.meet(call);
  if (fault?.type === "hang") return new Promise(() => {});
  if (fault?.type === "cut-before") return void client.destroy();
  if (fault?.type === "cut-after") {
    redis.removeAllListeners("data");
    redis.once("data", () => client.destroy());
  }
  redis.write(chunk);
}
