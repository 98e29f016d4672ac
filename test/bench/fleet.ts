import { setTimeout as wait } from "node:timers/promises";
import type { SandboxAws } from "../../sandbox/aws/account.ts";
import type { ProductProcess } from "../../sandbox/product-process.ts";
import { account, arns, clusterArn, externalId, region } from "../../sandbox/scene.ts";
import { type EventReader, readEvents, timesOf } from "./events.ts";
import { atMostTimes, type Figure, type Scale } from "./figure.ts";
import { approve, ask, userArn } from "./people.ts";
import { median } from "./percentile.ts";
import { useOf } from "./process-use.ts";
import { type Stage, startStage } from "./stage.ts";
import { finder, fleetTags } from "./stage-configuration.ts";

/** The one cluster that answers. */
const cluster = "staging";
const accounts = [account, ...Array.from({ length: 39 }, (_, index) => String(200_000_000_000 + index))];
const warmUps = 5;

/** The product with a fleet of so many discovered clusters. */
interface Fleet {
  readonly stage: Stage;
  readonly events: EventReader;
  readonly slack: ProductProcess;
  readonly worker: ProductProcess;
}

/** A click, memory and start with many discovered clusters, beside few. The clicks alternate, so that a busy machine slows both. */
export async function measureFleet(scale: Scale): Promise<readonly Figure[]> {
  const [few, many] = scale === "small" ? [10, 100] : [10, 1_000];
  const fleets: Fleet[] = [];
  try {
    for (const count of [few, many]) fleets.push(await startFleet(count));
    const [small, large] = fleets;
    if (!small || !large) throw new Error("the bench has lost a fleet");
    const clicks = await inPairs(small, large, scale === "small" ? 5 : 20);
    const held = [await memoryOf(small), await memoryOf(large)] as const;
    const starts = [await startOf(small), await startOf(large)] as const;
    const figure = (name: string, unit: string, [reference, value]: readonly [number, number]): Figure => {
      const beside = { name: `${few} clusters`, value: reference };
      return { name: `${many} discovered clusters: ${name}`, value, unit, reference: beside };
    };
    const click = (name: string, of: keyof Click): Figure => {
      const [reference, value] = clicks.map((each) => median(each.map((one) => one[of]))) as [number, number];
      return { ...figure(name, "ms", [reference, value]), target: atMostTimes(1.3, value, reference) };
    };
    return [
      click("click → proof, median", "milliseconds"),
      click("processor time of the worker for one click, median", "workerCpu"),
      click("processor time of the Slack process for one click, median", "slackCpu"),
      figure("resident memory, worker", "MB", [held[0].worker, held[1].worker]),
      figure("resident memory, Slack process", "MB", [held[0].slack, held[1].slack]),
      figure("start to ready with the list in Redis, worker", "ms", starts),
    ];
  } finally {
    await Promise.all(fleets.map(({ stage }) => stage.stop()));
  }
}

async function startFleet(count: number): Promise<Fleet> {
  const stage = await startStage([cluster], { fleet: accounts, prepare: (aws) => addFleet(aws, count) });
  // A fleet at rest: each cluster was looked at before.
  for (const name of others(count)) await stage.ledger.markAdopted(name);
  const [slack, worker] = await Promise.all([stage.startSlack(), stage.startWorker()]);
  const isKnown = `"clusters":${count},"msg":"the list of the fleet changed"`;
  await Promise.all([slack.logged(isKnown), worker.logged(isKnown)]);
  await untilQuiet(worker);
  return { stage, events: readEvents(stage.ledger), slack, worker };
}

function others(count: number): readonly string[] {
  return Array.from({ length: count - 1 }, (_, index) => `shop-${index}`);
}

/** Clusters that EKS lists, and that nothing signs in to. */
function addFleet(aws: SandboxAws, count: number): void {
  for (const of of accounts) {
    const trust = { principals: [arns.worker], externalId };
    aws.account.addRole({ name: finder, account: of, allow: ["eks:ListClusters", "eks:DescribeCluster"], trust });
  }
  aws.updateCluster(clusterArn(cluster), { tags: fleetTags });
  for (const [index, name] of others(count).entries()) {
    const of = accounts[index % accounts.length] ?? "";
    const creatorArn = `arn:aws:iam::${of}:role/${finder}`;
    const place = { region, account: of, endpoint: "https://127.0.0.1:1", certificateAuthority: "LS0tLS1CRUdJTiA" };
    aws.addCluster({ name, creatorArn, ...place, tags: fleetTags });
  }
}

/** The start is over when the worker has little to do. */
async function untilQuiet(worker: ProductProcess): Promise<void> {
  for (let quiet = 0, looks = 0; quiet < 3 && looks < 300; looks += 1) {
    const before = (await useOf(worker.pid)).cpuSeconds;
    await wait(1000);
    quiet = (await useOf(worker.pid)).cpuSeconds - before < 0.05 ? quiet + 1 : 0;
  }
}

/** What one click took. */
interface Click {
  readonly milliseconds: number;
  readonly workerCpu: number;
  readonly slackCpu: number;
}

async function inPairs(small: Fleet, large: Fleet, pairs: number): Promise<readonly [Click[], Click[]]> {
  const [few, many]: [Click[], Click[]] = [[], []];
  for (let pair = 0; pair < warmUps + pairs; pair += 1) {
    const both = [await click(small, pair), await click(large, pair)] as const;
    if (pair < warmUps) continue;
    few.push(both[0]);
    many.push(both[1]);
  }
  return [few, many];
}

async function click({ stage, events, slack, worker }: Fleet, index: number): Promise<Click> {
  const [asked] = await ask(stage, events, { cluster, principals: [userArn(index)], duration: "1h" });
  if (!asked) throw new Error("nobody was asked");
  // The preview's last steps are no part of the click.
  await wait(300);
  const cpuOf = async () =>
    (await Promise.all([worker, slack].map(({ pid }) => useOf(pid)))).map((use) => use.cpuSeconds);
  const before = await cpuOf();
  const clicked = await approve(stage, asked);
  const active = timesOf(await events.take("lease.active", 1)).get(asked.request);
  if (active === undefined) throw new Error(`another lease than ${asked.request} turned active`);
  await wait(300 + Math.random() * 200);
  const [workerCpu = 0, slackCpu = 0] = (await cpuOf()).map((after, place) => (after - (before[place] ?? 0)) * 1000);
  return { milliseconds: active - clicked, workerCpu, slackCpu };
}

async function memoryOf({ slack, worker }: Fleet): Promise<{ readonly worker: number; readonly slack: number }> {
  const [ofWorker, ofSlack] = await Promise.all([useOf(worker.pid), useOf(slack.pid)]);
  return { worker: ofWorker.residentMb, slack: ofSlack.residentMb };
}

/** One more worker, beside the first. */
async function startOf({ stage }: Fleet): Promise<number> {
  const startedAt = performance.now();
  await stage.startWorker();
  return performance.now() - startedAt;
}
