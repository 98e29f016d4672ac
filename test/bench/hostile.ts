import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { redact } from "../../src/access/failure/redact.ts";
import { startScriptedServer } from "../kubernetes/api-server.ts";
import type { Figure, Scale } from "./figure.ts";

/** How many times each input comes; the longest block counts. */
const rounds: Readonly<Record<Scale, number>> = { small: 2, full: 20 };

const megabyte = 2 ** 20;
const binding = JSON.stringify({
  metadata: { name: "many", namespace: "shop" },
  roleRef: { kind: "ClusterRole", name: "view" },
  subjects: Array.from({ length: 10_000 }, (_, index) => ({ kind: "Group", name: `g${index % 7}` })),
});
/** Nearly as many subjects as are read of a cluster at all. Prepared, as the server runs in this process. */
const page = `{"metadata":{"continue":"more"},"items":[${Array.from({ length: 4 }, () => binding).join(",")}]}`;

/** How long the event loop stands still over what hostile people can put into a cluster or an answer. */
export async function measureHostile(scale: Scale): Promise<readonly Figure[]> {
  const server = await startScriptedServer();
  server.answer = () => ({ status: 200, body: page });
  const client = server.connect({ timeoutMs: 10_000 });
  const times = rounds[scale];
  try {
    return [
      figure("bindings with 40,000 subjects a page", await longestBlock(times, () => client.roleBindings())),
      figure(
        "redaction of 1 MB of Redis addresses",
        await longestBlock(times, async () => redact("redis://:".repeat(megabyte / 9))),
      ),
    ];
  } finally {
    client.close();
    await server.stop();
  }
}

function figure(name: string, value: number): Figure {
  return { name: `longest block, ${name}`, unit: "ms", value, reference: { name: "at most", value: 100 } };
}

/** In milliseconds. What is refused counts as well. */
async function longestBlock(times: number, doing: () => Promise<unknown>): Promise<number> {
  await doing().catch(() => null);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let time = 0; time < times; time += 1) {
    await doing().catch(() => null);
    await pause(5);
  }
  delay.disable();
  return delay.max / 1e6;
}
