import { z } from "zod";
import { arns, region } from "../../sandbox/scene.ts";
import { mintToken } from "../../src/aws/sts.ts";
import { type Bench, startBench } from "./bench.ts";
import { readEvents } from "./events.ts";
import { atMost, type Figure, type Scale } from "./figure.ts";
import { type Asked, approve, ask, userArn } from "./people.ts";
import { referenceResult } from "./product.ts";
import { leaseFigures, tallyLeases } from "./tally-leases.ts";

const product = "staging";
const other = "reference";

interface Burst {
  readonly seconds: number;
  readonly puts: number;
  readonly conflicts: number;
}

/** Many approvals to one cluster at once, beside a loop that edits the document once for each. */
export async function measureBurst(scale: Scale): Promise<readonly Figure[]> {
  const count = scale === "small" ? 25 : 250;
  const bench = await startBench([product, other]);
  try {
    const principals = Array.from({ length: count }, (_, index) => userArn(index));
    const { asked, ...ours } = await approveAll(bench, principals);
    const tally = await tallyLeases(bench, product, asked);
    const theirs = await editOneByOne(bench, principals);
    const name = `${count} approvals to one cluster at once`;
    const reference = "GET, edit, PUT for each, 16 at a time";
    return [
      ...leaseFigures(name, tally),
      {
        name: `${name}: PUTs`,
        value: ours.puts,
        unit: "",
        reference: { name: reference, value: theirs.puts },
        target: atMost(10, ours.puts),
      },
      {
        name: `${name}: of these, conflicts`,
        value: ours.conflicts,
        unit: "",
        reference: { name: reference, value: theirs.conflicts },
      },
      {
        name: `${name}: until the last is proven`,
        value: ours.seconds,
        unit: "s",
        reference: { name: `${reference}; no check, no proof, no record`, value: theirs.seconds },
      },
    ];
  } finally {
    await bench.stop();
  }
}

async function approveAll(
  bench: Bench,
  principals: readonly string[],
): Promise<Burst & { readonly asked: readonly Asked[] }> {
  await Promise.all([bench.startSlack(), bench.startWorker()]);
  const events = readEvents(bench.ledger);
  const asked = await ask(bench, events, { cluster: product, principals, duration: "1h" });
  const before = writes(bench);
  const started = Date.now();
  await Promise.all(asked.map((each) => approve(bench, each)));
  const active = await events.take("lease.active", principals.length);
  const last = Math.max(...active.map((event) => Date.parse(event.at)));
  insist(bench, product, principals);
  const after = writes(bench);
  return {
    asked,
    seconds: (last - started) / 1000,
    puts: after.puts - before.puts,
    conflicts: after.conflicts - before.conflicts,
  };
}

async function editOneByOne(bench: Bench, principals: readonly string[]): Promise<Burst> {
  const cluster = bench.clusters.get(other);
  if (!cluster) throw new Error(`there is no cluster ${other}`);
  const creator = bench.aws.account.sessionFor(arns.creator, "reference");
  const token = await mintToken(creator, { eksName: other, region }, new Date());
  const { name, endpoint, certificateAuthority } = cluster;
  const input = { cluster: { name, endpoint, certificateAuthority, token }, principals, atOnce: 16 };
  const before = writes(bench);
  const result = await referenceResult("edit-one-by-one", { BENCH_INPUT: JSON.stringify(input) });
  const { milliseconds } = z.object({ milliseconds: z.number() }).parse(result);
  insist(bench, other, principals);
  const after = writes(bench);
  return {
    seconds: milliseconds / 1000,
    puts: after.puts - before.puts,
    conflicts: after.conflicts - before.conflicts,
  };
}

function writes({ calls }: Bench) {
  const call = "kubernetes.replace-configmap";
  return { puts: calls(call), conflicts: calls(call, 409) };
}

/** A figure of something that did not happen would be worth nothing. */
function insist(bench: Bench, cluster: string, principals: readonly string[]): void {
  const users = bench.clusters.get(cluster)?.awsAuth()?.data?.mapUsers ?? "";
  const missing = principals.filter((arn) => !users.includes(arn));
  if (missing.length > 0) throw new Error(`${missing.length} principals are not in aws-auth of ${cluster}`);
}
