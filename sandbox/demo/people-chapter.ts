import type { Sandbox } from "../sandbox.ts";
import { getPods } from "../sandbox.ts";
import {
  account,
  addDevelopers,
  alice,
  carol,
  channel,
  clusterName,
  developerRole,
  identitiesText,
  region,
  withReader,
} from "../scene.ts";
import { configurationOf } from "../scene-clusters.ts";
import type { SandboxMessage } from "../slack/inputs.ts";
import { textOf } from "../slack/message-content.ts";
import { channelMessage, expectThat, type Narration, revoke, within } from "./narration.ts";

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

const isCloud = ({ call }: { readonly call: string }) => /^(eks|kubernetes)\./.test(call);

/** Alice and Carol have one permission set: Alice gets in, Carol does not, and then neither does. @throws StoryError */
export async function playPeople(sandbox: Sandbox, narration: Narration): Promise<void> {
  const arn = addPeople(sandbox);
  const before = JSON.stringify(sandbox.cluster.awsAuth()?.data);
  const podsOf = (name: string) => getPods(sandbox.cluster, region, sandbox.aws.account.sessionFor(arn, name));
  const expectPods = async (title: string, name: string, wanted: string) => {
    const { output } = await podsOf(name);
    narration.line(`$ kubectl get pods    # as ${name} (Developer)`);
    narration.block(output);
    expectThat(output.includes(wanted), title, wanted, output);
  };
  const noRights = "Two engineers share one permission set of IAM Identity Center, and neither has a right";
  narration.step(noRights);
  for (const name of [alice, carol]) await expectPods(noRights, name, "Forbidden");
  const active = await giveAlice(sandbox, narration);
  const oneOfTwo = "Alice gets in. Carol, with the same role, can do nothing";
  narration.step(oneOfTwo);
  await expectPods(oneOfTwo, alice, "shop-");
  await expectPods(oneOfTwo, carol, "Forbidden");
  await endOf(sandbox, narration, active);
  const over = "Alice is out again, and Terraform's aws-auth was never written";
  narration.step(over);
  await expectPods(over, alice, "Forbidden");
  const after = JSON.stringify(sandbox.cluster.awsAuth()?.data);
  expectThat(after === before, over, "aws-auth as it was before, byte for byte", after);
}

function addPeople({ aws, cluster }: Sandbox): string {
  const arn = addDevelopers(aws, ["engineer@example.com", "on-call@example.com"]);
  cluster.editAwsAuth(({ data, ...rest }) => ({ ...rest, data: { ...data, mapRoles: `${data?.mapRoles}${wayIn}` } }));
  return arn;
}

async function giveAlice(sandbox: Sandbox, narration: Narration): Promise<string> {
  const title = "Alice asks for a role in one namespace, without an ARN: the directory says who she is";
  const [engineer, approver] = [sandbox.slack.person("U0ENGINEER"), sandbox.slack.person("U0APPROVER")];
  const line = `/eks-access request ${clusterName} reader in default for 1h ${reason}`;
  narration.step(title);
  narration.line(line);
  await engineer.command(line, channel);
  const asked = await within(title, sandbox, () => channelMessage(sandbox, reason, "[Approve]"));
  narration.block(textOf(asked));
  expectThat(textOf(asked).includes("Only `alice@example.com`"), title, "who gets in", textOf(asked));
  await approver.click(asked, "details");
  narration.line("[Details] shows the approver the whole change:");
  const view = textOf(await within(title, sandbox, () => approver.view()));
  narration.block(view);
  expectThat(view.includes(`user: sso:${alice}`), title, "the binding, for her name alone", view);
  narration.line("The approver clicks Approve below it.");
  await approver.submit();
  await within(title, sandbox, () => channelMessage(sandbox, reason, "*Active*"));
  const shown = textOf(await within(title, sandbox, () => engineer.directMessages().findLast(isProved)));
  narration.calls(isCloud);
  narration.block(shown);
  return shown;
}

const isProved = (message: SandboxMessage) => textOf(message).includes("not as every session of the role");

async function endOf(sandbox: Sandbox, narration: Narration, shown: string): Promise<void> {
  const title = "Alice is done: her binding goes";
  narration.step(title);
  const ended = await revoke(sandbox, narration, { title, reason, shown });
  narration.calls(isCloud);
  narration.block(textOf(ended));
}
