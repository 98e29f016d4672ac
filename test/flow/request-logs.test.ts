import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { ProductProcess } from "../../sandbox/product-process.ts";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const line = z.looseObject({
  level: z.union([z.number(), z.string()]),
  msg: z.string(),
  request: z.string().optional(),
  requests: z.array(z.string()).optional(),
});

const aboutTheClusterAlone = new Set([
  "read the cluster's own memory",
  "could not look for rescues: AWS refused the rescuing identity",
  "works on the cluster again",
]);

let flow: Flow;
beforeAll(async () => {
  flow = await startFlow({ environment: { LOG_LEVEL: "debug" } });
});
afterAll(() => flow.stop());

const linesOf = (child: ProductProcess, from: number) =>
  child.log
    .slice(from)
    .filter((text) => text.startsWith("{"))
    .map((text) => line.parse(JSON.parse(text)));

test("every line that either process logs in the life of a request names it, also where much goes wrong", async () => {
  const { faults, slack } = flow.sandbox;
  const [worker, bot] = [flow.worker(), flow.slack()];
  const from = { worker: worker.log.length, slack: bot.log.length };
  faults.plan("kubernetes.get-configmap", { type: "cut-before" });
  faults.plan("sts.AssumeRole", { type: "answer", status: 503 }, { nth: 2 });
  faults.plan("kubernetes.replace-configmap", { type: "cut-after" }, { nth: 1 });
  faults.plan("slack.chat.postMessage", { type: "answer", status: 500 }, { times: 2 });
  faults.plan("slack.chat.update", { type: "cut-before" });

  const say = (user: string, text: string) => slack.person(user).command(`/eks-access ${text}`, channel);
  await say("U0ENGINEER", `request ${clusterName} ${arns.engineer} viewer for 30m read the logs`);
  const id = /r-[a-z0-9]{8}/.exec((await flow.answer("U0ENGINEER", "Requested `")).text)?.[0] ?? "";
  const asked = await flow.asked("read the logs");
  // A person who can't decide is refused, with an answer and a line of the log.
  await slack.person("U0ENGINEER").click(asked, "approve");
  await slack.person("U0APPROVER").click(asked, "approve");
  await flow.message("*Active*");
  await say("U0ENGINEER", `revoke ${id}`);
  await flow.message("*Ended*");
  await flow.told("`) ended: ");

  // Bolt's own words are about its client; a cluster's memory is read by the clock, and for no request.
  const ours = ({ source, job, msg }: z.output<typeof line>) =>
    source !== "bolt" && job !== "adopt" && !aboutTheClusterAlone.has(msg);
  const told = { worker: linesOf(worker, from.worker).filter(ours), slack: linesOf(bot, from.slack).filter(ours) };
  const isAbout = (each: z.output<typeof line>) => each.request === id || each.requests?.includes(id) === true;
  expect({
    worker: told.worker.filter((each) => !isAbout(each)),
    slack: told.slack.filter((each) => !isAbout(each)),
  }).toEqual({ worker: [], slack: [] });
  for (const lines of Object.values(told)) {
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.some(({ level }) => level === 40 || level === 50 || level === "warn" || level === "error")).toBe(true);
  }
});
