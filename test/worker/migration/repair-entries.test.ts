import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { policyArnOf } from "../../../sandbox/aws/access-entry-rules.ts";
import { getPods, type Sandbox } from "../../../sandbox/sandbox.ts";
import { account, arns, initialAwsAuth, region } from "../../../sandbox/scene.ts";
import { judgeStop } from "../../../src/access/decide-migration.ts";
import { createMigration, type Migration, type Replacement, type SealedPlan } from "../../../src/access/migration.ts";
import { clusterArnOf } from "../../../src/access/policy/cluster.ts";
import { sealMigrationPlan } from "../../../src/access/seals.ts";
import { accessEntriesOf } from "../../../src/aws/access-entries.ts";
import { entryOf as itemOf, parseDocument } from "../../../src/aws-auth/index.ts";
import { applyPlan } from "../../../src/bin/migrate.ts";
import { digestOfRepair } from "../../../src/diagnosis/migration/plan-repair.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { migrationState } from "../../../src/slack/migrate/migration-words.ts";
import { openEks } from "../../../src/worker/open-eks.ts";
import { runCommand } from "../../bin/check-run.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { sceneConfig } from "../../fault/reconcile-scene.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { dyingAt, type MigrationScene, migrationScene, startMigrationSandbox } from "./migration-scene.ts";

const { cluster } = sceneConfig();
const path = "/aws-reserved/sso.amazonaws.com/";
const older = "AWSReservedSSO_Developer_aaaaaaaaaaaaaaaa";
const newer = "AWSReservedSSO_Developer_bbbbbbbbbbbbbbbb";
const withPath = (name: string) => `arn:aws:iam::${account}:role${path}${name}`;
const inMap = (name: string) => `arn:aws:iam::${account}:role/${name}`;
const printed = `arn:aws:sts::${account}:assumed-role/${newer}/alice@example.com`;
let sandbox: Sandbox;
let scene: MigrationScene;

beforeEach(async () => {
  sandbox = await startMigrationSandbox();
  scene = migrationScene(memoryLedger());
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await sandbox.stop();
});

/** The directory makes the role of a permission set again: its suffix is another one. */
function replaceRole(): void {
  sandbox.aws.account.addRole({ name: newer, path });
}

function giveEntries(...entries: readonly { readonly arn: string; readonly username?: string }[]): void {
  const policies = [policyArnOf("aws", "AmazonEKSViewPolicy")];
  const accessEntries = entries.map(({ arn, username = "dev:{{SessionName}}" }) => {
    return { principalArn: arn, username, groups: ["devs"], policies };
  });
  sandbox.aws.updateCluster(clusterArnOf(cluster), { authenticationMode: "API_AND_CONFIG_MAP", accessEntries });
}

const entryOf = async (principalArn: string) =>
  accessEntriesOf(await openEks("default", cluster)).describe(principalArn);

const podsOf = async (arn: string) =>
  (await getPods(sandbox.cluster, region, sandbox.aws.account.sessionFor(arn, "alice@example.com"))).output;
const repair = (...given: readonly string[]) => scene.ask(given, "repair");
const rolesNow = () => sandbox.cluster.awsAuth()?.data?.mapRoles ?? "";
const viewer = { username: "dev:{{SessionName}}", groups: ["devs"], policies: [{ name: "AmazonEKSViewPolicy" }] };

describe("an item of aws-auth for a role that has another suffix now", () => {
  const item = `- rolearn: ${inMap(older)}
  username: dev:{{SessionName}}
  groups: [eks-access:viewers] # the developers
`;

  beforeEach(() => {
    replaceRole();
    sandbox.cluster.editAwsAuth((configMap) => ({
      ...configMap,
      data: { ...initialAwsAuth, mapRoles: `${initialAwsAuth.mapRoles}${item}` },
    }));
  });

  test("is written for the role that lives, after two approvals, and its people sign in", async () => {
    expect(await podsOf(withPath(newer))).toContain("Unauthorized");

    const planned = await repair(printed);
    expect(planned.plan?.summary.items).toEqual([
      {
        place: "mapRoles line 11",
        arn: inMap(older),
        outcome: "moves",
        sentences: [
          `${inMap(newer)} gets the same, as \`dev:{{SessionName}}\`, \`eks-access:viewers\`. This item stays.`,
        ],
      },
    ]);
    await scene.approve("U0APPROVER");
    await scene.look();
    expect(rolesNow()).not.toContain(newer);
    await scene.approve("U0APPROVER2");
    const done = await scene.toItsEnd();

    expect(done).toMatchObject({ state: "done", done: [{ name: "replace-in-aws-auth" }] });
    expect(rolesNow().startsWith(`${initialAwsAuth.mapRoles}${item}`)).toBe(true);
    await expect.poll(() => podsOf(withPath(newer))).toContain("shop-");
  });

  test("stays if it changed after the approval: the approvers decide again", async () => {
    await repair(printed);
    await scene.approve("U0APPROVER", "U0APPROVER2");
    sandbox.cluster.editAwsAuth((configMap) => ({
      ...configMap,
      data: { ...configMap.data, mapRoles: rolesNow().replace("eks-access:viewers", "eks-access:admins") },
    }));

    const after = await scene.look();

    expect(after).toMatchObject({ state: "pending", voided: { message: expect.stringContaining("changed since") } });
    expect(rolesNow()).not.toContain(newer);
  });

  test("stays if a writer of Redis changes the approved replacements", async () => {
    await repair(printed);
    const running = await scene.approve("U0APPROVER", "U0APPROVER2");
    const replacements = running.plan?.replacements?.map((each) => ({ ...each, groups: ["system:masters"] }));
    const forged = { ...running, version: running.version + 1, plan: { ...running.plan, replacements } } as Migration;
    await scene.ledger.commit({ after: forged, event: eventOf("migration.delayed", forged, "worker", new Date()) });

    expect(await scene.look()).toMatchObject({
      state: "pending",
      voided: { message: expect.stringContaining("not the approved") },
    });
    expect(rolesNow()).not.toMatch(/masters.*devs|AWSReservedSSO_Developer_b/s);
  });
});

describe("an access entry", () => {
  test("of a role that has another suffix now goes to the role that lives, with its groups and policies", async () => {
    sandbox.aws.account.addRole({ name: older, path });
    giveEntries({ arn: withPath(older), username: `arn:aws:sts::${account}:assumed-role/${older}/{{SessionName}}` });
    sandbox.aws.account.removeIdentity(withPath(older));
    replaceRole();

    await repair(printed);
    await scene.approve("U0APPROVER", "U0APPROVER2");
    expect(await scene.toItsEnd()).toMatchObject({
      state: "done",
      done: [{ name: `replace-entry ${withPath(older)}` }],
    });

    expect(await entryOf(withPath(older))).toBeNull();
    const username = `arn:aws:sts::${account}:assumed-role/${newer}/{{SessionName}}`;
    expect(await entryOf(withPath(newer))).toMatchObject({ ...viewer, username });
    await expect.poll(() => podsOf(withPath(newer))).toContain("shop-");
  });

  test("of a role that was made again under its name is made again for it, as IAM's answer names it", async () => {
    const { arn } = sandbox.aws.account.addRole({ name: "developer" });
    giveEntries({ arn });
    sandbox.aws.account.removeIdentity(arn);
    sandbox.aws.account.addRole({ name: "developer", createdAt: new Date(Date.now() + 60_000) });
    expect(await podsOf(arn)).toContain("Unauthorized");

    await repair();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    expect(await scene.toItsEnd()).toMatchObject({ state: "done" });

    expect(await entryOf(arn)).toMatchObject(viewer);
    await expect.poll(() => podsOf(arn)).toContain("shop-");
  });

  test("of a role that was made again is none to a migration: its item of aws-auth, by which its people sign in, stays", async () => {
    const { arn } = sandbox.aws.account.addRole({ name: "developer" });
    giveEntries({ arn });
    sandbox.aws.account.removeIdentity(arn);
    sandbox.aws.account.addRole({ name: "developer", createdAt: new Date(Date.now() + 60_000) });
    const item = `- rolearn: ${arn}\n  username: dev:{{SessionName}}\n  groups: [eks-access:viewers]\n`;
    sandbox.cluster.editAwsAuth((configMap) => ({
      ...configMap,
      data: { ...initialAwsAuth, mapRoles: `${initialAwsAuth.mapRoles}${item}` },
    }));
    const before = await podsOf(arn);

    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const { state, plan } = await scene.toItsEnd();

    expect([before, await podsOf(arn)]).toEqual([before, before]);
    expect(before).toContain("shop-");
    expect(state).toBe("done");
    expect(plan?.summary.items.find((each) => each.arn === arn)).toMatchObject({ outcome: "stays" });
    expect(rolesNow()).toContain(item);
  });

  test.each([1, 2, 3])("is whole after a crash at commit %i, or after it was stopped there", async (nth) => {
    const { arn } = sandbox.aws.account.addRole({ name: "developer" });
    giveEntries({ arn });
    sandbox.aws.account.removeIdentity(arn);
    sandbox.aws.account.addRole({ name: "developer" });
    await repair(arn);
    await scene.approve("U0APPROVER", "U0APPROVER2");

    await scene.look(dyingAt(scene.ledger, nth, "after")).catch(() => {});
    const stopped = await scene.now();
    const verdict = judgeStop(stopped, cluster, { user: "U0APPROVER", memberships: [] }, "no", new Date());
    if (verdict.type === "decided") {
      await scene.ledger.commit({
        after: verdict.after,
        event: eventOf("migration.stopped", verdict.after, "U0APPROVER", new Date()),
      });
    }
    await scene.toItsEnd();

    expect(await entryOf(arn)).toMatchObject(viewer);
  });
});

describe("an access entry that is deleted, and not made again yet, is not lost", () => {
  let arn: string;
  let other: string;
  let approved: Migration;
  let fault: { cancel: () => void };

  beforeEach(async () => {
    [arn = "", other = ""] = ["developer", "tester"].map((name) => sandbox.aws.account.addRole({ name }).arn);
    giveEntries({ arn }, { arn: other });
    for (const each of [arn, other]) sandbox.aws.account.removeIdentity(each);
    for (const name of ["developer", "tester"]) sandbox.aws.account.addRole({ name });
    await repair(arn, other);
    approved = await scene.approve("U0APPROVER", "U0APPROVER2");
    const headers = { "x-amzn-errortype": "ThrottlingException" };
    const answer = { type: "answer", status: 400, headers, body: "{}" } as const;
    fault = sandbox.aws.faults.plan("eks.CreateAccessEntry", answer, { times: 99 });
    await scene.look();
    expect(await entryOf(arn)).toBeNull();
  });

  const approversLeave = () => {
    scene = migrationScene(scene.ledger, { ...keys, decision: otherKeys.decision });
    scene.pass(120);
  };

  test("if another entry of the plan changes meanwhile: it is made before the approvers decide again", async () => {
    await accessEntriesOf(await openEks("default", cluster)).setGroups(other, ["testers"]);
    fault.cancel();

    expect(await scene.toItsEnd()).toMatchObject({
      state: "pending",
      voided: { message: expect.stringContaining(other) },
    });
    expect(await entryOf(arn)).toMatchObject(viewer);
  });

  test("if its approvals stop counting: they decide about the same plan again", async () => {
    approversLeave();
    const voided = await scene.look();
    fault.cancel();
    await scene.approve("U0APPROVER", "U0APPROVER2");

    expect(voided).toMatchObject({ state: "pending", approvals: [], plan: approved.plan });
    expect(await scene.toItsEnd()).toMatchObject({ state: "done" });
    expect(await entryOf(arn)).toMatchObject(viewer);
  });

  test("if its approvals stop counting while --apply carries it out, which says so and ends", async () => {
    approversLeave();
    const context = { ...scene.context(), pause: () => wait(50) };
    const application = { digest: approved.plan?.digest ?? "", backup: null, save: async () => {} };

    const { code, stdout } = await runCommand((_, io) => applyPlan(context, cluster, application, io), []);

    expect(code).toBe(1);
    expect(stdout).toMatch(/\nThe approvals no longer count: 0 of 2 .+ The approvers must decide again\.\n$/);
  });

  test("if no one approves again: the record and the audit log keep it, and the next repair that names it makes it", async () => {
    approversLeave();
    await scene.look();
    const stopped = await stop();

    expect(stopped).toMatchObject({ state: "stopped", begun: null, unmade: arn, done: [] });
    expect(await lastEvent()).toMatchObject({
      type: "migration.undone",
      detail: { entry: { from: arn, ...replaced } },
    });
    expect(migrationState(stopped)).toContain("its replacement missing");
    expect(migrationState(stopped)).toContain(`/eks-access repair staging ${arn}`);
    expect(migrationState(stopped)).not.toContain("Nothing changed");

    fault.cancel();
    const again = await repair(arn);
    expect(again.plan?.replacements).toMatchObject([{ from: arn, to: arn, ...replaced }]);
    await scene.approve("U0APPROVER", "U0APPROVER2");
    expect(await scene.toItsEnd()).toMatchObject({ state: "done" });
    expect(await entryOf(arn)).toMatchObject(viewer);
  });

  test("but a plan of days ago makes it no more: an administrator does, by the record", async () => {
    approversLeave();
    await scene.look();
    const stopped = await stop();
    fault.cancel();
    if (!stopped.plan) throw new Error("a worker planned it");
    const at = new Date(Date.now() - 3 * 86_400_000).toISOString();
    await change(stopped, sealMigrationPlan(stopped, { ...stopped.plan, at }, keys.preview));

    const refused = await repair(arn);

    expect(refused).toMatchObject({ state: "refused", refusal: { message: expect.stringContaining(stopped.id) } });
    expect(await entryOf(arn)).toBeNull();
  });

  test("nor by a record that a writer of Redis changed", async () => {
    approversLeave();
    await scene.look();
    const stopped = await stop();
    fault.cancel();
    if (!stopped.plan) throw new Error("a worker planned it");
    const replacements = stopped.plan.replacements?.map((each) => ({ ...each, groups: ["admins"] })) ?? [];
    const digest = digestOfRepair({ clusterArn: clusterArnOf(cluster) }, replacements);
    await change(stopped, { ...stopped.plan, replacements, digest, summary: { ...stopped.plan.summary, digest } });

    expect(await repair(arn)).toMatchObject({ state: "refused", plan: null });
  });

  const replaced = { username: viewer.username, groups: viewer.groups, policies: viewer.policies };

  async function stop(): Promise<Migration> {
    const verdict = judgeStop(await scene.now(), cluster, { user: "U0APPROVER", memberships: [] }, "no", new Date());
    if (verdict.type !== "decided") throw new Error(verdict.code);
    const event = eventOf("migration.stopped", verdict.after, "U0APPROVER", new Date());
    await scene.ledger.commit({ after: verdict.after, event });
    return scene.toItsEnd();
  }

  async function change(stopped: Migration, plan: SealedPlan): Promise<void> {
    const after = { ...stopped, version: stopped.version + 1, plan };
    await scene.ledger.commit({ after, event: eventOf("migration.delayed", after, "worker", new Date()) });
  }

  const lastEvent = async () => {
    const events = await scene.ledger.eventsOf((await scene.now()).id, 50);
    return events.at(-1)?.event;
  };
});

/** The attacker signs as any approver, and writes any record; only the worker's own seal is out of reach. */
describe("who has taken the Slack process, and can write to Redis, replaces nothing by a plan of their own", () => {
  const intruder = "arn:aws:iam::999900001111:user/intruder";

  async function forged(replacement: Replacement): Promise<Migration> {
    const asked = await repair(printed);
    const replacements = [replacement];
    const digest = digestOfRepair({ clusterArn: clusterArnOf(cluster) }, replacements);
    const summary = { mode: "CONFIG_MAP", items: [], steps: [], keptBecause: null, before: [], digest };
    const plan = { at: asked.createdAt, digest, summary, outs: [], replacements, seal: asked.plan?.seal ?? "" };
    const pending = createMigration({ ...asked, id: "migration-staging-2" }, new Date(), 24 * 3_600);
    const after: Migration = { ...pending, plan };
    await scene.ledger.commit({ after, event: eventOf("migration.planned", after, "worker", new Date()) });
    await scene.approve("U0APPROVER", "U0APPROVER2");
    return scene.look();
  }

  test("in aws-auth", async () => {
    const admins = itemOf(parseDocument(initialAwsAuth), arns.admins);
    if (!admins) throw new Error("the scene has administrators");
    const { username, groups } = admins;
    const before = rolesNow();

    const after = await forged({
      ...{ place: "aws-auth", from: arns.admins, to: intruder, username, groups: [...groups] },
      ...{ policies: [], tags: {}, createdAt: null },
    });

    expect(groups).toContain("system:masters");
    expect(sandbox.cluster.awsAuth()?.data?.mapUsers ?? "").not.toContain("intruder");
    expect(rolesNow()).toBe(before);
    expect(after).toMatchObject({ state: "pending", voided: { message: "the plan is not the approved one" } });
  });

  test("nor by a worker's plan of days ago: an entry that was replaced then, and that an administrator deleted since, stays deleted", async () => {
    const { arn } = sandbox.aws.account.addRole({ name: "developer" });
    giveEntries({ arn });
    sandbox.aws.account.removeIdentity(arn);
    sandbox.aws.account.addRole({ name: "developer" });
    const asked = await repair(arn);
    await accessEntriesOf(await openEks("default", cluster)).remove(arn);
    if (!asked.plan) throw new Error("a worker planned it");
    const at = new Date(Date.now() - 3 * 86_400_000).toISOString();
    const after = {
      ...asked,
      version: asked.version + 1,
      plan: sealMigrationPlan(asked, { ...asked.plan, at }, keys.preview),
    };
    await scene.ledger.commit({ after, event: eventOf("migration.planned", after, "worker", new Date()) });
    await scene.approve("U0APPROVER", "U0APPROVER2");

    expect(await scene.look()).toMatchObject({ state: "pending", voided: { message: "the plan is too old" } });

    expect(await entryOf(arn)).toBeNull();
  });

  test("among access entries", async () => {
    replaceRole();
    giveEntries({ arn: withPath(newer) });
    const live = await entryOf(withPath(newer));
    if (!live) throw new Error("the entry is made");
    const { username, groups, policies, createdAt = null } = live;

    await forged({
      ...{ place: "access-entry", from: withPath(newer), to: arns.developers, username, groups, policies },
      ...{ tags: {}, createdAt },
    });

    expect(await entryOf(arns.developers)).toBeNull();
    expect(await entryOf(withPath(newer))).toEqual(live);
  });
});
