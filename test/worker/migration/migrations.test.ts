import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { arns, initialAwsAuth } from "../../../sandbox/scene.ts";
import { judgeStop, retryMigration } from "../../../src/access/decide-migration.ts";
import { readKept } from "../../../src/access/lease/kept-documents.ts";
import { planReminders } from "../../../src/access/lists.ts";
import { type Migration, migrationDueAt } from "../../../src/access/migration.ts";
import { clusterArnOf, sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import { accessEntriesOf } from "../../../src/aws/access-entries.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { migrationState, migrationThreadOf } from "../../../src/slack/migrate/migration-words.ts";
import { lookAtMigration } from "../../../src/worker/migration/look-at-migration.ts";
import { reachCluster } from "../../../src/worker/open-cluster.ts";
import { openEks } from "../../../src/worker/open-eks.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { closeMigrationOfCluster } from "../../../src/worker/retire.ts";
import { reviseMigration } from "../../builders/a-migration.ts";
import { keys } from "../../builders/keys.ts";
import { sceneConfig } from "../../fault/reconcile-scene.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { give, requestOf, revokeGiven } from "../reconcile/both-ways.ts";
import { dyingAt, type MigrationScene, migrationScene, startMigrationSandbox } from "./migration-scene.ts";

const { cluster } = sceneConfig();
let sandbox: Sandbox;
let putBack: () => void;
let scene: MigrationScene;

beforeAll(async () => {
  sandbox = await startMigrationSandbox();
  putBack = sandbox.keep();
});
beforeEach(() => {
  scene = migrationScene(memoryLedger());
});
afterEach(() => {
  sandbox.faults.clear();
  sandbox.aws.eks.entryDelayMs = 20;
  putBack();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await sandbox.stop();
});

const entryOf = async (principalArn: string) =>
  accessEntriesOf(await openEks("default", cluster)).describe(principalArn);
const entryOfAdmins = () => entryOf(arns.admins);

const modeNow = () => sandbox.aws.accessOf(clusterArnOf(cluster))?.mode;
const rolesNow = () => sandbox.cluster.awsAuth()?.data?.mapRoles ?? "";
const typesOf = async ({ id }: Migration) => (await scene.ledger.eventsOf(id, 99)).map(({ event }) => event.type);
const adminsSignIn = () => expect.poll(() => sandbox.getPods("U0APPROVER")).toMatchObject({ ok: true });
const staging = { user: "U0APPROVER", memberships: [] };

/** A person stops it, as Slack does. */
async function stop(): Promise<void> {
  const migration = await scene.now();
  const now = scene.context().now();
  const verdict = judgeStop(migration, cluster, staging, "not today", now);
  if (verdict.type === "refused") throw new Error(verdict.code);
  const event = eventOf("migration.stopped", verdict.after, "U0APPROVER", now);
  await scene.ledger.commit({ after: verdict.after, event });
}

/** Others rename the administrators in aws-auth, so there is another plan. */
function renameAdmins(): void {
  const mapRoles = initialAwsAuth.mapRoles?.replace("platform-admin:", "platform:") ?? "";
  sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles } }));
}

/** A person tries it again, as Slack does. */
async function tryAgain(): Promise<void> {
  const now = scene.context().now();
  const again = retryMigration(await scene.now(), cluster, staging, now);
  if (again.type === "refused") throw new Error(again.code);
  await scene.ledger.commit({
    after: again.after,
    event: eventOf("migration.retried", again.after, "U0APPROVER", now),
  });
}

test.each([
  ["that runs", false, "migration.refused"],
  ["that a person stopped during a step", true, "migration.undone"],
])(
  "a migration %s is closed when its deleted cluster is retired: no worker tries it again",
  async (_, isStopped, type) => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    await scene.look(dyingAt(scene.ledger, 2, "before")).catch(() => {});
    if (isStopped) await stop();
    const before = await scene.now();
    expect([before.begun?.name, migrationDueAt(before)]).toEqual(["switch-mode", expect.any(Number)]);

    const closing = { by: "U0ONCALL", why: "the project ended", isConfirmedByAws: true };
    const closed = await closeMigrationOfCluster(scene.context(), cluster.name, closing);

    const after = await scene.now();
    expect({ closed, begun: after.begun, due: migrationDueAt(after) }).toEqual({
      closed: after.id,
      begun: null,
      due: null,
    });
    expect(after.state).toBe(isStopped ? "stopped" : "refused");
    if (!isStopped) expect(migrationState(after)).toContain("the project ended");
    const [last] = (await scene.ledger.eventsOf(after.id, 99)).slice(-1);
    expect(last?.event).toMatchObject({ type, actor: "U0ONCALL", detail: { code: "cluster-gone", seen: true } });
    expect(await closeMigrationOfCluster(scene.context(), cluster.name, closing)).toBeNull();
  },
);

describe("a migration that two approvers approved", () => {
  test("keeps aws-auth beside a new entry for its time, although an attacker in Redis writes that it is over", async () => {
    // Longer than a look of a busy machine.
    const settings = sceneConfig({}, (text) => text.replace("settleEntries: 2s", "settleEntries: 1m"));
    scene = migrationScene(memoryLedger(), keys, settings);
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const settling = await scene.look();
    const after = reviseMigration(settling, { settlesAt: new Date(0).toISOString() } as Partial<Migration>);
    await scene.ledger.commit({ after, event: eventOf("migration.settling", after, "x", new Date()) });

    const stillSettling = await scene.look();

    expect(rolesNow()).toContain(arns.admins);
    expect(Date.parse(stillSettling.settlesAt ?? "")).toBeGreaterThan(scene.context().now().getTime());
    scene.pass(61);
    expect((await scene.look()).state).toBe("done");
  });

  test("is carried out step by step, each proved, and the person who could sign in before still can", async () => {
    const earlier = sandbox.cluster.auditLog().length;
    const planned = await scene.ask();
    expect(planned.plan?.summary.steps.map(({ name }) => name)).toEqual([
      "switch-mode",
      `give-entry ${arns.admins}`,
      "remove-from-aws-auth",
    ]);
    await scene.approve("U0APPROVER", "U0APPROVER2");

    const settling = await scene.look();
    expect(rolesNow()).toContain(arns.admins);
    expect(Date.parse(settling.settlesAt ?? "")).toBeGreaterThan(scene.context().now().getTime());
    expect(await scene.look()).toEqual(settling);
    scene.pass(61);
    const done = await scene.look();

    expect(done).toMatchObject({ state: "done", begun: null, trouble: null });
    expect(done.done.map(({ proof }) => proof.join(" "))).toEqual([
      expect.stringContaining("aws-auth is unchanged."),
      expect.stringMatching(/mapped: EKS has platform-admin.+authorized: not tested/),
      expect.stringContaining("Read back, aws-auth is as planned."),
    ]);
    expect(modeNow()).toBe("API_AND_CONFIG_MAP");
    expect(await entryOfAdmins()).toMatchObject({
      username: "platform-admin:{{SessionName}}",
      policies: [{ name: "AmazonEKSClusterAdminPolicy", namespaces: null }],
      tags: { "eks-access/migration": "whole" },
    });
    expect(rolesNow()).toContain(arns.node);
    expect(rolesNow()).not.toContain(arns.admins);
    const [{ event: last } = expect.fail("no event")] = (await scene.ledger.eventsOf(done.id, 50)).slice(-2);
    const asked = sandbox.cluster.auditLog().slice(earlier);
    const writes = asked.filter(({ requestURI }) => /aws-auth\?(?!.*dryRun)/.test(requestURI));
    const written = writes.filter(({ verb }) => verb === "update").map(({ auditID }) => auditID);
    expect(last.detail).toMatchObject({ auditIds: { "PUT configmaps": expect.arrayContaining(written) } });
    expect(written).toHaveLength(1);
    const purpose = { id: "test", requester: "test" };
    const kept = await reachCluster(scene.context(), cluster, purpose, ({ client }) => client.readKept());
    expect(readKept(sealedClusterOf(cluster), kept, "last", keys.memory)?.data).toEqual(initialAwsAuth);
    await adminsSignIn();
    const begun = ["migration.begun", "migration.stepped"];
    expect(await typesOf(done)).toEqual([
      ...["migration.asked", "migration.planned", "migration.approved", "migration.approved"],
      ...[...begun, ...begun, "migration.settling", ...begun, "migration.done"],
    ]);
  });

  test("asks the API server the same about an access entry as about its item", async () => {
    const mapRoles = rolesNow().replace("system:masters", "eks-access:viewers");
    sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...configMap.data, mapRoles } }));
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");

    const migration = await scene.look();

    expect(migration.done.at(-1)?.proof.join(" ")).toMatch(/authorized: .+, as for its item/);
  });

  test("gives the items back if a person deletes an entry, to go back to its item, while they leave aws-auth", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    await scene.look();
    scene.pass(61);
    const entries = accessEntriesOf(await openEks("default", cluster));
    const onStrike = () => entries.remove(arns.admins);
    sandbox.faults.plan("kubernetes.dry-run-configmap", { type: "watch" }, { onStrike });

    const { done, trouble } = await scene.look();

    expect(done.map(({ name }) => name)).not.toContain("remove-from-aws-auth");
    expect(trouble?.message).toContain(`Another writer changed the access entry of ${arns.admins}`);
    expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
    await adminsSignIn();
    expect(await scene.toItsEnd()).toMatchObject({ state: "done" });
    await adminsSignIn();
  });

  test("whose approvals Redis lost in the middle of an access entry loses the half one at once, so that aws-auth counts", async () => {
    const asked = await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    sandbox.aws.faults.plan("eks.AssociateAccessPolicy", { type: "cut-before" });
    sandbox.aws.faults.plan("eks.DeleteAccessEntry", { type: "cut-before" });
    const { version, begun } = await scene.look();
    expect((await entryOfAdmins())?.policies).toEqual([]);
    // The worker that made it still knows the step.
    const left = reviseMigration({ ...asked, version }, { begun });
    await scene.ledger.commit({ after: left, event: eventOf("record.undone", left, "worker", new Date()) });

    expect(await scene.look()).toMatchObject({ state: "pending", begun: null, plan: { digest: asked.plan?.digest } });

    expect(await entryOfAdmins()).toBeNull();
    await adminsSignIn();
    expect(await scene.look()).toMatchObject({ state: "pending", trouble: null });
  });

  test("deletes an access entry again if its item changed while it was made, so that the change counts", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const mapRoles = rolesNow().replace("platform-admin:", "platform:");
    const onStrike = () => void sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, mapRoles } }));
    sandbox.aws.faults.plan("eks.AssociateAccessPolicy", { type: "watch" }, { onStrike });

    expect(await scene.look()).toMatchObject({ state: "pending", begun: null, done: [{ name: "switch-mode" }] });

    expect(await entryOfAdmins()).toBeNull();
    await adminsSignIn();
  });

  test("makes the other access entries where IAM lacks principals, and names each of these before anything leaves aws-auth", async () => {
    const [gone, past] = ["gone", "past"].map((name) => arns.admins.replace("platform-admins", name));
    const items = [gone, past].map((arn) => `- rolearn: ${arn}\n  username: them\n  groups: [theirs]\n`).join("");
    const setRoles = (mapRoles = "") =>
      sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, mapRoles } }));
    setRoles(`${items}${initialAwsAuth.mapRoles}`);
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");

    const { state, begun, done, trouble } = await scene.look();

    expect([state, begun]).toEqual(["running", null]);
    expect(done.map(({ name }) => name)).toEqual(["switch-mode", `give-entry ${arns.admins}`]);
    expect(trouble?.message).toContain(`CreateAccessEntry on ${gone} `);
    expect(trouble?.message).toContain(`the same for ${past}. Check that this path exists`);
    expect(rolesNow()).toContain(arns.admins);
    await adminsSignIn();
    setRoles(initialAwsAuth.mapRoles);
    await tryAgain();
    expect(await scene.look()).toMatchObject({ state: "pending" });
    await scene.look();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    expect(await scene.toItsEnd()).toMatchObject({ state: "done" });
    await adminsSignIn();
  });

  test("tells of the principals that EKS refuses again and again at the 1st, 2nd and 4th try", async () => {
    const items = ["gone", "past"].map((name) => `- rolearn: ${arns.admins.replace("platform-admins", name)}\n`);
    const mapRoles = `${items.map((item) => `${item}  username: them\n  groups: [theirs]\n`).join("")}${rolesNow()}`;
    sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, mapRoles } }));
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const first = await typesOf(await scene.look());

    for (let tries = 2; tries <= 5; tries += 1) {
      await tryAgain();
      expect((await scene.look()).trouble).toMatchObject({ code: "access-entry-refused", attempts: tries });
    }

    const later = (await typesOf(await scene.now())).slice(first.length).filter((type) => type !== "migration.retried");
    expect(later).toEqual(Array(2).fill("migration.delayed"));
    await stop();
    expect(await scene.look()).toMatchObject({ state: "stopped", begun: null, trouble: null });
  });

  test("does not take its own entry for others' where EKS lists it late", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    await scene.look();
    scene.pass(61);
    sandbox.aws.faults.plan("eks.ListAccessEntries", { type: "answer", status: 200, body: '{"accessEntries":[]}' });

    expect(await scene.look()).toMatchObject({ state: "running", trouble: null });

    expect(await scene.toItsEnd()).toMatchObject({ state: "done" });
    await adminsSignIn();
  });

  /** The worker may become this role, whom aws-auth makes an administrator here. */
  async function withDevelopers(entryDelayMs: number): Promise<void> {
    const item = `- rolearn: ${arns.developers}\n  username: dev:{{SessionName}}\n  groups: [system:masters]\n`;
    const mapRoles = `${initialAwsAuth.mapRoles}${item}`;
    sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles } }));
    sandbox.aws.eks.entryDelayMs = entryDelayMs;
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
  }

  test("signs in by the access entry where the worker may become its role", async () => {
    await withDevelopers(0);

    const { done } = await scene.look();

    const proofs = done.map(({ name, proof }) => `${name} ${proof.join(" ")}`).join("\n");
    expect(proofs).toMatch(/developers .*signed in: yes, as dev:\S+ with no groups, listed pods in every namespace/);
    expect(proofs).toMatch(/platform-admins .*signed in: not tested, the worker can.t assume this role/);
  });

  test("deletes an access entry again if its principal can't sign in by it, and says so", async () => {
    // The API server uses aws-auth until an entry takes effect: longer than anyone waits for it.
    await withDevelopers(600_000);

    const { trouble } = await scene.look();

    expect(trouble?.message).toMatch(/can.t sign in through its access entry: as dev:\S+ with system:masters, but/);
    expect(await entryOf(arns.developers)).toBeNull();
  });

  // A run commits that a step begins and that it is proved, three times; that it settles; and that it is done. Only a step changes
  // anything between two commits: after any other commit is the same as before the next one.
  const steps = [2, 4, 7].map((nth) => [nth, "before"] as const);
  const deaths = [...steps, ...[1, 2, 3, 4, 5, 6, 7, 8].map((nth) => [nth, "after"] as const)];
  test.each(deaths)(
    "and whose worker is killed at its commit %i, %s it, is carried out by the next one",
    async (nth, when) => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      const dying = dyingAt(scene.ledger, nth, when);

      await expect(scene.toItsEnd(dying)).rejects.toThrow("killed");
      const isOut = !rolesNow().includes(arns.admins);
      expect(isOut && (await entryOfAdmins())?.tags["eks-access/migration"] !== "whole").toBe(false);
      await adminsSignIn();
      const done = await scene.toItsEnd();

      expect(done).toMatchObject({ state: "done", begun: null });
      expect(done.done.map(({ name }) => name)).toEqual([
        "switch-mode",
        `give-entry ${arns.admins}`,
        "remove-from-aws-auth",
      ]);
      expect(rolesNow()).not.toContain(arns.admins);
      await adminsSignIn();
    },
  );

  test.each([
    ["refused", async () => {}],
    ["stopped", stop],
  ])(
    "and whose worker is killed when the items left aws-auth, says who has no access entry: %s",
    async (state, act) => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      await expect(scene.toItsEnd(dyingAt(scene.ledger, 7, "before"))).rejects.toThrow("killed");
      await accessEntriesOf(await openEks("default", cluster)).remove(arns.admins);
      await act();

      const ended = await scene.toItsEnd();

      expect(ended).toMatchObject({ state, begun: null });
      const told = migrationThreadOf(ended, cluster).map(({ text }) => text);
      expect(told.join(" ")).toContain(`Create the access entry of \`${arns.admins}\``);
      expect(told.join(" ")).not.toContain("can still sign in");
    },
  );

  test.each(["eks.UpdateClusterConfig", "eks.CreateAccessEntry", "eks.AssociateAccessPolicy", "eks.TagResource"])(
    "says what failed at %s, where, and how to fix it, and goes on when it is tried again",
    async (call) => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      const headers = { "x-amzn-errortype": "AccessDeniedException" };
      sandbox.aws.faults.plan(call, { type: "answer", status: 403, headers, body: "{}" });

      const { trouble, state } = await scene.look();

      expect(state).toBe("running");
      expect(trouble?.message).toContain(call.replace("eks.", "eks:"));
      expect(trouble?.message).toContain("deploy/iam/migration-policy.json");
      expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
      await adminsSignIn();
      await tryAgain();
      expect(await scene.toItsEnd()).toMatchObject({ state: "done", trouble: null });
    },
  );
});

describe("while a call to delete an entry of ours, which EKS did not answer, can still arrive", () => {
  const headers = { "x-amzn-errortype": "AccessDeniedException" };

  async function deleteUnanswered(): Promise<void> {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    sandbox.aws.faults.plan("eks.AssociateAccessPolicy", { type: "answer", status: 403, headers, body: "{}" });
    sandbox.aws.faults.plan("eks.DeleteAccessEntry", { type: "cut-before" });
    await scene.look();
    scene.pass(61);
  }

  test.each<[string, Migration["state"], () => unknown]>([
    ["aws-auth keeps its items", "running", () => scene.look()],
    ["a new plan keeps its items, too", "pending", renameAdmins],
    ["the next migration knows it after a stop", "stopped", stop],
  ])("%s", async (_, then, act) => {
    await deleteUnanswered();
    await act();
    scene.pass(61);

    const { state, begun, settlesAt } = await scene.look();

    expect([state, begun]).toEqual([then, null]);
    // Seven minutes from that call, two of which have passed.
    expect(Date.parse(settlesAt ?? "") - scene.context().now().getTime()).toBeGreaterThan(4 * 60_000);
    expect(rolesNow()).toContain(arns.admins);
  });
});

describe("who may only tag access entries", () => {
  const headers = { "x-amzn-errortype": "AccessDeniedException" };
  const refused = { type: "answer", status: 403, headers, body: "{}" } as const;
  const tag = "eks-access/migration";
  const theirs = { principalArn: arns.admins, username: "theirs", groups: ["theirs"] };
  const makeTheirs = async (value: string) =>
    accessEntriesOf(await openEks("default", cluster)).create({ ...theirs, tags: { [tag]: value } });

  /** A tag that a worker wrote in an earlier migration, of which nothing is left. */
  async function earlierTag(): Promise<string> {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    sandbox.aws.faults.plan("eks.AssociateAccessPolicy", refused);
    sandbox.aws.faults.plan("eks.DeleteAccessEntry", refused);
    await scene.look();
    const value = (await entryOfAdmins())?.tags[tag] ?? "";
    await stop();
    await scene.look();
    expect(await entryOfAdmins()).toBeNull();
    return value;
  }

  test.each([
    ["a word of ours", async () => "begun"],
    ["a tag of an earlier migration", earlierTag],
    ["such a tag with the present id", async () => (await earlierTag()).replace(/-1(?= )/, "-2")],
  ])("makes no approved migration overwrite or delete others' entry by %s", async (_, value) => {
    const copied = await value();
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    sandbox.aws.faults.plan("eks.CreateAccessEntry", refused);
    await scene.look();
    await makeTheirs(copied);

    await tryAgain();
    await scene.look();
    expect(await entryOfAdmins()).toMatchObject(theirs);
    await stop();
    await scene.look();

    expect(await entryOfAdmins()).toMatchObject({ ...theirs, policies: [], tags: { [tag]: copied } });
  });
});

describe("what is not what was approved is not carried out", () => {
  test("where aws-auth says something else before the first step: the approvers are asked again", async () => {
    const before = await scene.ask();
    const after = reviseMigration(before, { reminders: { sent: 1, nextAt: null } });
    await scene.ledger.commit({
      after,
      event: eventOf("migration.reminded", after, "worker", new Date()),
    });
    await scene.approve("U0APPROVER", "U0APPROVER2");
    renameAdmins();

    const voided = await scene.look();
    const asked = await scene.look();

    expect([voided.plan, voided.reminders]).toEqual([null, null]);
    const { remindAfterSeconds } = scene.context().config.timing;
    expect(asked.reminders).toEqual(planReminders(new Date(asked.plan?.at ?? ""), asked.expiresAt, remindAfterSeconds));
    expect(asked.reminders).toMatchObject({ sent: 0, nextAt: expect.any(String) });

    expect(asked).toMatchObject({ state: "pending", approvals: [], voided: { by: ["U0APPROVER", "U0APPROVER2"] } });
    expect(asked.plan?.digest).not.toBe(before.plan?.digest);
    expect(modeNow()).toBe("CONFIG_MAP");
    await scene.approve("U0APPROVER2", "U0APPROVER");
    expect(await scene.toItsEnd()).toMatchObject({ state: "done" });
  });

  test("where aws-auth says something else before the last step", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    await scene.look();
    const mapRoles = initialAwsAuth.mapRoles?.replace("platform-admin:", "platform:") ?? "";
    sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles } }));
    scene.pass(61);

    expect(await scene.look()).toMatchObject({ state: "pending", plan: null });

    expect(rolesNow()).toContain("platform:{{SessionName}}");
    await adminsSignIn();
  });

  test("where only one approved, or a record written into Redis says that two did", async () => {
    await scene.ask();
    const migration = await scene.approve("U0APPROVER");
    const [approval] = migration.approvals;
    if (!approval) throw new Error("Nobody approved.");
    const approvals = [approval, { ...approval, by: "U0APPROVER2" }];
    const forged = reviseMigration(migration, { state: "running", approvals });
    await scene.ledger.commit({
      after: forged,
      event: eventOf("migration.approved", migration, "x", new Date()),
    });

    expect(await scene.look()).toMatchObject({ state: "pending", approvals: [] });

    expect(modeNow()).toBe("CONFIG_MAP");
  });

  describe("nor told as done, where somebody with Redis writes that the last step is done", () => {
    const removal = { name: "remove-from-aws-auth", proof: ["Read back, aws-auth is as planned."], place: null };
    const forge = async (change: (migration: Migration) => Partial<Migration>) => {
      const migration = await scene.now();
      const done = [...migration.done, { ...removal, at: scene.context().now().toISOString() }];
      const after = reviseMigration(migration, { done, ...change(migration) } as Partial<Migration>);
      await scene.ledger.commit({
        after,
        event: eventOf("migration.settling", after, "worker", scene.context().now()),
      });
    };

    test("but it is not", async () => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      await scene.look();
      await forge(() => ({ settlesAt: null }));

      const done = await scene.toItsEnd();

      expect(done.state).toBe("done");
      expect(rolesNow()).not.toContain(arns.admins);
      expect(await entryOfAdmins()).toMatchObject({ username: "platform-admin:{{SessionName}}" });
      await adminsSignIn();
    });

    test("and that nothing leaves aws-auth: the approvers are asked about a genuine plan", async () => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      await forge(({ plan }) => ({ plan: plan && { ...plan, outs: [], summary: { ...plan.summary, steps: [] } } }));

      const after = await scene.toItsEnd();

      expect(after).toMatchObject({ state: "pending", approvals: [] });
      expect(await typesOf(after)).not.toContain("migration.done");
      await adminsSignIn();
    });

    test("of a stopped one, which began it and has nothing to remove", async () => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      const { plan, ...rest } = await scene.look();
      const at = scene.context().now().toISOString();
      const begun = { name: removal.name, at, place: { cluster: "", seal: "" } };
      const stop = { by: "U0APPROVER", at, why: "" };
      const stopped = { ...rest, plan: plan && { ...plan, outs: [] }, state: "stopped", stop, begun, endedAt: at };
      const after = { ...stopped, settlesAt: null, version: rest.version + 1 } as Migration;
      await scene.ledger.commit({ after, event: eventOf("migration.stopped", after, "U0APPROVER", new Date()) });

      expect((await scene.look()).done.map(({ name }) => name)).not.toContain(removal.name);
    });

    test("after another person has removed the items: the entries are still missing, so the approvers are asked", async () => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      await forge(() => ({}));
      sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: "[]\n" } }));

      const after = await scene.look();

      expect(after.state).not.toBe("done");
      expect(await typesOf(after)).not.toContain("migration.done");
    });
  });

  describe("where a person switches the cluster to API by hand: it ends, and says what is left", () => {
    const toApi = () => sandbox.aws.updateCluster(clusterArnOf(cluster), { authenticationMode: "API" });

    test("before its entries are made", async () => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      toApi();

      const ended = await scene.toItsEnd();

      expect(ended).toMatchObject({ state: "refused", begun: null, trouble: null, refusal: { code: "mode-is-api" } });
      expect(migrationState(ended)).toContain("staging does not read aws-auth");
      expect(migrationState(ended)).toContain(`Create the access entry of \`${arns.admins}\`.`);
      expect((await typesOf(ended)).at(-1)).toBe("migration.refused");
    });

    test.each([
      ["AssociateAccessPolicy", "lacks rights: it goes, and the message names its principal", false],
      ["TagResource", "lets its people in: it stays", true],
    ] as const)("after %s failed: an entry that %s", async (call, _, stays) => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      const headers = { "x-amzn-errortype": "AccessDeniedException" };
      const refused = { type: "answer", status: 403, headers, body: "{}" } as const;
      sandbox.aws.faults.plan(`eks.${call}`, refused);
      if (!stays) sandbox.aws.faults.plan("eks.DeleteAccessEntry", refused);
      await scene.look();
      toApi();
      await tryAgain();

      const ended = await scene.look();

      expect(ended).toMatchObject({ state: "refused", begun: null });
      expect(migrationState(ended).includes(`Create the access entry of \`${arns.admins}\``)).toBe(!stays);
      expect((await entryOfAdmins()) !== null).toBe(stays);
    });

    /** As IAM has the role: aws-auth can have its ARN in lower case, as the authenticator compares them. */
    const respell = (is: boolean) => {
      const { accessEntries = [] } = (is && sandbox.aws.cluster(clusterArnOf(cluster))) || {};
      const entry = accessEntries.find(({ principalArn }) => principalArn === arns.admins);
      if (entry) Object.assign(entry, { principalArn: arns.admins.replace(/[^/]*$/, (name) => name.toUpperCase()) });
      expect(entry !== undefined).toBe(is);
    };

    test.each([false, true])(
      "while aws-auth keeps the items beside the new entries, in another case: %s",
      async (is) => {
        await scene.ask();
        await scene.approve("U0APPROVER", "U0APPROVER2");
        await scene.look();
        respell(is);
        toApi();
        scene.pass(61);

        const ended = await scene.toItsEnd();

        expect(ended).toMatchObject({ state: "refused", done: [{}, {}] });
        expect(migrationState(ended)).toMatch(/^Refused: “\S+ does not read aws-auth(?!.*Create the access entry)/);
        expect(rolesNow()).toContain(arns.admins);
        await adminsSignIn();
      },
    );

    test("after the removal began: it does not say that the items left aws-auth", async () => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      await expect(scene.toItsEnd(dyingAt(scene.ledger, 6, "after"))).rejects.toThrow("killed");
      expect((await scene.now()).begun?.name).toBe("remove-from-aws-auth");
      toApi();

      const ended = await scene.toItsEnd();

      expect(ended).toMatchObject({ state: "refused", begun: null, done: [{}, {}] });
      expect(migrationState(ended)).toMatch(/^Refused: “\S+ does not read aws-auth(?!.*Create the access entry)/);
      expect(rolesNow()).toContain(arns.admins);
    });

    test("after a person stopped it, whose removal had begun", async () => {
      await scene.ask();
      await scene.approve("U0APPROVER", "U0APPROVER2");
      await expect(scene.toItsEnd(dyingAt(scene.ledger, 6, "after"))).rejects.toThrow("killed");
      await stop();
      toApi();

      expect(await scene.toItsEnd()).toMatchObject({ state: "stopped", begun: null, done: [{}, {}] });
    });

    test.each([false, true])(
      "after all its steps are proved: it is done, with entries in another case: %s",
      async (is) => {
        await scene.ask();
        await scene.approve("U0APPROVER", "U0APPROVER2");
        await expect(scene.toItsEnd(dyingAt(scene.ledger, 7, "after"))).rejects.toThrow("killed");
        respell(is);
        toApi();

        expect(await scene.toItsEnd()).toMatchObject({ state: "done", done: [{}, {}, {}] });
      },
    );
  });

  test("where the approvals are too old: it expires", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    scene.pass(25 * 3600);

    expect(await scene.look()).toMatchObject({ state: "expired" });
    expect(modeNow()).toBe("CONFIG_MAP");
  });

  test("where no one decides: it expires", async () => {
    await scene.ask();
    scene.pass(25 * 3600);

    expect(await scene.look()).toMatchObject({ state: "expired" });
  });
});

describe("a migration of which Redis lost what the worker wrote", () => {
  /** The record as it was, with the next number: a restored Redis lost what came after. */
  const restore = async (before: Migration) => {
    const { id } = before;
    const { version } = await scene.now();
    const after = { ...before, version: version + 1 };
    await scene.ledger.commit({
      after,
      event: eventOf("record.undone", { id, cluster: "staging" }, "worker", new Date()),
    });
  };

  test("is done, and its approvers need not decide about work that is done", async () => {
    await scene.ask();
    const approved = await scene.approve("U0APPROVER", "U0APPROVER2");
    await scene.toItsEnd();
    await restore(approved);

    const done = await scene.toItsEnd();

    expect(done).toMatchObject({ state: "done", begun: null });
    expect(done.done.map(({ name }) => name)).toEqual([
      "switch-mode",
      `give-entry ${arns.admins}`,
      "remove-from-aws-auth",
    ]);
    await adminsSignIn();
  });

  test("is planned again if someone else made the entry and removed the item", async () => {
    await scene.ask();
    const approved = await scene.approve("U0APPROVER", "U0APPROVER2");
    await scene.toItsEnd();
    const tags = (await entryOfAdmins())?.tags ?? expect.unreachable("no entry");
    const { accessEntries = [] } = sandbox.aws.cluster(clusterArnOf(cluster)) ?? {};
    for (const entry of accessEntries) if (entry.principalArn === arns.admins) Object.assign(entry, { tags: {} });
    await restore(approved);

    const after = await scene.look();

    expect(tags["eks-access/migration"]).toBe("whole");
    expect(after).toMatchObject({ state: "pending", voided: { message: "the plan changed since its approval" } });
  });

  test("has nothing to do where Redis lost its plan too, and says that its items have moved", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    await scene.toItsEnd();

    const asked = await scene.ask();

    expect(asked).toMatchObject({
      state: "refused",
      refusal: { message: "Nothing to plan. No other item of aws-auth can move." },
    });
    expect(migrationState(asked)).toBe("Refused: “Nothing to plan. No other item of aws-auth can move”");
  });
});

describe("a migration that a person stops", () => {
  test("between two steps ends it; finished steps stay, and a new migration continues from there", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    await scene.look();
    await stop();
    scene.pass(61);

    expect(await scene.look()).toMatchObject({ state: "stopped", done: [{}, {}] });
    expect(rolesNow()).toContain(arns.admins);
    await adminsSignIn();

    const next = await scene.ask();
    expect(next.id).toBe("migration-staging-2");
    expect(next.plan?.summary.steps.map(({ name }) => name)).toEqual(["remove-from-aws-auth"]);
    await scene.approve("U0APPROVER", "U0APPROVER2");
    expect(await scene.toItsEnd()).toMatchObject({ state: "done" });
    expect(rolesNow()).not.toContain(arns.admins);
  });

  test("between two steps does not go on in another cluster that got the name", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const before = await scene.look();
    scene.pass(61);

    await lookAtMigration(scene.context(), { ...cluster, account: "444455556666" });

    expect(before).toMatchObject({ state: "running", begun: null, done: [{}, {}] });
    const after = await scene.now();
    expect(after).toMatchObject({ state: "running", done: before.done, trouble: { code: "cluster-mismatch" } });
    expect(after.trouble?.message).toContain(`belongs to ${clusterArnOf(cluster)}`);
  });

  test("in the middle of an access entry has it seen to: a half one goes, and aws-auth counts", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    // Killed between the entry and its policy: the principal may do nothing by it.
    const headers = { "x-amzn-errortype": "AccessDeniedException" };
    const answer = { type: "answer", status: 403, headers, body: "{}" } as const;
    sandbox.aws.faults.plan("eks.AssociateAccessPolicy", answer);
    sandbox.aws.faults.plan("eks.DeleteAccessEntry", answer);
    await scene.look();
    expect((await entryOfAdmins())?.policies).toEqual([]);
    await stop();

    // A worker whose clock is behind, so that the next try is due now.
    scene.pass(-601);
    await lookAtMigration(scene.context(), { ...cluster, account: "444455556666" });
    expect(await scene.now()).toMatchObject({
      begun: { name: `give-entry ${arns.admins}` },
      trouble: { code: "cluster-mismatch" },
    });
    scene.pass(601);

    expect(await scene.look()).toMatchObject({ state: "stopped", begun: null, done: [{ name: "switch-mode" }] });

    expect(await entryOfAdmins()).toBeNull();
    await adminsSignIn();
    expect(await typesOf(await scene.now())).toContain("migration.undone");
  });

  test("in the middle of an access entry keeps it with the lease that began in it meanwhile", async () => {
    sandbox.aws.account.setAllowed(arns.creator, ["sts:*", "eks:*"]);
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const headers = { "x-amzn-errortype": "AccessDeniedException" };
    sandbox.aws.faults.plan("eks.TagResource", { type: "answer", status: 403, headers, body: "{}" });
    await scene.look();
    await give(scene.context(), cluster, { id: "r-beside", principal: arns.admins });
    await stop();

    expect(await scene.look()).toMatchObject({ state: "stopped", begun: null, done: [{}, {}] });

    await reconcileCluster(scene.context(), cluster, "inspect");
    expect((await requestOf(scene.context(), "r-beside")).lease).toMatchObject({ state: "active", drift: null });
    await adminsSignIn();
    await revokeGiven(scene.context(), cluster, "r-beside");
    expect(await entryOfAdmins()).toMatchObject({
      groups: [],
      policies: [{}],
      tags: { "eks-access/migration": "whole" },
    });
  });

  test("in the middle of an administrator's access entry has the lease in a half one looked at, which goes with it", async () => {
    sandbox.aws.account.setAllowed(arns.creator, ["sts:*", "eks:*"]);
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const headers = { "x-amzn-errortype": "AccessDeniedException" };
    const answer = { type: "answer", status: 403, headers, body: "{}" } as const;
    sandbox.aws.faults.plan("eks.AssociateAccessPolicy", answer);
    sandbox.aws.faults.plan("eks.DeleteAccessEntry", answer);
    await scene.look();
    await give(scene.context(), cluster, { id: "r-beside", principal: arns.admins });
    await stop();
    const context = scene.context();
    const add = vi.spyOn(context.queues.clusters, "add");

    await lookAtMigration(context, cluster);

    expect(await entryOfAdmins()).toBeNull();
    await adminsSignIn();
    expect(add.mock.calls.map(([, job]) => job)).toContainEqual({ type: "inspect", cluster: cluster.name });
    await reconcileCluster(context, cluster, "inspect");
    const { lease } = await requestOf(context, "r-beside");
    expect(lease?.drift?.message).toContain(`the entry of ${arns.admins} lacks eks-access:viewers`);
  });

  test("in the middle of an access entry, tried again, keeps the groups of a lease that begins in it right before", async () => {
    sandbox.aws.account.setAllowed(arns.creator, ["sts:*", "eks:*"]);
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const headers = { "x-amzn-errortype": "AccessDeniedException" };
    sandbox.aws.faults.plan("eks.TagResource", { type: "answer", status: 403, headers, body: "{}" });
    await scene.look();
    await tryAgain();
    const onStrike = async () =>
      void (await give(scene.context(), cluster, { id: "r-beside", principal: arns.admins }));
    // The look itself reads this entry and the creator's before.
    sandbox.aws.faults.plan("eks.DescribeAccessEntry", { type: "watch" }, { nth: 3, onStrike });

    await scene.look();

    expect((await entryOfAdmins())?.groups).toEqual(["eks-access:viewers"]);
    await reconcileCluster(scene.context(), cluster, "inspect");
    expect((await requestOf(scene.context(), "r-beside")).lease).toMatchObject({ state: "active", drift: null });
    await adminsSignIn();
  });

  test("in the middle of an access entry that EKS shows late leaves no half one behind, which would lock its people out", async () => {
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    const headers = { "x-amzn-errortype": "AccessDeniedException" };
    const refused = { type: "answer", status: 403, headers, body: "{}" } as const;
    sandbox.aws.faults.plan("eks.AssociateAccessPolicy", refused);
    sandbox.aws.faults.plan("eks.DeleteAccessEntry", refused);
    await scene.look();
    await stop();
    sandbox.aws.faults.plan("eks.ListAccessEntries", { type: "answer", status: 200, body: '{"accessEntries":[]}' });
    sandbox.aws.faults.plan("eks.DescribeAccessEntry", unseen, { times: 3 });

    await scene.look();
    scene.pass(601);
    const stopped = await scene.look();

    expect(stopped).toMatchObject({ state: "stopped", begun: null });
    expect(await entryOfAdmins()).toBeNull();
    await adminsSignIn();
  });

  test("after a call for an access entry that EKS did not answer looks for it until that can't arrive any more", async () => {
    // The API server takes no token of a clock that is minutes ahead.
    scene.pass(-540);
    await scene.ask();
    await scene.approve("U0APPROVER", "U0APPROVER2");
    sandbox.aws.faults.plan("eks.CreateAccessEntry", { type: "cut-before" });
    await scene.look();
    scene.pass(540);
    // It reaches EKS after the worker has looked for it again and again.
    sandbox.aws.faults.plan("eks.CreateAccessEntry", { type: "cut-after" });
    await scene.look();
    await stop();
    sandbox.aws.faults.plan("eks.ListAccessEntries", { type: "answer", status: 200, body: '{"accessEntries":[]}' });
    sandbox.aws.faults.plan("eks.DescribeAccessEntry", unseen, { times: 6 });

    expect(await scene.look()).toMatchObject({ state: "stopped", trouble: { code: "access-entry-late" } });
    scene.pass(61);

    expect(await scene.look()).toMatchObject({ begun: null, trouble: null });
    expect(await entryOfAdmins()).toBeNull();
    await adminsSignIn();
  });
});

/** What EKS answers about an entry that it does not show yet. */
const unseen = {
  type: "answer",
  status: 404,
  headers: { "x-amzn-errortype": "ResourceNotFoundException" },
  body: '{"message":"The specified principalArn could not be found."}',
} as const;

test("whose nodes a role is of is asked of EKS", async () => {
  const nodes = async () => (await scene.ask()).plan?.summary.items[0]?.sentences.join(" ");

  expect(await nodes()).toContain("For self-managed nodes: ");
  await stop();
  sandbox.aws.updateCluster(clusterArnOf(cluster), { nodeRoles: [{ arn: arns.node, type: "EC2_LINUX" }] });
  expect(await nodes()).toContain("It is the role of the managed node group ng-1");
});

test("the entry that bootstrap makes for the operator is no lease: its item leaves aws-auth", async () => {
  const { arn } = sandbox.aws.account.addRole({ name: "eks-access-operator" });
  const names = { username: "eks-access:operator:{{SessionName}}", groups: ["eks-access:operators"] };
  const item = `- rolearn: ${arn}\n  username: ${names.username}\n  groups: ${JSON.stringify(names.groups)}\n`;
  sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: `${rolesNow()}${item}` } }));
  sandbox.aws.updateCluster(clusterArnOf(cluster), { authenticationMode: "API_AND_CONFIG_MAP" });
  const entries = accessEntriesOf(await openEks("default", cluster));
  await entries.create({ principalArn: arn, ...names, tags: { "eks-access/operator": "bootstrapped" } });

  const { plan } = await scene.ask();

  expect(plan?.summary.items.find((each) => each.arn === arn)).toMatchObject({ outcome: "has-entry" });
  await scene.approve("U0APPROVER", "U0APPROVER2");
  expect(await scene.toItsEnd()).toMatchObject({ state: "done" });
  expect(rolesNow()).not.toContain(arn);
  expect(await entryOf(arn)).toMatchObject(names);
});

test("a migration without anything to plan is refused before any approver sees it", async () => {
  sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: "- rolearn: [" } }));

  expect(await scene.ask()).toMatchObject({ state: "refused", refusal: { code: "section-unreadable" }, plan: null });
});
