import { getPods, type Sandbox } from "../sandbox.ts";
import {
  account,
  addDevelopers,
  alice,
  carol,
  clusterName,
  developerRole,
  identitiesText,
  region,
  withReader,
} from "../scene.ts";
import { configurationOf } from "../scene-clusters.ts";
import { textOf } from "../slack/message-content.ts";
import type { Telling } from "./narration.ts";

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
export async function playPeople(sandbox: Sandbox, tell: Telling): Promise<void> {
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
  tell.calls(isCloud);
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
  tell.calls(isCloud);
  tell.block(shown);
  return shown;
}
