import { setTimeout as wait } from "node:timers/promises";
import { account } from "../../sandbox/scene.ts";
import { type Bench, startBench } from "./bench.ts";
import { calls, oneWayMs, withDelays } from "./click-to-proof.ts";
import { type EventReader, readEvents, timesOf } from "./events.ts";
import { atMostTimes, type Figure, median, type Scale } from "./figure.ts";
import { approve, ask, developers, sessionArn, userArn } from "./people.ts";

const cluster = "staging";
/** Every call to a cluster that only a lease by binding makes. */
export const callsOfBindings = [
  ...["get-rolebinding", "list-rolebindings", "list-clusterrolebindings", "create-rolebinding", "get-clusterrole"],
].map((call) => `kubernetes.${call}`);
const warmUps = 10;

/** Who gets a lease, and at which level. */
const ways = {
  byMap: { level: "viewer", principalOf: userArn },
  personal: { level: "personal", principalOf: (index: number) => sessionArn(index) },
  withEntry: {
    level: "personal",
    principalOf: (index: number) => sessionArn(index, "AWSReservedSSO_Other_0123456789abcdef"),
  },
};
type Way = keyof typeof ways;
type Taken = Readonly<Record<Way, number[]>>;

/**
 * From one click to its proof, by `aws-auth` and by binding, in turns: for people whom an entry of others lets sign in, and for people
 * who need an entry of ours; also with each call further away.
 */
export async function measureClickByWay(scale: Scale): Promise<readonly Figure[]> {
  const runs = scale === "small" ? 5 : 30;
  const bench = await startBench([cluster], { hasPersonal: true, inspectEverySeconds: 3600 });
  try {
    await letSignIn(bench);
    await Promise.all([bench.startSlack(), bench.startWorker()]);
    const click = clicksOn(bench, readEvents(bench.ledger));
    await inTurns(click, warmUps);
    const near = await inTurns(click, runs);
    const delayed = [...calls, ...callsOfBindings];
    const far = await withDelays(bench, () => inTurns(click, runs), delayed);
    return [
      ...figuresOf("one click → proof", near),
      ...figuresOf(`one click → proof, each call ${oneWayMs} ms further away`, far),
    ];
  } finally {
    await bench.stop();
  }
}

async function letSignIn({ clusters }: Bench): Promise<void> {
  const entry = `- rolearn: arn:aws:iam::${account}:role/${developers}\n  username: sso:{{SessionNameRaw}}\n  groups: []\n`;
  await clusters.get(cluster)?.editAwsAuth((map) => {
    return { ...map, data: { ...map.data, mapRoles: `${map.data?.mapRoles ?? ""}${entry}` } };
  });
}

async function inTurns(click: (way: Way) => Promise<number>, turns: number): Promise<Taken> {
  const taken: Taken = { byMap: [], personal: [], withEntry: [] };
  for (let turn = 0; turn < turns; turn += 1) {
    for (const way of ["byMap", "personal", "withEntry"] as const) taken[way].push(await click(way));
  }
  return taken;
}

/** Milliseconds from the click to the recorded proof, each time for another person. */
function clicksOn(bench: Bench, events: EventReader): (way: Way) => Promise<number> {
  let next = 0;
  return async (way) => {
    const { level, principalOf } = ways[way];
    const [asked] = await ask(bench, events, { cluster, principals: [principalOf(next++)], duration: "1h", level });
    if (!asked) throw new Error("nobody was asked");
    // The preview's last steps are no part of the click.
    await wait(300);
    const clicked = await approve(bench, asked);
    const active = timesOf(await events.take("lease.active", 1)).get(asked.request);
    if (active === undefined) throw new Error(`another lease than ${asked.request} turned active`);
    // Not in step with the sweep, which comes once a second.
    await wait(100 + Math.random() * 200);
    return active - clicked;
  };
}

function figuresOf(what: string, taken: Taken): readonly Figure[] {
  const reference = { name: "by aws-auth", value: median(taken.byMap) };
  const [personal, withEntry] = [median(taken.personal), median(taken.withEntry)];
  return [
    {
      ...{ name: `${what}, by binding: median`, value: personal, unit: "ms", reference },
      target: atMostTimes(1, personal, reference.value),
    },
    { name: `${what}, by binding with an entry of ours: median`, value: withEntry, unit: "ms", reference },
  ];
}
