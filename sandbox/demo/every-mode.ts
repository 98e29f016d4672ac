import { setTimeout as pause } from "node:timers/promises";
import type { Sandbox } from "../sandbox.ts";
import { arns, channel, clusterArn } from "../scene.ts";
import type { SandboxCall } from "../scene-clusters.ts";
import { textOf } from "../slack/text-of.ts";
import { expectThat } from "./expectation.ts";
import type { Narration } from "./narration.ts";
import { channelMessage, within } from "./wait-for.ts";

/** The clusters of the scene that take access entries, by what they read. */
const acts = [
  { cluster: "checkout", reads: "aws-auth and access entries" },
  { cluster: "analytics", reads: "access entries alone" },
] as const;

/** Access entries take effect after a moment, as in EKS. In milliseconds. */
const effect = { atMost: 10_000, every: 100 };

const isEks = ({ call }: SandboxCall) => call.startsWith("eks.");

/** The same request, approval, lease and proof where a cluster takes access entries. @throws StoryError */
export async function playEveryMode(sandbox: Sandbox, narration: Narration): Promise<void> {
  for (const act of acts) await playAct(sandbox, narration, act);
}

async function playAct(
  sandbox: Sandbox,
  narration: Narration,
  { cluster, reads }: (typeof acts)[number],
): Promise<void> {
  const title = `The same on ${cluster}, which reads ${reads}`;
  const reason = `look into ${cluster}`;
  const line = `/eks-access request ${cluster} ${arns.engineer} viewer for 1h ${reason}`;
  const [engineer, approver] = [sandbox.slack.person("U0ENGINEER"), sandbox.slack.person("U0APPROVER")];
  narration.step(title);
  narration.line(line);
  await engineer.command(line, channel);
  await approver.click(await within(title, sandbox, () => channelMessage(sandbox, reason, "[Approve]")), "approve");
  const active = textOf(await within(title, sandbox, () => channelMessage(sandbox, reason, "*Active*")));
  narration.block(active);
  await expectAccess(sandbox, narration, title, cluster, true);
  const id = /r-[a-z0-9]{8}/.exec(active)?.[0] ?? "";
  narration.line(`/eks-access revoke ${id} done`);
  await engineer.command(`/eks-access revoke ${id} done`, channel);
  await within(title, sandbox, () => channelMessage(sandbox, reason, "*Ended*"));
  await expectAccess(sandbox, narration, title, cluster, false);
  narration.calls(isEks);
  const left = sandbox.aws.accessOf(clusterArn(cluster))?.entries.map(({ principalArn }) => principalArn) ?? [];
  expectThat(!left.includes(arns.engineer), title, "no access entry of the engineer", left.join(", "));
}

async function expectAccess(
  sandbox: Sandbox,
  narration: Narration,
  title: string,
  cluster: string,
  wanted: boolean,
): Promise<void> {
  const until = Date.now() + effect.atMost;
  let answer = await sandbox.getPods("U0ENGINEER", cluster);
  while (answer.ok !== wanted && Date.now() < until) {
    await pause(effect.every);
    answer = await sandbox.getPods("U0ENGINEER", cluster);
  }
  narration.line(`$ kubectl get pods    # on ${cluster}, as ${arns.engineer}`);
  narration.block(answer.output);
  expectThat(answer.ok === wanted, title, wanted ? "the names of pods" : "Unauthorized", answer.output);
}
