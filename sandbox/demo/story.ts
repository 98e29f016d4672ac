import { setTimeout as pause } from "node:timers/promises";
import type { SandboxCall } from "../http-server.ts";
import type { Sandbox } from "../sandbox.ts";
import { arns, channel, clusterArn, clusterName } from "../scene.ts";
import type { SandboxMessage } from "../slack/inputs.ts";
import { textOf } from "../slack/message-content.ts";
import { channelMessage, expectThat, type Narration, revoke, within } from "./narration.ts";
import { playPeople } from "./people-chapter.ts";

const acts = [
  { cluster: "checkout", reads: "aws-auth and access entries" },
  { cluster: "analytics", reads: "access entries alone" },
] as const;

type Act = (typeof acts)[number];

/** Access entries take effect after a moment. In milliseconds. */
const effect = { atMost: 10_000, every: 100 };

const isEks = ({ call }: SandboxCall) => call.startsWith("eks.");

const reason = "look at the shop as a team";

const isSigningIn = ({ call, by }: SandboxCall) =>
  call === "sts.AssumeRole" || /:assumed-role\/developers\/|:developers:/.test(by ?? "");

/** The lease's duration in seconds: long enough to look at, short enough to wait for. */
const leaseSeconds = 8;

const isCloud = ({ call }: SandboxCall) => /^(sts|eks|cloudtrail|kubernetes)\./.test(call);
const isSlack = ({ call }: SandboxCall) => call.startsWith("slack.");

/** Plays the whole procedure of docs/architecture.md. @throws StoryError if a step fails */
export async function playStory(sandbox: Sandbox, narration: Narration): Promise<void> {
  const before = sandbox.cluster.awsAuth()?.data ?? {};
  await creator(sandbox, narration);
  await expectUnauthorized(sandbox, narration, "The designated user tries to list pods");
  await request(sandbox, narration);
  const asked = await look(sandbox, narration);
  await approve(sandbox, narration, asked);
  await becomeActive(sandbox, narration);
  await expectPods(sandbox, narration);
  await end(sandbox, narration, before);
  await expectUnauthorized(sandbox, narration, "The same user tries again");
  await playSignedIn(sandbox, narration);
  for (const act of acts) await playAct(sandbox, narration, act);
  await playPeople(sandbox, narration);
}

async function creator(sandbox: Sandbox, narration: Narration): Promise<void> {
  const title = "On-call asks who created the cluster";
  narration.step(title);
  narration.line(`/eks-access creator ${clusterName}`);
  const person = sandbox.slack.person("U0ONCALL");
  await person.command(`/eks-access creator ${clusterName}`, channel);
  const answer = await within(title, sandbox, () =>
    person.ephemerals().find((each) => textOf(each).includes("Who created")),
  );
  narration.calls(isCloud);
  narration.block(textOf(answer));
  expectThat(textOf(answer).includes("✓ the same"), title, "CloudTrail to name the configured creator", textOf(answer));
}

async function expectUnauthorized(sandbox: Sandbox, narration: Narration, title: string): Promise<void> {
  narration.step(title);
  const answer = await sandbox.getPods();
  narration.line(`$ kubectl get pods    # as ${arns.engineer}`);
  narration.line(answer.output);
  narration.calls(isCloud);
  expectThat(!answer.ok && answer.output.includes("Unauthorized"), title, "Unauthorized", answer.output);
}

async function expectPods(sandbox: Sandbox, narration: Narration): Promise<void> {
  const title = "The same user lists pods";
  narration.step(title);
  const answer = await sandbox.getPods();
  narration.line(`$ kubectl get pods    # as ${arns.engineer}`);
  narration.block(answer.output);
  narration.calls(isCloud);
  expectThat(answer.ok, title, "the names of pods", answer.output);
}

async function request(sandbox: Sandbox, narration: Narration): Promise<void> {
  const title = "The engineer asks for access in Slack";
  const line = `/eks-access request ${clusterName} ${arns.engineer} viewer for ${leaseSeconds}s look into the failing rollout`;
  const engineer = sandbox.slack.person("U0ENGINEER");
  narration.step(title);
  narration.line(line);
  const answer = await engineer.command(line, channel);
  expectThat(answer.status === 200, title, "an ack with status 200", `status ${answer.status}`);
  const ephemeral = await within(title, sandbox, () =>
    engineer.ephemerals().find((each) => textOf(each).includes("Requested `")),
  );
  narration.block(textOf(ephemeral));
  narration.line(`acknowledged in ${answer.milliseconds.toFixed(0)} ms`);
}

async function look(sandbox: Sandbox, narration: Narration): Promise<SandboxMessage> {
  const title = "The worker looks at the cluster, then asks the approvers";
  narration.step(title);
  const asked = await within(title, sandbox, () => channelMessage(sandbox, "[Approve]"));
  narration.calls((call) => isCloud(call) || isSlack(call));
  narration.block(textOf(asked));
  return asked;
}

async function approve(sandbox: Sandbox, narration: Narration, asked: SandboxMessage): Promise<void> {
  const title = "An approver clicks Approve";
  narration.step(title);
  const answer = await sandbox.slack.person("U0APPROVER").click(asked, "approve");
  narration.line(`acknowledged in ${answer.milliseconds.toFixed(0)} ms; the decision is signed and recorded`);
  expectThat(answer.status === 200, title, "an ack with status 200", `status ${answer.status}`);
}

async function becomeActive(sandbox: Sandbox, narration: Narration): Promise<void> {
  const title = "The worker becomes the creator, changes aws-auth and proves the access";
  narration.step(title);
  const message = await within(title, sandbox, () => channelMessage(sandbox, "*Active*"));
  const shown = await within(title, sandbox, () => directMessage(sandbox, "is active until"));
  narration.calls((call) => isCloud(call) || isSlack(call));
  narration.line("The creator's credentials lived in the worker's memory for this run, and are dropped.");
  narration.line("aws-auth now:");
  narration.block(documentOf(sandbox));
  narration.line("The message in the channel:");
  narration.block(textOf(message));
  narration.line("The direct message to the engineer:");
  narration.block(textOf(shown));
  for (const finding of ["✓ *mapped*", "✓ *authorized*"]) {
    expectThat(textOf(shown).includes(finding), title, `the finding ${finding}`, textOf(shown));
  }
}

async function end(sandbox: Sandbox, narration: Narration, before: Readonly<Record<string, string>>): Promise<void> {
  const title = "The lease ends and its entry is removed";
  narration.step(title);
  const message = await within(title, sandbox, () => channelMessage(sandbox, "*Ended*"), (leaseSeconds + 10) * 1000);
  narration.calls((call) => isCloud(call) || isSlack(call));
  narration.block(textOf(message));
  const shown = () => sandbox.slack.replies(message).map(textOf).join("\n");
  await within(title, sandbox, () => (shown().includes("Ended") ? true : undefined));
  narration.line("The thread below it:");
  narration.block(shown());
  const after = sandbox.cluster.awsAuth()?.data ?? {};
  const same = JSON.stringify(after) === JSON.stringify(before);
  expectThat(same, title, "aws-auth as it was before, byte for byte", JSON.stringify(after));
  narration.line("aws-auth is what it was before, byte for byte");
}

function directMessage(sandbox: Sandbox, ...texts: readonly string[]): SandboxMessage | undefined {
  const messages = sandbox.slack.person("U0ENGINEER").directMessages();
  return messages.findLast((message) => texts.every((each) => textOf(message).includes(each)));
}

function documentOf(sandbox: Sandbox): string {
  const sections = Object.entries(sandbox.cluster.awsAuth()?.data ?? {});
  return sections.map(([name, text]) => `${name}: |\n${text.replace(/^/gm, "  ").trimEnd()}`).join("\n");
}

/** The role trusts the worker, so all three findings of the proof are yes. @throws StoryError */
async function playSignedIn(sandbox: Sandbox, narration: Narration): Promise<void> {
  const title = "The same for a role that the worker signs in as to prove it";
  const line = `/eks-access request ${clusterName} ${arns.developers} viewer for 1h ${reason}`;
  await ask(sandbox, narration, { title, line, reason });
  const proved = textOf(await within(title, sandbox, () => directMessage(sandbox, "✓ *signed in*:")));
  narration.calls(isSigningIn);
  narration.block(proved);
  for (const finding of ["✓ *mapped*", "✓ *authorized*", "✓ *signed in*"]) {
    expectThat(proved.includes(finding), title, `the finding ${finding}`, proved);
  }
  await revoke(sandbox, narration, { title, reason, shown: proved });
}

/** The same request, approval, lease and proof in a cluster with access entries. @throws StoryError */
async function playAct(sandbox: Sandbox, narration: Narration, { cluster, reads }: Act): Promise<void> {
  const title = `The same on ${cluster}, which reads ${reads}`;
  const reason = `look into ${cluster}`;
  const line = `/eks-access request ${cluster} ${arns.engineer} viewer for 1h ${reason}`;
  await ask(sandbox, narration, { title, line, reason });
  await within(title, sandbox, () => channelMessage(sandbox, reason, "*Active*"));
  const shown = textOf(await within(title, sandbox, () => directMessage(sandbox, "is active until", `\`${cluster}\``)));
  narration.block(shown);
  await expectAccess(sandbox, narration, title, cluster, true);
  await revoke(sandbox, narration, { title, reason, shown });
  await expectAccess(sandbox, narration, title, cluster, false);
  narration.calls(isEks);
  const left = sandbox.aws.accessOf(clusterArn(cluster))?.entries.map(({ principalArn }) => principalArn) ?? [];
  expectThat(!left.includes(arns.engineer), title, "no access entry of the engineer", left.join(", "));
}

async function ask(
  sandbox: Sandbox,
  narration: Narration,
  { title, line, reason }: { title: string; line: string; reason: string },
): Promise<void> {
  narration.step(title);
  narration.line(line);
  await sandbox.slack.person("U0ENGINEER").command(line, channel);
  const asked = await within(title, sandbox, () => channelMessage(sandbox, reason, "[Approve]"));
  await sandbox.slack.person("U0APPROVER").click(asked, "approve");
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
