import type { Way } from "../../src/access/policy/cluster.ts";
import { startBench } from "./bench.ts";
import { readEvents } from "./events.ts";
import { atMost, atMostTimes, type Figure, type Scale } from "./figure.ts";
import { inParallel } from "./in-parallel.ts";
import { approve, ask, userArn } from "./people.ts";
import { median } from "./percentile.ts";
import { useOf } from "./process-use.ts";

const cluster = "staging";

/** What it took to give all leases that were approved at once. */
interface Taken {
  /** From the worker's start until the last lease is proved. */
  readonly seconds: number;
  /** Processor time of the worker, its start included. */
  readonly cpuSeconds: number;
  /** Writes of aws-auth, and those of them that another writer refused. */
  readonly puts: number;
  readonly conflicts: number;
}

/** Many approvals at once by bindings, beside the same by `aws-auth`: in pairs, so that a busy machine slows both. */
export async function measureBurstByWay(scale: Scale): Promise<readonly Figure[]> {
  const [count, pairs] = scale === "small" ? [25, 1] : [250, 2];
  const [byMap, byBinding]: [Taken[], Taken[]] = [[], []];
  for (let pair = 0; pair < pairs; pair += 1) {
    byMap.push(await giveAtOnce("aws-auth", count));
    byBinding.push(await giveAtOnce("binding", count));
  }
  const figure = (what: string, of: keyof Taken): Figure => {
    const [value, reference] = [byBinding, byMap].map((taken) => median(taken.map((each) => each[of])));
    if (value === undefined || reference === undefined) throw new Error("the bench has lost a way");
    return {
      name: `${count} leases by binding at once: ${what}`,
      value,
      unit: of === "puts" || of === "conflicts" ? "" : "s",
      reference: { name: "by aws-auth", value: reference },
      ...(of === "seconds" && { target: atMostTimes(1, value, reference) }),
      ...(of === "puts" && { target: atMost(1, value) }),
      ...(of === "conflicts" && { target: atMost(0, value) }),
    };
  };
  return [
    figure("until the last is proved", "seconds"),
    figure("processor time of the worker", "cpuSeconds"),
    figure("PUTs of aws-auth", "puts"),
    figure("conflicts", "conflicts"),
  ];
}

/** More at once would measure how many clicks a busy Slack process acknowledges within Slack's three seconds. */
const clicksAtOnce = 4;

/** The worker is away while the approver clicks: so all leases are due at once, however busy the machine is. */
async function giveAtOnce(way: Way, count: number): Promise<Taken> {
  // A look by the clock beside the run would measure both.
  const bench = await startBench([cluster], { way, inspectEverySeconds: 3600 });
  try {
    const [, previews] = await Promise.all([bench.startSlack(), bench.startWorker()]);
    const events = readEvents(bench.ledger);
    const principals = Array.from({ length: count }, (_, index) => userArn(index));
    const asked = await ask(bench, events, { cluster, principals, duration: "1h" });
    await previews.stop();
    await inParallel(asked, clicksAtOnce, (each) => approve(bench, each));
    const started = Date.now();
    const worker = await bench.startWorker();
    const active = await events.take("lease.active", count);
    const last = Math.max(...active.map(({ at }) => Date.parse(at)));
    const puts = bench.calls("kubernetes.replace-configmap");
    const conflicts = bench.calls("kubernetes.replace-configmap", 409);
    return { seconds: (last - started) / 1000, cpuSeconds: (await useOf(worker.pid)).cpuSeconds, puts, conflicts };
  } finally {
    await bench.stop();
  }
}
