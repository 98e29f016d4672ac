import { afterEach, beforeEach, test } from "vitest";
import { arns, channel, clusterName } from "../../src/sandbox/scene.ts";
import { textOf } from "../../src/sandbox/slack/text-of.ts";
import { type Flow, startFlow } from "../flow/start-flow.ts";
import { expectSentences } from "./runbook.ts";

let flow: Flow;
let hung: number;
beforeEach(async () => {
  flow = await startFlow();
  hung = flow.worker().pid;
});
afterEach(async () => {
  process.kill(hung, "SIGCONT");
  await flow.stop();
});

test("a worker hangs: people are told that nobody answers, and another worker goes on where it stopped", async () => {
  const { slack } = flow.sandbox;
  const engineer = slack.person("U0ENGINEER");
  process.kill(hung, "SIGSTOP");

  await engineer.command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 10m debug`, channel);
  await engineer.command("/eks-access whoami", channel);
  await flow.answer("U0ENGINEER", "no worker answered just now");
  await flow.startWorker();
  await slack.person("U0APPROVER").click(await flow.message("[Approve]"), "approve");
  await flow.message("*Active*");

  expectSentences("A worker hangs", engineer.ephemerals().map(textOf));
});
