import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SandboxCall } from "../../sandbox/http-server.ts";
import { arns, channel, clusterName, configuration } from "../../sandbox/scene.ts";
import { type Flow, startFlow } from "../flow/start-flow.ts";
import { seriesOf } from "./metrics.ts";
import { expectSentences } from "./runbook.ts";
import { typeLine } from "./type-line.ts";

const heading = "A worker hangs";
const age = 'eks_access_queue_age_seconds{queue="clusters"}';

let flow: Flow;
let hung: number;
const calls: SandboxCall[] = [];
beforeEach(async () => {
  // A worker that hangs answers never: a person waits no longer than two seconds to read it.
  const impatient = `${configuration}  deadlines: { workerAnswer: 2s, seenBefore: 2s }\n`;
  flow = await startFlow({ configuration: impatient, onCall: (call) => void calls.push(call) });
  hung = flow.worker().pid;
});
afterEach(async () => {
  process.kill(hung, "SIGCONT");
  await flow.stop();
});

/** The worker stops as it sends its next write, which stays on its way until `arrive` is called. */
function hangAtTheWrite(): { readonly hangs: Promise<void>; readonly arrive: () => void } {
  let arrive = () => {};
  const late = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const onStrike = () => {
    process.kill(hung, "SIGSTOP");
    return late;
  };
  const { struck } = flow.sandbox.faults.plan("kubernetes.replace-configmap", { type: "watch" }, { onStrike });
  return { hangs: struck, arrive };
}

const ask = (level: string, reason: string) =>
  flow.sandbox.slack
    .person("U0ENGINEER")
    .command(`/eks-access request ${clusterName} ${arns.engineer} ${level} for 10m ${reason}`, channel);
const approve = async (reason: string) =>
  flow.sandbox.slack.person("U0APPROVER").click(await flow.asked(reason), "approve");
/** A machine that is busy with something else answers late: whether a worker is there is not a matter of two seconds. */
async function bePatient(): Promise<void> {
  const file = flow.sandbox.environmentOf("slack", { redisUrl: flow.redisUrl }).EKS_ACCESS_CONFIG ?? "";
  await writeFile(file, (await readFile(file, "utf8")).replace("workerAnswer: 2s", "workerAnswer: 15s"));
  process.kill(flow.slack().pid, "SIGHUP");
  await flow.slack().logged("replaced the configuration");
}
const whoami = () => typeLine(flow.sandbox, "U0ENGINEER", heading, "/eks-access whoami");

test("a worker hangs: people read that no worker answers, another one continues, and its late write overwrites nothing", async () => {
  const { cluster } = flow.sandbox;
  await ask("viewer", "first");
  const { hangs, arrive } = hangAtTheWrite();
  await approve("first");
  await hangs;
  await ask("admin", "second");
  const unanswered = await whoami();
  await bePatient();
  const meanwhile = await seriesOf(heading, flow.redisUrl);

  const other = await flow.startWorker();
  await flow.active();
  await flow.asked("second");
  const written = cluster.awsAuth();
  arrive();
  const isLate = ({ call, status }: SandboxCall) => call === "kubernetes.replace-configmap" && status === 409;
  await expect.poll(() => calls.some(isLate)).toBe(true);
  process.kill(hung, "SIGCONT");
  await other.stop();
  const answered = await whoami();

  expectSentences(heading, [unanswered, answered]);
  expect(meanwhile[age]).toBeGreaterThan(0);
  expect(cluster.awsAuth()).toEqual(written);
  expect(await seriesOf(heading, flow.redisUrl)).toEqual({ [age]: 0 });
});
