/**
 * `npm run bench [-- part…] [-- --small]`: measures the product in the sandbox, each figure beside a reference
 * from the same run; prints a table and writes bench/results.json. docs/performance.md says what is measured and how.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { dirname, join } from "node:path";
import { measureAck } from "./ack.ts";
import { measureActiveLeases } from "./active-leases.ts";
import { measureAwsAuth } from "./aws-auth.ts";
import { measureBurst } from "./burst.ts";
import { measureBurstByWay } from "./burst-by-way.ts";
import { measureClickByWay } from "./click-by-way.ts";
import { measureClickToProof } from "./click-to-proof.ts";
import { type Figure, type Scale, summaryOf, tableOf } from "./figure.ts";
import { measureFleet } from "./fleet.ts";
import { measureHostile } from "./hostile.ts";
import { measureKilledWorkers } from "./killed-workers.ts";
import { measureManyEnds } from "./many-ends.ts";
import { measureMemory } from "./memory.ts";
import { measureRevocationLag } from "./revocation-lag.ts";
import { type Part, type PartResult, runParts } from "./run-parts.ts";
import { measureStart } from "./start.ts";

const parts: Readonly<Record<string, Part>> = {
  start: measureStart,
  ack: measureAck,
  burst: measureBurst,
  "burst-by-way": measureBurstByWay,
  "killed-workers": measureKilledWorkers,
  "click-to-proof": measureClickToProof,
  "click-by-way": measureClickByWay,
  "revocation-lag": measureRevocationLag,
  "aws-auth": measureAwsAuth,
  "active-leases": (scale) => measureActiveLeases("aws-auth", scale),
  "active-leases-by-entry": (scale) => measureActiveLeases("access-entry", scale),
  "active-leases-by-binding": (scale) => measureActiveLeases("binding", scale),
  fleet: measureFleet,
  memory: measureMemory,
  hostile: measureHostile,
  "many-ends": measureManyEnds,
};

/** npm runs a script in the folder of its package.json. */
const resultsFile = join(process.cwd(), "bench/results.json");

process.exitCode = await run(process.argv.slice(2));

async function run(argv: readonly string[]): Promise<number> {
  const names = argv.filter((word) => !word.startsWith("--"));
  const stray = names.filter((name) => !parts[name]);
  if (stray.length > 0) {
    process.stderr.write(`bench: there is no part ${stray.join(", ")}. There are: ${Object.keys(parts).join(", ")}\n`);
    return 2;
  }
  // The bench fills its Redis and reads all of it: one that may hold a person's data is left alone.
  delete process.env.REDIS_URL;
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  const scale: Scale = argv.includes("--small") ? "small" : "full";
  // Before the bench itself loads the machine: how busy others keep it.
  const [loadBefore = 0] = loadavg();
  const wanted = Object.entries(parts).filter(([name]) => names.length === 0 || names.includes(name));
  const results = await runParts(Object.fromEntries(wanted), scale, (line) => process.stderr.write(`bench: ${line}\n`));
  const figures = results.flatMap((result) => result.figures);
  await writeResults(scale, loadBefore, results, figures);
  process.stdout.write(`${tableOf(figures)}\n\n${summaryOf(figures)}\n`);
  return results.some(({ failure }) => failure !== null) ? 1 : 0;
}

async function writeResults(
  scale: Scale,
  loadBefore: number,
  results: readonly PartResult[],
  figures: readonly Figure[],
): Promise<void> {
  const [cpu] = cpus();
  const machine = {
    processors: cpus().length,
    processor: cpu?.model ?? "unknown",
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.version,
    loadBefore: Number(loadBefore.toFixed(2)),
  };
  const ran = results.map(({ part, seconds, failure }) => ({ part, seconds: Math.round(seconds), failure }));
  await mkdir(dirname(resultsFile), { recursive: true });
  await writeFile(
    resultsFile,
    `${JSON.stringify({ at: new Date().toISOString(), scale, machine, parts: ran, figures }, null, 2)}\n`,
  );
}
