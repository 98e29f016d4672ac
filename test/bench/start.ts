import { freePort, type Program, startProduct } from "../../sandbox/product-process.ts";
import { provideRedis } from "../../sandbox/redis/provide-redis.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { type Figure, median, type Scale } from "./figure.ts";
import { useOf } from "./process-use.ts";
import { bareBolt, product } from "./product.ts";

/** Starts of each; the median counts, since the first one reads its files from the disk. */
const starts: Readonly<Record<Scale, number>> = { small: 1, full: 5 };

const kinds = ["slack", "worker"] as const;

/** How long each process takes from nothing until it is ready, as it ships, and what it holds then. */
export async function measureStart(scale: Scale): Promise<readonly Figure[]> {
  const [redis, sandbox] = await Promise.all([provideRedis({ appendOnly: true }), startSandbox()]);
  try {
    const environmentOf = async (kind: (typeof kinds)[number]) =>
      sandbox.environmentOf(kind, { redisUrl: redis.url, port: await freePort() });
    const bare = await measureStarts(bareBolt, "slack", await environmentOf("slack"), starts[scale]);
    const figures: Figure[] = [];
    for (const kind of kinds) {
      const ours = await measureStarts(product, kind, await environmentOf(kind), starts[scale]);
      figures.push(
        figure(`start to ready, ${kind} process`, "ms", ours.readyMs, bare.readyMs),
        figure(`resident memory when ready, ${kind} process`, "MB", ours.residentMb, bare.residentMb),
      );
    }
    return figures;
  } finally {
    await Promise.all([sandbox.stop(), redis.stop()]);
  }
}

function figure(name: string, unit: string, value: number, reference: number): Figure {
  return { name, unit, value, reference: { name: "bare Bolt app", value: reference } };
}

interface Start {
  readonly readyMs: number;
  readonly residentMb: number;
}

async function measureStarts(
  program: Program,
  kind: (typeof kinds)[number],
  environment: Readonly<Record<string, string>>,
  times: number,
): Promise<Start> {
  const measured: Start[] = [];
  for (let count = 0; count < times; count += 1) {
    const startedAt = performance.now();
    const child = await startProduct(program, kind, environment);
    const readyMs = performance.now() - startedAt;
    measured.push({ readyMs, residentMb: (await useOf(child.pid)).residentMb });
    await child.stop();
  }
  return {
    readyMs: median(measured.map((each) => each.readyMs)),
    residentMb: median(measured.map((each) => each.residentMb)),
  };
}
