import { setTimeout as pause } from "node:timers/promises";
import type { SandboxCall } from "../http-server.ts";
import { getPods, type Sandbox } from "../sandbox.ts";
import {
  account,
  addDevelopers,
  alice,
  arns,
  carol,
  clusterArn,
  clusterName,
  developerRole,
  identitiesText,
  region,
  withReader,
} from "../scene.ts";
import { configurationOf } from "../scene-clusters.ts";
import type { SandboxMessage } from "../slack/inputs.ts";
import { textOf } from "../slack/message-content.ts";
import { type Narration, type Telling, tellingOf } from "./narration.ts";

const acts = [
  { cluster: "checkout", reads: "aws-auth and access entries" },
  { cluster: "analytics", reads: "access entries alone" },
] as const;

type Act = (typeof acts)[number];

/** Access entries take effect after a moment. In milliseconds. */
const effect = { atMost: 10_000, every: 100 };

const isEks = ({ call }: SandboxCall) => call.startsWith("eks.");

const isSigningIn = ({ call, by }: SandboxCall) =>
  call === "sts.AssumeRole" || /:assumed-role\/developers\/|:developers:/.test(by ?? "");

const isCloud = ({ call }: SandboxCall) => /^(sts|eks|cloudtrail|kubernetes)\./.test(call);
const isCloudOrSlack = (each: SandboxCall) => isCloud(each) || each.call.startsWith("slack.");

/** The lease's duration in seconds: long enough to look at, short enough to wait for. */
const leaseSeconds = 8;

const engineer = `as ${arns.engineer}`;
const unauthorized = "Unauthorized";

/** Plays the whole procedure of docs/architecture.md. @throws Error if a step fails */
export async function playStory(sandbox: Sandbox, narration: Narration): Promise<void> {
  const tell = tellingOf(sandbox, narration);
  const before = documentOf(sandbox);
  await creator(tell);
  await tryPods(sandbox, tell, "The designated user tries to list pods", unauthorized);
  await request(tell);
  await approve(sandbox, tell, await look(tell));
  await becomeActive(sandbox, tell);
  await tryPods(sandbox, tell, "The same user lists pods", "shop-");
  await end(sandbox, tell, before);
  await tryPods(sandbox, tell, "The same user tries again", unauthorized);
  await playSignedIn(tell);
  for (const act of acts) await playAct(sandbox, tell, act);
  await playPeople(sandbox, tell);
}

async function creator(tell: Telling): Promise<void> {
  tell.step("On-call asks who created the cluster");
  await tell.say("U0ONCALL", `/eks-access creator ${clusterName}`);
  const answer = await tell.answer("U0ONCALL", "Who created");
  tell.calls(isCloud);
  tell.block(answer);
  tell.expectThat(answer.includes("✓ the same"), "CloudTrail to name the configured creator", answer);
}

async function tryPods(sandbox: Sandbox, tell: Telling, title: string, wanted: string): Promise<void> {
  tell.step(title);
  tell.kubectl(await sandbox.getPods(), engineer, wanted);
  tell.calls(isCloud);
}

async function request(tell: Telling): Promise<void> {
  tell.step("The engineer asks for access in Slack");
  const what = `viewer for ${leaseSeconds}s look into the failing rollout`;
  const ack = await tell.say("U0ENGINEER", `/eks-access request ${clusterName} ${arns.engineer} ${what}`);
  tell.expectThat(ack.status === 200, "an ack with status 200", `status ${ack.status}`);
  tell.block(await tell.answer("U0ENGINEER", "Requested `"));
  tell.line(`acknowledged in ${ack.milliseconds.toFixed(0)} ms`);
}

async function look(tell: Telling): Promise<SandboxMessage> {
  tell.step("The worker looks at the cluster, then asks the approvers");
  const asked = await tell.message(["[Approve]"]);
  tell.calls(isCloudOrSlack);
  tell.block(textOf(asked));
  return asked;
}

async function approve({ slack }: Sandbox, tell: Telling, asked: SandboxMessage): Promise<void> {
  tell.step("An approver clicks Approve");
  const ack = await slack.person("U0APPROVER").click(asked, "approve");
  tell.line(`acknowledged in ${ack.milliseconds.toFixed(0)} ms; the decision is signed and recorded`);
  tell.expectThat(ack.status === 200, "an ack with status 200", `status ${ack.status}`);
}

async function becomeActive(sandbox: Sandbox, tell: Telling): Promise<void> {
  tell.step("The worker becomes the creator, changes aws-auth and proves the access");
  const message = await tell.message(["*Active*"]);
  // Not the reply that calls for it, which can come first.
  const shown = await tell.directMessage("is active until", "*mapped*");
  tell.calls(isCloudOrSlack);
  tell.line("The creator's credentials lived in the worker's memory for this run, and are dropped.");
  tell.line("aws-auth now:");
  tell.block(documentOf(sandbox));
  tell.line("The message in the channel:");
  tell.block(textOf(message));
  tell.line("The direct message to the engineer:");
  tell.block(shown);
  expectProof(tell, shown, ["mapped", "authorized"]);
}

function expectProof(tell: Telling, shown: string, names: readonly string[]): void {
  for (const name of names) tell.expectThat(shown.includes(`✓ *${name}*`), `the finding ${name}`, shown);
}

async function end(sandbox: Sandbox, tell: Telling, before: string): Promise<void> {
  tell.step("The lease ends and its entry is removed");
  const message = await tell.message(["*Ended*"], (leaseSeconds + 10) * 1000);
  tell.calls(isCloudOrSlack);
  tell.block(textOf(message));
  const shown = () => sandbox.slack.replies(message).map(textOf).join("\n");
  await tell.within(() => (shown().includes("Ended") ? true : undefined));
  tell.line("The thread below it:");
  tell.block(shown());
  const after = documentOf(sandbox);
  tell.expectThat(after === before, "aws-auth as it was before, byte for byte", after);
  tell.line("aws-auth is what it was before, byte for byte");
}

function documentOf(sandbox: Sandbox): string {
  const sections = Object.entries(sandbox.cluster.awsAuth()?.data ?? {});
  return sections.map(([name, text]) => `${name}: |\n${text.replace(/^/gm, "  ").trimEnd()}`).join("\n");
}

/** The role trusts the worker, so all three findings of the proof are yes. */
async function playSignedIn(tell: Telling): Promise<void> {
  const reason = "look at the shop as a team";
  tell.step("The same for a role that the worker signs in as to prove it");
  await tell.getApproved(`/eks-access request ${clusterName} ${arns.developers} viewer for 1h ${reason}`, reason);
  const proved = await tell.directMessage("✓ *signed in*:");
  tell.calls(isSigningIn);
  tell.block(proved);
  expectProof(tell, proved, ["mapped", "authorized", "signed in"]);
  await tell.revoke(reason, proved);
}

/** The same request, approval, lease and proof in a cluster with access entries. */
async function playAct(sandbox: Sandbox, tell: Telling, { cluster, reads }: Act): Promise<void> {
  const reason = `look into ${cluster}`;
  tell.step(`The same on ${cluster}, which reads ${reads}`);
  await tell.getApproved(`/eks-access request ${cluster} ${arns.engineer} viewer for 1h ${reason}`, reason);
  await tell.message([reason, "*Active*"]);
  const shown = await tell.directMessage("is active until", `\`${cluster}\``);
  tell.block(shown);
  await expectAccess(sandbox, tell, cluster, true);
  await tell.revoke(reason, shown);
  await expectAccess(sandbox, tell, cluster, false);
  tell.calls(isEks);
  const left = sandbox.aws.accessOf(clusterArn(cluster))?.entries.map(({ principalArn }) => principalArn) ?? [];
  tell.expectThat(!left.includes(arns.engineer), "no access entry of the engineer", left.join(", "));
}

async function expectAccess(sandbox: Sandbox, tell: Telling, cluster: string, wanted: boolean): Promise<void> {
  const until = Date.now() + effect.atMost;
  let answer = await sandbox.getPods("U0ENGINEER", cluster);
  while (answer.ok !== wanted && Date.now() < until) {
    await pause(effect.every);
    answer = await sandbox.getPods("U0ENGINEER", cluster);
  }
  tell.kubectl(answer, `on ${cluster}, ${engineer}`, wanted ? "shop-" : unauthorized);
}

const reason = "look at the failing rollout";

/** A platform team writes this once, for everyone with the permission set: they get in, without rights. */
const wayIn = `# Terraform: everyone with the permission set signs in under their own name
- rolearn: arn:aws:iam::${account}:role/${developerRole}
  username: sso:{{SessionNameRaw}}
  groups: []
`;

/** The configuration of the story: a level that binds a role to one person, and a directory of the people. */
export const storyConfiguration = withReader(
  // The directory learns of Alice in this chapter: its answers of the earlier ones must not count any more.
  `${configurationOf({ everyMode: true })}${identitiesText.replace("  - links", "      keepFor: 1s\n  - links")}`,
);

const isOfClusters = ({ call }: SandboxCall) => /^(eks|kubernetes)\./.test(call);

/** Alice and Carol have one permission set: Alice gets in, Carol does not, and then neither does. @throws Error */
async function playPeople(sandbox: Sandbox, tell: Telling): Promise<void> {
  const arn = addPeople(sandbox);
  const documentNow = () => JSON.stringify(sandbox.cluster.awsAuth()?.data);
  const before = documentNow();
  const tryPods = async (name: string, wanted: string) => {
    const answer = await getPods(sandbox.cluster, region, sandbox.aws.account.sessionFor(arn, name));
    tell.kubectl(answer, `as ${name} (Developer)`, wanted);
  };
  tell.step("Two engineers share one permission set of IAM Identity Center, and neither has a right");
  for (const name of [alice, carol]) await tryPods(name, "Forbidden");
  const active = await giveAlice(sandbox, tell);
  tell.step("Alice gets in. Carol, with the same role, can do nothing");
  await tryPods(alice, "shop-");
  await tryPods(carol, "Forbidden");
  tell.step("Alice is done: her binding goes");
  const ended = await tell.revoke(reason, active);
  tell.calls(isOfClusters);
  tell.block(ended);
  tell.step("Alice is out again, and Terraform's aws-auth was never written");
  await tryPods(alice, "Forbidden");
  tell.expectThat(documentNow() === before, "aws-auth as it was before, byte for byte", documentNow());
}

function addPeople({ aws, cluster }: Sandbox): string {
  const arn = addDevelopers(aws, ["engineer@example.com", "on-call@example.com"]);
  cluster.editAwsAuth(({ data, ...rest }) => ({ ...rest, data: { ...data, mapRoles: `${data?.mapRoles}${wayIn}` } }));
  return arn;
}

async function giveAlice({ slack }: Sandbox, tell: Telling): Promise<string> {
  const approver = slack.person("U0APPROVER");
  tell.step("Alice asks for a role in one namespace, without an ARN: the directory says who she is");
  await tell.say("U0ENGINEER", `/eks-access request ${clusterName} reader in default for 1h ${reason}`);
  const asked = await tell.message([reason, "[Approve]"]);
  tell.block(textOf(asked));
  tell.expectThat(textOf(asked).includes("Only `alice@example.com`"), "who gets in", textOf(asked));
  await approver.click(asked, "details");
  tell.line("[Details] shows the approver the whole change:");
  const view = textOf(await tell.within(() => approver.view()));
  tell.block(view);
  tell.expectThat(view.includes(`user: sso:${alice}`), "the binding, for her name alone", view);
  tell.line("The approver clicks Approve below it.");
  await approver.submit();
  await tell.message([reason, "*Active*"]);
  const shown = await tell.directMessage("not as every session of the role");
  tell.calls(isOfClusters);
  tell.block(shown);
  return shown;
}
