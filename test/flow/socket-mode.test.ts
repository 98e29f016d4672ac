import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arns, channel, clusterName, configuration } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

describe("the main job in Socket Mode", () => {
  let flow: Flow;

  beforeAll(async () => {
    flow = await startFlow({
      configuration: `slack:\n  mode: socket\n${configuration}`,
      // No one can call the process, so there is nothing to verify with the one and to listen at with the other.
      without: ["SLACK_SIGNING_SECRET", "PORT"],
      // The libraries of Slack log every payload then, with the secret address of each answer: `stop` looks for it.
      environment: { LOG_LEVEL: "debug" },
    });
  });
  afterAll(() => flow.stop());

  const shown = (reason: string) =>
    flow.sandbox.slack
      .messages(channel)
      .map(textOf)
      .filter((text) => text.includes(reason));
  const connections = () => flow.sandbox.faults.calls("slack.apps.connections.open");

  test("goes from request to the end of the lease, while Slack asks to reconnect in the middle", async () => {
    const { sandbox } = flow;
    const [engineer, approver] = [sandbox.slack.person("U0ENGINEER"), sandbox.slack.person("U0APPROVER")];

    const ack = await engineer.command(
      `/eks-access request ${clusterName} ${arns.engineer} viewer for 2m look into the failing rollout`,
      channel,
    );
    const asked = await flow.asked("look into the failing rollout");
    sandbox.slack.refreshSockets();
    await expect.poll(connections).toBe(2);
    // A click that meets the moment between the two connections is lost, and the person clicks again.
    const click = () => approver.click(asked, "approve").catch(() => undefined);
    await expect.poll(async () => (await click())?.status).toBe(200);
    const active = await flow.active();
    const during = await sandbox.getPods();
    flow.moveClock(125);
    const ended = await flow.message("*Ended*");
    flow.moveClock(0);
    const after = await sandbox.getPods();

    expect(ack.status).toBe(200);
    expect(sandbox.slack.replies(active).map(textOf).join()).toContain("✓ mapped");
    expect(during).toMatchObject({ ok: true });
    expect(ended.ts).toBe(active.ts);
    expect(after.output).toBe("error: You must be logged in to the server (Unauthorized)");
  });

  test("the form opens and is sent through the socket, and its mistakes come back through it", async () => {
    const engineer = flow.sandbox.slack.person("U0ENGINEER");
    // The connection can be a new one, since the clock jumped: a line that meets none is lost, and the person types it again.
    const typed = () => engineer.command("/eks-access request", channel).catch(() => undefined);
    await expect.poll(async () => (await typed())?.status).toBe(200);
    const opened = await flow.until(() => engineer.view());
    await engineer.choose(opened, "IAM role or user", "arn:aws:iam::111122223333:role/team/developers");
    const hinted = await flow.until(() => (engineer.view()?.updates === 1 ? engineer.view() : undefined));
    await engineer.submit({ "For how long": "30m", Why: "read the logs" });
    const errors = engineer.view()?.errors;
    await engineer.submit({ "IAM role or user": arns.engineer });

    expect(textOf(hinted)).toContain("Write `arn:aws:iam::111122223333:role/developers` instead.");
    expect(errors?.["principal/0"]).toContain("without its path");
    expect(engineer.view()).toBeUndefined();
    expect(textOf(await flow.asked("read the logs"))).toContain("`viewer` on `staging`");
  });

  test("what comes again over the socket is acknowledged, and done once", async () => {
    const engineer = flow.sandbox.slack.person("U0ENGINEER");
    const reason = "asked once, sent twice";
    await engineer.command(`/eks-access request ${clusterName} ${arns.engineer} admin for 30m ${reason}`, channel);

    const again = await flow.sandbox.slack.redeliver();
    await engineer.command("/eks-access list mine", channel);
    const list = textOf(await flow.answer("U0ENGINEER", "*Your requests*"));

    expect(again.status).toBe(200);
    expect(list.split(reason)).toHaveLength(2);
  });

  test("a message of megabytes is not read: it ends its connection, and the next one is answered", async () => {
    const engineer = flow.sandbox.slack.person("U0ENGINEER");
    const before = connections();

    const ack = await engineer.command(`/eks-access help ${"x".repeat(2 ** 21)}`, channel);
    const typed = () => engineer.command("/eks-access help", channel).catch(() => undefined);
    await expect.poll(async () => (await typed())?.status).toBe(200);

    expect(ack.status).toBe(0);
    expect(connections()).toBeGreaterThan(before);
  });

  test("two Slack processes at once: each request has one message, and of two clicks one wins", async () => {
    const { sandbox } = flow;
    await flow.startSlack();
    await expect.poll(connections).toBeGreaterThanOrEqual(4);
    const reasons = ["first of two processes", "second of two processes", "third of two processes"];
    // Each for a principal of its own: a lease that begins would make another approval for the same one void (law 4).
    for (const [index, reason] of reasons.entries()) {
      const request = `${clusterName} ${arns.engineer}-${index} viewer for 30m ${reason}`;
      await sandbox.slack.person("U0ENGINEER").command(`/eks-access request ${request}`, channel);
    }

    const asked = await Promise.all(reasons.map((reason) => flow.asked(reason)));
    await Promise.all(
      asked.flatMap((message) =>
        ["U0APPROVER", "U0APPROVER2"].map((approver) => sandbox.slack.person(approver).click(message, "approve")),
      ),
    );
    await Promise.all(reasons.map((reason) => flow.until(() => shown(reason).find((text) => /\*Active\*/.test(text)))));

    expect(reasons.map((reason) => shown(reason).length)).toEqual([1, 1, 1]);
  });

  test("a slack process that stops says goodbye: what comes then goes to the other one", async () => {
    const engineer = flow.sandbox.slack.person("U0ENGINEER");

    const code = await flow.slack().stop();
    const acks = [await engineer.command("/eks-access help", channel), await engineer.command("/eks-access", channel)];

    expect(code).toBe(0);
    expect(acks.map(({ status }) => status)).toEqual([200, 200]);
  });

  test("each change is in the audit log once", async () => {
    const { verdict, types } = await auditOf(flow.redisUrl);

    expect(verdict.type).toBe("whole");
    expect(types.filter((type) => type === "request.approved")).toHaveLength(4);
    expect(types.filter((type) => type === "lease.ended")).toHaveLength(1);
  });
});
