import { beforeEach, describe, expect, test } from "vitest";
import type { AwsAuthWebhook } from "../../sandbox/cluster/cluster.ts";
import { arns, channel, clusterName, configuration, externalId, initialAwsAuth } from "../../sandbox/scene.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { forgeApproval } from "./forge-approval.ts";
import { shareFlow } from "./share-flow.ts";
import { startFlow } from "./start-flow.ts";

const ask = (rest: string) => `/eks-access request ${clusterName} ${arns.engineer} viewer for 10m ${rest}`;

/** Until the test has seen what it does: a message shows only the newest state, and on a slow machine the next try is sooner. */
const forLong = { times: Number.POSITIVE_INFINITY };

describe("what fails on the way ends in a message with cause and remedy", () => {
  const flow = shareFlow({ configuration: `${configuration}operators: { channel: ${channel} }\n` });
  /** How many events the audit log had before. */
  let before = 0;
  beforeEach(async () => {
    before = (await auditOf(flow().redisUrl)).events.length;
  });

  const audit = async () => {
    const { types, verdict } = await auditOf(flow().redisUrl);
    return { types: types.slice(before), verdict };
  };
  const request = (reason: string) => flow().sandbox.slack.person("U0ENGINEER").command(ask(reason), channel);
  const approve = async () =>
    flow()
      .sandbox.slack.person("U0APPROVER")
      .click(await flow().message("[Approve]"), "approve");

  test("while a section of aws-auth is unreadable a request waits, the channel has the cause, and after the repair it continues", async () => {
    const edit = (data: Readonly<Record<string, string>>) =>
      flow().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data }));
    await edit({ ...initialAwsAuth, mapUsers: "- userarn: [" });

    await request("debug");
    const told = textOf(await flow().told("I keep trying"));
    const cause = textOf(await flow().message("wait for a repair"));
    await edit(initialAwsAuth);
    await approve();
    await flow().message("*Active*");

    expect(told).not.toContain("mapUsers");
    expect(cause).toContain("The authenticator can't read mapUsers");
  });

  // Early, because what is forged is every request of the tests before: here a refused one, besides its own.
  test("an attacker with Redis can give no one access", async () => {
    await request("let me in");
    await flow().message("[Approve]");

    await forgeApproval(flow().redisUrl);
    const again = await flow().message("no longer counts");
    const thread = () =>
      flow()
        .sandbox.slack.replies(again)
        .map(textOf)
        .find((text) => text.includes("no longer counts"));

    expect(await flow().until(thread)).toContain("does not carry our seal");
    expect(flow().sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  });

  test("another person writes at the same time: the change is planned again on what is there then", async () => {
    await request("debug");
    const edit = () =>
      flow().sandbox.cluster.editAwsAuth(
        (configMap) => ({ ...configMap, data: { ...initialAwsAuth, mapAccounts: '- "444455556666"\n' } }),
        "kubectl-edit",
      );
    await flow().message("[Approve]");
    flow().sandbox.faults.plan("kubernetes.replace-configmap", { type: "watch" }, { onStrike: edit });

    await approve();
    await flow().message("*Active*");

    const data = flow().sandbox.cluster.awsAuth()?.data;
    expect(data?.mapAccounts).toBe('- "444455556666"\n');
    expect(data?.mapUsers).toContain(arns.engineer);
    expect(await flow().sandbox.getPods()).toMatchObject({ ok: true });
  });

  test("an admission webhook says no to the dry run: the lease fails at once with its words in the thread, and nothing is written", async () => {
    await request("debug");
    await flow().message("[Approve]");
    const message = 'admission webhook "aws-auth.example.com" denied the request: the freeze is on';
    const body = JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      message,
      reason: "Forbidden",
      code: 403,
    });
    flow().sandbox.faults.plan("kubernetes.dry-run-configmap", { type: "answer", status: 403, body });

    await approve();
    const failed = await flow().message("*Failed*");
    const said = await flow().until(() =>
      flow()
        .sandbox.slack.replies(failed)
        .find(({ text }) => text.includes(message)),
    );

    expect(wholeTextOf(failed)).toContain("The thread has the fix");
    expect(said.text).toContain("Let that webhook or policy allow this.");
    expect((await audit()).types).not.toContain("lease.writing");
    expect(flow().sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  });

  test("the cluster does not answer for a while: the message says so, then the lease becomes active", async () => {
    await request("debug");
    await flow().message("[Approve]");
    const fault = flow().sandbox.faults.plan("kubernetes.get-configmap", { type: "cut-before" }, forLong);

    await approve();
    const delayed = textOf(await flow().message("next try"));
    fault.cancel();
    await flow().message("*Active*");

    expect(delayed).toContain("Applying");
    expect(textOf(await flow().message("*Active*"))).not.toContain("next try");
  });

  test("a worker that is killed right after its write leaves one entry, and the next one proves it", async () => {
    await request("debug");
    await flow().message("[Approve]");
    const killed = new Promise<void>((resolve) => {
      flow().sandbox.faults.plan(
        "kubernetes.replace-configmap",
        { type: "cut-after" },
        { onStrike: () => void flow().worker().kill().then(resolve) },
      );
    });

    await approve();
    await killed;
    await flow().startWorker();
    await flow().message("*Active*");

    const { types, verdict } = await audit();
    expect(flow().sandbox.cluster.awsAuth()?.data?.mapUsers?.split(arns.engineer)).toHaveLength(2);
    expect(types.filter((type) => type === "lease.active")).toHaveLength(1);
    expect(verdict.type).toBe("whole");
  });

  test("an entry that changed between preview and approval makes the approval void, and it is asked for again", async () => {
    await request("debug");
    await flow().message("[Approve]");
    const entry = `- userarn: ${arns.engineer}\n  username: engineer\n  groups: [developers]\n`;
    await flow().sandbox.cluster.editAwsAuth((configMap) => ({
      ...configMap,
      data: { ...initialAwsAuth, mapUsers: entry },
    }));

    await approve();
    const again = await flow().message("no longer counts");
    await flow().sandbox.slack.until(() =>
      textOf(flow().messages().at(-1) ?? again).includes("[Approve]") ? true : undefined,
    );
    await approve();
    await flow().message("*Active*");

    expect(flow().sandbox.cluster.awsAuth()?.data?.mapUsers).toContain("groups: [developers, ");
    expect((await audit()).types).toContain("approval.void");
  });

  test("the end of a lease waits for a cluster that does not answer, and the entry is not forgotten", async () => {
    await flow()
      .sandbox.slack.person("U0ENGINEER")
      .command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 2m short`, channel);
    await approve();
    await flow().message("*Active*");
    const fault = flow().sandbox.faults.plan("sts.AssumeRole", { type: "cut-before" }, forLong);

    flow().moveClock(125);
    const waiting = textOf(await flow().message("next try"));
    fault.cancel();
    await flow().message("*Ended*");

    expect(waiting).not.toContain("*Ended*");
    expect(flow().sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  });

  test("the creator can't be assumed: the lease waits, is never called active before it is, and needs no new request", async () => {
    await request("debug");
    await flow().message("[Approve]");
    flow().sandbox.aws.account.setTrust(arns.creator, { principals: [] });

    await approve();
    const told = textOf(await flow().told("I can't work on"));
    const card = textOf(await flow().message("failing; next try"));
    const meanwhile = (await audit()).types;
    const untouched = flow().sandbox.cluster.awsAuth()?.data;
    flow().sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });
    await flow().message("*Active*");

    expect(told).not.toContain("AccessDenied");
    expect(card).toContain("[Details]");
    expect(card).not.toContain("AWS refused");
    expect(meanwhile).not.toContain("lease.active");
    expect(untouched).toEqual(initialAwsAuth);
  });

  const admit = (webhook: AwsAuthWebhook | null) => flow().sandbox.cluster.admit(webhook);
  const dataNow = () => flow().sandbox.cluster.awsAuth()?.data;
  const webhook = "an admission webhook changes each real write, and no dry run,";

  test(`${webhook} to make us an administrator: never active, gone at once, and engineer and operators read why`, async () => {
    const group = '- "eks-access:viewers"\n';
    await admit(({ mapUsers = "", ...data }) => ({
      ...data,
      ...(mapUsers !== "" && { mapUsers: mapUsers.replace(group, `${group}    - "system:masters"\n`) }),
    }));

    await request("debug");
    await approve();
    const failed = wholeTextOf(await flow().message("*Failed*"));
    const alarm = textOf(await flow().message("changes aws-auth of"));
    // While it is removed, the message says it with other words.
    const told = textOf(await flow().told("couldn't be applied: "));

    expect(failed).toContain("An admission webhook gave");
    expect(told).toContain("more than planned");
    expect(alarm).toContain("eks-access:viewers, system:masters instead of");
    expect(dataNow()).toEqual(initialAwsAuth);
    expect(flow().sandbox.cluster.awsAuth()?.metadata.annotations?.["eks-access/leases"]).not.toContain(arns.engineer);
    expect(await flow().sandbox.getPods()).toMatchObject({ ok: false });
    const { types, verdict } = await audit();
    expect(types).toContain("write.changed");
    expect(types).not.toContain("lease.active");
    expect(verdict.type).toBe("whole");
  });

  test(`${webhook} to restore what a revocation removes: it is never called ended, operators read it, and later looks remove it`, async () => {
    await request("debug");
    await approve();
    await flow().message("*Active*");
    const { mapUsers = "" } = dataNow() ?? {};
    await admit((data) => ({ ...data, mapUsers }));

    await flow()
      .sandbox.slack.person("U0ENGINEER")
      .click(await flow().told("[I'm done]"), "done");
    const waiting = textOf(await flow().message("next try"));
    await flow().message("changes aws-auth of");
    await admit(null);
    await flow().message("*Ended*");

    expect(waiting).not.toContain("*Ended*");
    expect(waiting).not.toContain("*Active*");
    expect(dataNow()).toEqual(initialAwsAuth);
  });
});

describe("configuration", () => {
  test("a channel that the bot is not in is reported to the requester, and wedges nothing: an approver decides in a direct message", async () => {
    const flow = await startFlow({ configuration: configuration.replace(channel, "C0NOTHERE") });

    const { person } = flow.sandbox.slack;
    await person("U0ENGINEER").command(ask("debug"), channel);
    const told = textOf(await flow.told("Couldn't reach the approvers"));
    const asked = await flow.until(() => person("U0APPROVER").directMessages().at(-1));
    await person("U0APPROVER").click(asked, "approve");

    expect(told).toContain("channel_not_found");
    expect(textOf(await flow.told("`) is active until"))).toContain("aws eks update-kubeconfig");
    await flow.stop();
  });
});
