import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SandboxView } from "../../../sandbox/slack/inputs.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLink } from "../../builders/a-link.ts";
import { aRequest, engineerArn } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

beforeAll(async () => {
  app = await aSlackApp();
});
afterAll(() => app.stop());

const oneCluster = `
    eksName: EKS
    region: eu-central-1
    account: "111122223333"
    creator:
      roleArn: arn:aws:iam::111122223333:role/cluster-creator
    channel: C0ACCESS
    approvers: [U0APPROVER, U0APPROVER2]
    levels: [viewer, admin]
`;

const path = "arn:aws:iam::111122223333:role/teams/payments/developers";

/** The open form, once it fits. */
function form(user: string, fits: (view: SandboxView) => boolean = () => true): Promise<SandboxView> {
  return app.slack.until(() => {
    const view = app.person(user).view();
    return view && fits(view) ? view : undefined;
  });
}

async function openForm(user: string): Promise<SandboxView> {
  await app.person(user).command("/eks-access request", "C0ACCESS");
  return form(user);
}

const has = (id: string) => (view: SandboxView) => view.blocks.some((block) => block.block_id === id);
const valueAt = (view: SandboxView, id: string) => Object.values(view.inputs[id] ?? {})[0];

describe("the form of a request", () => {
  test("follows what is chosen, keeps what is typed, and asks", async () => {
    const engineer = app.person("U0ENGINEER");
    const opened = await openForm("U0ENGINEER");
    engineer.fill({ Why: "read the logs" });
    await engineer.choose(opened, "Level", "admin");
    const admin = await form("U0ENGINEER", has("duration/staging/admin"));
    await engineer.choose(admin, "Level", "viewer");
    const viewer = await form("U0ENGINEER", has("duration/staging/viewer"));
    await engineer.submit({ "IAM role or user": engineerArn, "For how long": "4h" });

    expect(engineer.view()).toBeUndefined();
    expect(has("duration/staging/viewer")(opened)).toBe(false);
    expect(JSON.stringify(admin.blocks)).not.toContain('"2h"');
    expect(JSON.stringify(viewer.blocks)).toContain('"8h"');
    expect(valueAt(viewer, "reason")).toMatchObject({ value: "read the logs" });
    expect((await app.ledger.ofRequester("U0ENGINEER", 1))[0]).toMatchObject({
      reason: "read the logs",
      durationSeconds: 4 * 3600,
    });
  });

  test("remembers what was asked for last", async () => {
    await app.say("U0ONCALL", `request staging ${engineerArn} admin for 30m first time`);

    const opened = await openForm("U0ONCALL");
    await app.person("U0ONCALL").close();

    expect(valueAt(opened, "level/staging")).toMatchObject({ selected_option: { value: "admin" } });
    expect(valueAt(opened, "duration/staging/admin")).toMatchObject({ selected_option: { value: "30m" } });
    expect(valueAt(opened, "principal/0")).toMatchObject({ value: engineerArn });
    expect(valueAt(opened, "reason")).toMatchObject({ value: null });
  });

  test("says at once that an ARN has a path, and puts the right one in with a click", async () => {
    const approver = app.person("U0APPROVER");
    const opened = await openForm("U0APPROVER");
    await approver.choose(opened, "Level", "viewer");
    await approver.choose(await form("U0APPROVER"), "IAM role or user", path);
    const hinted = await form("U0APPROVER", (view) => textOf(view).includes("without its path"));
    await approver.click(hinted, "Use this one");
    const replaced = await form("U0APPROVER", has("principal/1"));
    await approver.submit({ Why: "a reason" });

    expect(textOf(hinted)).toContain("Write `arn:aws:iam::111122223333:role/developers` instead.");
    expect(valueAt(replaced, "principal/1")).toMatchObject({ value: "arn:aws:iam::111122223333:role/developers" });
    expect(textOf(replaced)).not.toContain("without its path");
    expect(approver.view()).toBeUndefined();
    await expect
      .poll(async () => (await app.ledger.ofRequester("U0APPROVER", 1))[0]?.principal)
      .toBe("arn:aws:iam::111122223333:role/developers");
  });

  test("takes the hint back when the ARN is right, and is left alone while nothing follows from what is typed", async () => {
    const approver = app.person("U0APPROVER2");
    const opened = await openForm("U0APPROVER2");
    await approver.choose(opened, "IAM role or user", path);
    const hinted = await form("U0APPROVER2", (view) => textOf(view).includes("without its path"));
    await approver.choose(hinted, "IAM role or user", engineerArn);
    const right = await form("U0APPROVER2", (view) => !textOf(view).includes("without its path"));
    await approver.choose(right, "IAM role or user", engineerArn.slice(0, -1));
    await approver.choose(right, "Level", "viewer");
    const after = await form("U0APPROVER2", has("duration/staging/viewer"));
    await approver.close();

    // Three changes of the form for four of what is in it.
    expect(after.updates).toBe(3);
    expect(valueAt(after, "principal/0")).toMatchObject({ value: engineerArn.slice(0, -1) });
  });

  test("shows what was typed last, although an earlier change comes in between", async () => {
    const approver = app.person("U0APPROVER2");
    const opened = await openForm("U0APPROVER2");

    // Both are sent from the form as it was opened: the second one is out of date when it arrives.
    await Promise.all([
      approver.choose(opened, "IAM role or user", path),
      approver.choose(opened, "IAM role or user", "arn:aws:iam::111122223333:group/developers"),
    ]);
    const last = await form("U0APPROVER2", (view) => textOf(view).includes("An IAM group can't get access"));
    await approver.close();

    expect(textOf(last)).not.toContain("without its path");
  });

  test("takes a time that is typed, as a line does, and offers it next time, where another choice counts", async () => {
    const engineer = app.person("U0APPROVER");
    await openForm("U0APPROVER");
    await engineer.submit({ "Or another time": "90 min", Why: "typed a time" });
    const [asked] = await app.ledger.ofRequester("U0APPROVER", 1);

    const opened = await openForm("U0APPROVER");
    await engineer.submit({ "For how long": "1h", Why: "chose a time" });
    const [askedAgain] = await app.ledger.ofRequester("U0APPROVER", 1);

    expect(asked).toMatchObject({ reason: "typed a time", durationSeconds: 90 * 60 });
    expect(valueAt(opened, "duration/staging/viewer")).toMatchObject({ selected_option: { value: "1h30m" } });
    expect(askedAgain).toMatchObject({ reason: "chose a time", durationSeconds: 3600 });
  });

  test.each([
    ["soon", '"soon" is not a duration. Write for example 30m, 4h or 1h30m.'],
    ["9 hours", "8h"],
    ["0m", '"0m" is not a duration.'],
  ])("says at the field of a time that is typed what is wrong with %s", async (typed, says) => {
    const engineer = app.person("U0ENGINEER");
    await openForm("U0ENGINEER");

    const { errors } = await engineer.submit({ "Or another time": typed, Why: "a reason" });
    await engineer.close();

    expect(errors).toEqual({ "other-duration/staging/viewer": expect.stringContaining(says) });
  });

  test("shows mistakes at their fields", async () => {
    const engineer = app.person("U0ENGINEER");
    await openForm("U0ENGINEER");

    const { errors } = await engineer.submit({ "IAM role or user": path, Why: "  " });
    const { errors: ofName } = await engineer.submit({ "IAM role or user": "alice", Why: "a reason" });
    await engineer.close();

    expect(errors["principal/0"]).toContain("arn:aws:iam::111122223333:role/developers");
    expect(errors.reason).toBe("Say why you need it.");
    // No backquotes: Slack shows a field's error as it is.
    expect(ofName["principal/0"]).toMatch(/Write arn:aws:iam::<12 digits>:role\/<name>, or/);
  });

  test("that comes too late for Slack says so, and that one may try again", async () => {
    const body = JSON.stringify({ ok: false, error: "expired_trigger_id" });
    app.slack.faults.plan("slack.views.open", { type: "answer", status: 200, body });

    const answer = await app.say("U0ENGINEER", "request");

    expect(textOf(answer)).toContain("Slack waits three seconds for a form. Try again.");
  });

  const withShops = () => {
    const clusters = Array.from(
      { length: 120 },
      (_, index) => `  shop-${index}:${oneCluster.replace("EKS", `eks-${index}`)}`,
    );
    return aSlackApp({
      config: configText.replace(/clusters:\n[\s\S]*?levels:\n/, `clusters:\n${clusters.join("")}levels:\n`),
    });
  };

  test("opens with the cluster that alone follows the word, and the level of the last request", async () => {
    const other = await withShops();
    await other.put({ ...aRequest(), cluster: "shop-5", level: "viewer" });
    const engineer = other.person("U0ENGINEER");

    await engineer.command("/eks-access request Shop-117", "C0ACCESS");
    const opened = await other.slack.until(() => engineer.view());
    await other.stop();

    expect(has("duration/shop-117/viewer")(opened)).toBe(true);
  });

  test("finds a cluster among more than a list holds by a part of its name", async () => {
    const other = await withShops();
    const engineer = other.person("U0ENGINEER");

    await engineer.command("/eks-access request", "C0ACCESS");
    const opened = await other.slack.until(() => engineer.view());
    const found = await engineer.suggestions("Cluster", "p-11");
    await engineer.choose(opened, "Cluster", "shop-117");
    const chosen = await other.slack.until(() => {
      const view = engineer.view();
      return view && has("level/shop-117")(view) ? view : undefined;
    });
    await other.stop();

    expect(found).toEqual(["shop-11", ...Array.from({ length: 10 }, (_, index) => `shop-11${index}`)]);
    expect(valueAt(chosen, "cluster")).toMatchObject({ selected_option: { value: "shop-117" } });
  });

  test("opens without what it remembers where the ledger does not answer", async () => {
    const never = new Promise<never>(() => {});
    const other = await aSlackApp({ ledger: (ledger) => ({ ...ledger, linksOf: () => never }) });

    await other.person("U0ENGINEER").command("/eks-access request", "C0ACCESS");
    const view = await other.slack.until(() => other.person("U0ENGINEER").view());
    await other.stop();

    expect(view.title).toBe("Ask for access");
  });
});

describe("a request in one line", () => {
  test("is for the linked principal where it names none, and says all that was understood", async () => {
    await app.ledger.linkPrincipal("U0ENGINEER", aLink("U0ENGINEER", engineerArn));

    const answer = textOf(await app.say("U0ENGINEER", "request staging viewer 2 hours debug the queue"));

    expect(answer).toContain("Requested `viewer` on `staging` for 2h");
    expect(answer).toContain(`Principal: \`${engineerArn}\`. Reason: debug the queue`);
    expect((await app.ledger.ofRequester("U0ENGINEER", 1))[0]).toMatchObject({
      principal: engineerArn,
      durationSeconds: 7200,
      reason: "debug the queue",
    });
  });

  test("is read without what no one sees in it, so that no line to copy has it", async () => {
    const line = `request sta\u200bgin viewer \u2060${engineerArn}\ufeff 2h look\u00ad at it`;

    const answer = textOf(await app.say("U0ENGINEER", line));

    expect(answer).toContain(`/eks-access request staging ${engineerArn} viewer for 2h look at it`);
  });

  test("asks for an ARN where nothing is linked", async () => {
    const answer = textOf(await app.say("U0APPROVER2", "request staging viewer debug"));

    expect(answer).toContain("Say which role or user.");
    expect(answer).toContain("/eks-access request staging <arn> viewer debug");
  });
});
