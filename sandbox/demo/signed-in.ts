import type { Sandbox } from "../sandbox.ts";
import { arns, channel, clusterName } from "../scene.ts";
import type { SandboxCall } from "../scene-clusters.ts";
import { textOf } from "../slack/text-of.ts";
import { expectThat } from "./expectation.ts";
import type { Narration } from "./narration.ts";
import { channelMessage, within } from "./wait-for.ts";

const reason = "look at the shop as a team";

/** What the worker did to sign in, and then as the role. */
const isSigningIn = ({ call, by }: SandboxCall) =>
  call === "sts.AssumeRole" || /:assumed-role\/developers\/|:developers:/.test(by ?? "");

/** A role that trusts the worker: all three findings of the proof are a yes. @throws StoryError */
export async function playSignedIn(sandbox: Sandbox, narration: Narration): Promise<void> {
  const title = "The same for a role, as which the worker may sign in to prove it";
  const line = `/eks-access request ${clusterName} ${arns.developers} viewer for 1h ${reason}`;
  const [engineer, approver] = [sandbox.slack.person("U0ENGINEER"), sandbox.slack.person("U0APPROVER")];
  narration.step(title);
  narration.line(line);
  await engineer.command(line, channel);
  await approver.click(await within(title, sandbox, () => channelMessage(sandbox, reason, "[Approve]")), "approve");
  const proved = textOf(await within(title, sandbox, () => channelMessage(sandbox, reason, "*signed in*:")));
  narration.calls(isSigningIn);
  narration.block(proved);
  for (const finding of ["✓ *mapped*", "✓ *authorized*", "✓ *signed in*"]) {
    expectThat(proved.includes(finding), title, `the finding ${finding}`, proved);
  }
  const id = /r-[a-z0-9]{8}/.exec(proved)?.[0] ?? "";
  narration.line(`/eks-access revoke ${id} done`);
  await engineer.command(`/eks-access revoke ${id} done`, channel);
  await within(title, sandbox, () => channelMessage(sandbox, reason, "*Ended*"));
}
