import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../../src/sandbox/free-port.ts";
import { type Program, startProduct } from "../../src/sandbox/product-process.ts";
import { provideRedis } from "../../src/sandbox/redis/provide-redis.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import type { Figure, Scale } from "./figure.ts";
import { median } from "./percentile.ts";
import { useOf } from "./process-use.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

/** Starts of each; the median counts, since the first one reads its files from the disk. */
const starts: Readonly<Record<Scale, number>> = { small: 1, full: 5 };

const kinds = ["slack", "worker"] as const;

/** How long each process takes from nothing until it is ready, as it ships, and what it holds then. */
export async function measureStart(scale: Scale): Promise<readonly Figure[]> {
  const [redis, sandbox, built] = await Promise.all([provideRedis({ appendOnly: true }), startSandbox(), build()]);
  try {
    const environmentOf = async (kind: (typeof kinds)[number]) =>
      sandbox.environmentOf(kind, { redisUrl: redis.url, port: await freePort() });
    const bare = await measureStarts(built.bareBolt, "slack", await environmentOf("slack"), starts[scale]);
    const figures: Figure[] = [];
    for (const kind of kinds) {
      const ours = await measureStarts(built.product, kind, await environmentOf(kind), starts[scale]);
      figures.push(
        figure(`start to ready, ${kind} process`, "ms", ours.readyMs, bare.readyMs),
        figure(`resident memory when ready, ${kind} process`, "MB", ours.residentMb, bare.residentMb),
      );
    }
    return figures;
  } finally {
    await Promise.all([sandbox.stop(), redis.stop(), built.remove()]);
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

/** The product and its reference, both compiled: from the sources the loader would take most of the time. */
async function build(): Promise<{ product: Program; bareBolt: Program; remove: () => Promise<void> }> {
  const cache = join(root, "node_modules/.cache/eks-access");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "bench-"));
  const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const tsc = (...options: readonly string[]) =>
    run(process.execPath, [compiler, ...options, "--noCheck"], { cwd: root });
  await tsc("-p", "tsconfig.build.json", "--outDir", join(folder, "dist"));
  const alone = ["--ignoreConfig", "--module", "nodenext", "--target", "es2023", "--outDir", join(folder, "bare")];
  await tsc(...alone, "test/bench/bare-bolt.ts");
  return {
    product: { script: join(folder, "dist/bin/eks-access.js"), nodeFlags: [] },
    bareBolt: { script: join(folder, "bare/bare-bolt.js"), nodeFlags: [] },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
