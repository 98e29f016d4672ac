import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getPods } from "../../sandbox/sandbox.ts";
import { account, arns, channel, clusterArn, configuration, initialAwsAuth, region } from "../../sandbox/scene.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

let flow: Flow;

/** A flow for the tests of a `describe`, in which entries stand so long beside aws-auth before anything goes out of it. */
function useFlow(settleEntries: string): void {
  beforeAll(async () => {
    flow = await startFlow({
      configuration: configuration.replace("settleEntries: 2s", `settleEntries: ${settleEntries}`),
      prepare: ({ aws }) => {
        Object.assign(aws.eks, { updateMs: 200, entryDelayMs: 50 });
        aws.account.setAllowed(arns.worker, ["sts:*", "eks:*"]);
      },
    });
  });
  afterAll(() => flow.stop());
}

const person = (id: string) => flow.sandbox.slack.person(id);
const command = (user: string, text: string) => person(user).command(`/eks-access migrate staging ${text}`, channel);
const modeNow = () => flow.sandbox.aws.accessOf(clusterArn("staging"))?.mode;
const rolesNow = () => flow.sandbox.cluster.awsAuth()?.data?.mapRoles ?? "";
const adminsSignIn = () => expect.poll(() => flow.sandbox.getPods("U0APPROVER")).toMatchObject({ ok: true });

/** The message of this migration, when it says this. */
const message = (id: string, text: string | RegExp) =>
  flow.until(() =>
    flow.sandbox.slack.messages(channel).findLast((each) => {
      const shown = wholeTextOf(each);
      return shown.includes(id) && (typeof text === "string" ? shown.includes(text) : text.test(shown));
    }),
  );

/** The card has no Approve: its details show the whole plan. */
async function approve(id: string, user: string, after: string, part = "Create the access entry"): Promise<void> {
  const before = person(user).view()?.id;
  await person(user).click(await message(id, "[Review]"), "details");
  const details = await flow.until(() => {
    const view = person(user).view();
    return view?.id !== before &&
      view?.title === "Plan" &&
      textOf(view).includes(part) &&
      textOf(view).includes("[Approve this plan]")
      ? view
      : undefined;
  });
  await person(user).click(details, "approve");
  await message(id, after);
}

/** Kills the worker right after this call took effect, and starts another one. */
function killAt(call: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onStrike = () =>
      void flow
        .worker()
        .kill()
        .then(flow.startWorker)
        .then(() => resolve(), reject);
    flow.sandbox.faults.plan(call, { type: "cut-after" }, { onStrike });
  });
}

describe("where entries stand for long beside aws-auth", () => {
  useFlow("1h");

  test("a role that Identity Center made again gets the dead one's entry back: asked in a line, approved by two clicks, and reported", async () => {
    const id = "migration-staging-1";
    const role = (suffix: string) => `AWSReservedSSO_Developer_${suffix.repeat(16)}`;
    const inMap = (name: string) => `arn:aws:iam::${account}:role/${name}`;
    const { aws, cluster } = flow.sandbox;
    aws.account.addRole({ name: role("b"), path: "/aws-reserved/sso.amazonaws.com/" });
    const lives = inMap(role("b")).replace("role/", "role/aws-reserved/sso.amazonaws.com/");
    const item = `- rolearn: ${inMap(role("a"))}\n  username: dev:{{SessionName}}\n  groups: [eks-access:viewers]\n`;
    const mapRoles = `${rolesNow()}${item}`;
    await cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...configMap.data, mapRoles } }));
    const alice = aws.account.sessionFor(lives, "alice@example.com");
    const signsIn = () => getPods(cluster, region, alice);
    expect(await signsIn()).toMatchObject({ ok: false });

    const printed = `arn:aws:sts::${account}:assumed-role/${role("b")}/alice@example.com`;
    await person("U0APPROVER").command(`/eks-access repair staging ${printed}`, channel);
    await approve(id, "U0APPROVER", "Waiting for another approver", "gets the same");
    expect(rolesNow()).toBe(mapRoles);
    await approve(id, "U0APPROVER2", "*Done*", "gets the same");

    expect(rolesNow().startsWith(mapRoles)).toBe(true);
    await expect.poll(signsIn).toMatchObject({ ok: true });
    await cluster.editAwsAuth((configMap) => ({ ...configMap, data: initialAwsAuth }));
  });

  test("a change between the approvals and the first step needs new approvals; after a kill it continues; and a person stops it", async () => {
    const id = "migration-staging-2";
    await command("U0APPROVER", "ask");
    await approve(id, "U0APPROVER", "Waiting for another approver");
    const mapRoles = rolesNow().replace("platform-admin:", "platform:");
    flow.sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...configMap.data, mapRoles } }));
    await approve(id, "U0APPROVER2", "an approval no longer counts");
    expect(modeNow()).toBe("CONFIG_MAP");

    const killed = killAt("eks.CreateAccessEntry");
    await approve(id, "U0APPROVER2", "Approved by <@U0APPROVER2>");
    await approve(id, "U0APPROVER", "Running: ");
    await killed;
    const settling = await message(id, "Items stay until");
    await person("U0APPROVER").click(settling, "stop-migration");

    await message(id, /\*Stopped\* by <@U0APPROVER>[\s\S]*2 steps done and kept/);
    expect(modeNow()).toBe("API_AND_CONFIG_MAP");
    expect(rolesNow()).toBe(mapRoles);
    await adminsSignIn();
  });
});

describe("where entries stand for a second beside aws-auth", () => {
  useFlow("1s");

  test("one that two approve is carried out though its worker is killed at its last write, and reported as done", async () => {
    const id = "migration-staging-1";
    await command("U0APPROVER", "ask");
    await approve(id, "U0APPROVER", "Waiting for another approver");
    const put = killAt("kubernetes.replace-configmap");
    await approve(id, "U0APPROVER2", "Running: ");

    const done = await message(id, "*Done*");
    await put;

    expect(rolesNow()).toContain(arns.node);
    expect(rolesNow()).not.toContain(arns.admins);
    expect(initialAwsAuth.mapRoles).toContain(arns.admins);
    await adminsSignIn();
    // Slack takes about one post a second: the thread follows the message.
    const thread = () => flow.sandbox.slack.replies(done).map(textOf).join("\n");
    await expect.poll(thread).toMatch(/approved by <@U0APPROVER2>.*`remove-from-aws-auth`.*\*Done\*/s);
    const { events, verdict } = await auditOf(flow.redisUrl);
    expect(verdict.type).toBe("whole");
    expect(events.flatMap(({ event }) => (event.request === id ? event.type : []))).toEqual([
      ...["migration.asked", "migration.planned", "migration.approved", "migration.approved"],
      ...["migration.begun", "migration.stepped", "migration.begun", "migration.stepped"],
      ...["migration.settling", "migration.begun", "migration.stepped", "migration.done"],
    ]);
  });
});
