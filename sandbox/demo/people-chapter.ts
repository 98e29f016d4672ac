import { getPods } from "../kubectl.ts";
import type { Sandbox } from "../sandbox.ts";
import { account, channel, clusterName, region } from "../scene.ts";
import { configurationOf } from "../scene-clusters.ts";
import { textOf } from "../slack/message-content.ts";
import type { SandboxMessage } from "../slack/shapes.ts";
import { channelMessage, expectThat, type Narration, within } from "./narration.ts";

/** The permission set of IAM Identity Center that two people of the story have, as its role in the account. */
const permissionSet = "AWSReservedSSO_Developer_0123456789abcdef";
const [alice, carol] = ["alice@example.com", "carol@example.com"];
const reason = "look at the failing rollout";

/** The configuration of the story: besides the sandbox's levels, one that binds a role of Kubernetes to one person. */
export const storyConfiguration = configurationOf({ everyMode: true })
  .replace("levels: [viewer, admin]", "levels: [viewer, admin, reader]")
  .replace(
    /^levels:\n/m,
    `levels:
  reader:
    bind: [{ clusterRole: view, in: choose }]
    maxDuration: 8h
    verify: [{ verb: list, resource: pods }]
`,
  );

const isCloud = ({ call }: { readonly call: string }) => /^(eks|kubernetes)\./.test(call);

/** Alice and Carol have one permission set: Alice gets in, Carol does not, and then neither does. @throws StoryError */
export async function playPeople(sandbox: Sandbox, narration: Narration): Promise<void> {
  const { arn } = sandbox.aws.account.addRole({ name: permissionSet });
  const before = JSON.stringify(sandbox.cluster.awsAuth()?.data);
  const podsOf = (name: string) => getPods(sandbox.cluster, region, sandbox.aws.account.sessionFor(arn, name));
  const expectPods = async (title: string, name: string, wanted: string) => {
    const { output } = await podsOf(name);
    narration.line(`$ kubectl get pods    # as ${name} (Developer)`);
    narration.block(output);
    expectThat(output.includes(wanted), title, wanted, output);
  };
  const lockedOut = "Two engineers share one permission set of IAM Identity Center, and neither signs in";
  narration.step(lockedOut);
  for (const name of [alice, carol]) await expectPods(lockedOut, name, "Unauthorized");
  const active = await giveAlice(sandbox, narration);
  const oneOfTwo = "Alice gets in. Carol, with the same role, can do nothing";
  narration.step(oneOfTwo);
  await expectPods(oneOfTwo, alice, "shop-");
  await expectPods(oneOfTwo, carol, "Forbidden");
  await endOf(sandbox, narration, active);
  const over = "Alice is out again, and aws-auth is what it was before";
  narration.step(over);
  await expectPods(over, alice, "Unauthorized");
  const after = JSON.stringify(sandbox.cluster.awsAuth()?.data);
  expectThat(after === before, over, "aws-auth as it was before, byte for byte", after);
}

/** @returns the id of the lease */
async function giveAlice(sandbox: Sandbox, narration: Narration): Promise<string> {
  const title = "Alice links her session, and asks for a role in one namespace";
  const [engineer, approver] = [sandbox.slack.person("U0ENGINEER"), sandbox.slack.person("U0APPROVER")];
  const session = `arn:aws:sts::${account}:assumed-role/${permissionSet}/${alice}`;
  const line = `/eks-access request ${clusterName} reader in default for 1h ${reason}`;
  narration.step(title);
  for (const each of [`/eks-access link ${session}`, line]) narration.line(each);
  await engineer.command(`/eks-access link ${session}`, channel);
  await within(title, sandbox, () => engineer.ephemerals().find((each) => textOf(each).includes("You are linked to")));
  await engineer.command(line, channel);
  const asked = await within(title, sandbox, () => channelMessage(sandbox, reason, "[Approve]"));
  narration.block(textOf(asked));
  expectThat(textOf(asked).includes("Only `alice@example.com`"), title, "who gets in", textOf(asked));
  await approver.click(asked, "details");
  narration.line("[Details] shows the approver the whole change:");
  const view = textOf(await within(title, sandbox, () => approver.view()));
  narration.block(view);
  expectThat(view.includes("{{SessionNameRaw}}"), title, "the new entry", view);
  await approver.submit();
  await within(title, sandbox, () => channelMessage(sandbox, reason, "*Active*"));
  const told = textOf(await within(title, sandbox, () => engineer.directMessages().findLast(isProved)));
  narration.calls(isCloud);
  narration.block(told);
  return /r-[a-z0-9]{8}/.exec(told)?.[0] ?? "";
}

/** Tells Alice that she is in, and that another session of her role is not. */
const isProved = (message: SandboxMessage) => textOf(message).includes("not as another session of the role");

async function endOf(sandbox: Sandbox, narration: Narration, id: string): Promise<void> {
  const title = "Alice is done: her binding goes, and the entry that only she needed";
  narration.step(title);
  narration.line(`/eks-access revoke ${id} done`);
  await sandbox.slack.person("U0ENGINEER").command(`/eks-access revoke ${id} done`, channel);
  const ended = textOf(await within(title, sandbox, () => channelMessage(sandbox, reason, "*Ended*")));
  narration.calls(isCloud);
  narration.block(ended);
}
