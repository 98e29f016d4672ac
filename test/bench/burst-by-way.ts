import type { Way } from "../../src/access/policy/cluster.ts";
import { startBench } from "./bench.ts";
import { callsOfBindings } from "./click-by-way.ts";
import { calls, oneWayMs, withDelays } from "./click-to-proof.ts";
import { readEvents } from "./events.ts";
import { atMost, atMostTimes, type Figure, median, type Scale } from "./figure.ts";
import { inParallel } from "./in-parallel.ts";
import { approve, ask, sessionArn, userArn } from "./people.ts";
import { useOf } from "./process-use.ts";

const cluster = "staging";

/** What it took to give all leases that were approved at once. */
interface Taken {
  /** From the worker's "ready" until the last lease is proved. */
  readonly seconds: number;
  /** Processor time of the worker, its start included. */
  readonly cpuSeconds: number;
  /** Writes of aws-auth, and those of them that another writer refused. */
  readonly puts: number;
  readonly conflicts: number;
}

/**
 * Many approvals at once, in turns, so that a busy machine slows all: personal leases by bindings, which are for sessions of one role
 * of Identity Center; by `aws-auth`; and by bindings for IAM users, who each need an entry of `aws-auth` too. The first two also with
 * each call further away.
 */
export async function measureBurstByWay(scale: Scale): Promise<readonly Figure[]> {
  const [count, turns] = scale === "small" ? [25, 1] : [250, 3];
  const [byMap, personal, ofUsers]: [Taken[], Taken[], Taken[]] = [[], [], []];
  const [farByMap, farPersonal]: [Taken[], Taken[]] = [[], []];
  for (let turn = 0; turn < turns; turn += 1) {
    byMap.push(await giveAtOnce("aws-auth", count, userArn));
    personal.push(await giveAtOnce("binding", count, sessionArn));
    ofUsers.push(await giveAtOnce("binding", count, userArn));
    farByMap.push(await giveAtOnce("aws-auth", count, userArn, { isFar: true }));
    farPersonal.push(await giveAtOnce("binding", count, sessionArn, { isFar: true }));
  }
  return [
    ...figuresOf(`${count} personal leases by binding at once`, personal, byMap),
    ...figuresOf(`the same, each call ${oneWayMs} ms further away`, farPersonal, farByMap),
    {
      name: `${count} leases of IAM users by binding at once: until the last is proved`,
      value: middle(ofUsers, "seconds"),
      unit: "s",
      reference: { name: "by aws-auth", value: middle(byMap, "seconds") },
    },
  ];
}

function middle(taken: readonly Taken[], of: keyof Taken): number {
  return median(taken.map((each) => each[of]));
}

function figuresOf(name: string, ours: readonly Taken[], theirs: readonly Taken[]): readonly Figure[] {
  const figure = (what: string, of: keyof Taken): Figure => {
    const [value, reference] = [middle(ours, of), middle(theirs, of)];
    return {
      name: `${name}: ${what}`,
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
async function giveAtOnce(
  way: Way,
  count: number,
  principalOf: (index: number) => string,
  { isFar = false } = {},
): Promise<Taken> {
  // A look by the clock beside the run would measure both.
  const bench = await startBench([cluster], { way, inspectEverySeconds: 3600 });
  try {
    const [, previews] = await Promise.all([bench.startSlack(), bench.startWorker()]);
    const events = readEvents(bench.ledger);
    const principals = Array.from({ length: count }, (_, index) => principalOf(index));
    const asked = await ask(bench, events, { cluster, principals, duration: "1h" });
    await previews.stop();
    await inParallel(asked, clicksAtOnce, (each) => approve(bench, each));
    const give = async () => {
      const worker = await bench.startWorker();
      const started = Date.now();
      const active = await events.take("lease.active", count);
      const last = Math.max(...active.map(({ at }) => Date.parse(at)));
      return { seconds: (last - started) / 1000, cpuSeconds: (await useOf(worker.pid)).cpuSeconds };
    };
    const taken = await (isFar ? withDelays(bench, give, [...calls, ...callsOfBindings]) : give());
    const puts = bench.calls("kubernetes.replace-configmap");
    const conflicts = bench.calls("kubernetes.replace-configmap", 409);
    return { ...taken, puts, conflicts };
  } finally {
    await bench.stop();
  }
}
