import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, configuration, initialAwsAuth } from "../../sandbox/scene.ts";
import { modeClustersText } from "../../sandbox/scene-clusters.ts";
import { doctor } from "../../src/bin/doctor.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { addOperator, bootstrapIn, inWorkerOf, operatorArn, timesCreator } from "../operator-scene.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";

const named = (text: string) =>
  text.replaceAll(
    /^( +)creator:/gm,
    `$1operator: { roleArn: "${operatorArn}", externalId: eks-access-sandbox }\n$1creator:`,
  );
const operated = named(configuration).replace(/^levels:/m, `${named(modeClustersText)}levels:`);

let sandbox: Sandbox;
let redis: TestRedis;

async function start(text = operated): Promise<void> {
  [sandbox, redis] = await Promise.all([
    startSandbox({ configuration: text, everyMode: true, startCluster }),
    aRedis(),
  ]);
  Object.assign(sandbox.aws.eks, { entryDelayMs: 20 });
  addOperator(sandbox.aws);
}
beforeEach(() => start());
afterEach(async () => {
  await Promise.all([sandbox.stop(), redis.close()]);
});

const bootstrap = (...argv: readonly string[]) => bootstrapIn(sandbox, redis.url, ...argv);
const arnOf = (cluster: string) => `arn:aws:eks:eu-central-1:111122223333:cluster/${cluster}`;
const entryOf = (cluster: string) =>
  sandbox.aws.accessOf(arnOf(cluster))?.entries.find(({ principalArn }) => principalArn === operatorArn);

/** `eks-access doctor worker`. */
const examine = () => inWorkerOf(sandbox, redis.url, doctor, "worker");

async function usesOfCreator() {
  const { redis: client, close } = await connectRedis(redis.url);
  try {
    return (await redisLedger(client).eventsOf("creator/staging", 10)).map(({ event }) => event);
  } finally {
    await close();
  }
}

describe("a cluster that reads aws-auth alone", () => {
  test("shows what it would do, does it, and has nothing to do afterwards", async () => {
    const before = sandbox.cluster.awsAuth()?.data;
    const planned = await bootstrap("staging");
    const unchanged = sandbox.cluster.awsAuth()?.data;

    const applied = await bootstrap("staging", "--apply");
    const creatorBefore = timesCreator(sandbox.aws);
    const again = await bootstrap("staging", "--apply");

    expect(planned).toMatchObject({ code: 0, stdout: expect.stringContaining("Wrote nothing yet.") });
    expect(planned.stdout).toContain("Create ClusterRole eks-access:operator.");
    expect(planned.stdout).toContain(`+- rolearn: "${operatorArn}"`);
    expect(unchanged).toEqual(before);
    expect(applied).toMatchObject({ code: 0, stderr: "" });
    expect(applied.stdout).toMatch(/Proved by the API server: \S+\n {2}✓ can /);
    expect(applied.stdout).toContain("\n  ✓ can update configmaps aws-auth in kube-system\n");
    expect(applied.stdout).toContain("\n  ✓ can't get secrets\n");
    expect(sandbox.cluster.awsAuth()?.data?.mapRoles).toContain(initialAwsAuth.mapRoles);
    expect(again.stdout).toContain("Nothing to do");
    expect(timesCreator(sandbox.aws)).toBe(creatorBefore);
  });

  test("leaves in the audit log that it became the creator, and doctor shows it and names a right that is missing", async () => {
    await bootstrap("staging", "--apply");
    const well = await examine();
    const missing = { kind: "Status", reason: "NotFound", message: "not found" };
    const headers = { "content-type": "application/json" };
    const answer = { type: "answer", status: 404, headers, body: JSON.stringify(missing) } as const;
    // The first is aws-auth.
    sandbox.faults.plan("kubernetes.get-configmap", answer, { nth: 3 });
    const lost = await examine();
    const extra = initialAwsAuth.mapRoles;
    await sandbox.cluster.editAwsAuth((configMap) => ({
      ...configMap,
      data: { mapRoles: `${extra}- { rolearn: "${operatorArn}", username: op }\n` },
    }));

    const { code, stdout } = await examine();

    expect(well.stdout).toMatch(/ {2}✓ operator: it can do the \d+ things that a run needs/);
    expect(well.stdout).toMatch(/ {2}✓ creator: last used \d{4}-[^ ]+, for a bootstrap/);
    expect(lost.stdout).toContain(
      "✗ operator: ConfigMap eks-access-withdrawals in kube-system is absent. Run eks-access",
    );
    expect(code).toBe(1);
    expect(stdout).toContain(
      "operator: it can't update configmaps aws-auth in kube-system, which a run needs. Run eks-access",
    );
    expect(await usesOfCreator()).toMatchObject([
      {
        type: "creator.used",
        cluster: "staging",
        detail: { creator: arns.creator, operator: operatorArn, use: "bootstrap" },
      },
    ]);
  });

  test("is not well for doctor while the API server does not say what the operator can do", async () => {
    await bootstrap("staging", "--apply");
    // The first is the right to write, a step of its own.
    const failing = { nth: 2, times: 100 };
    sandbox.faults.plan("kubernetes.self-subject-access-review", { type: "answer", status: 500 }, failing);

    const { stdout } = await examine();

    expect(stdout).toContain("  ✓ write: can update configmap aws-auth");
    expect(stdout).toMatch(/ {2}✗ operator: no check of its rights\. The API server answered 500 to POST selfsubject/);
  });

  test("refuses to call it a success where the operator can do too much, and names it", async () => {
    await sandbox.cluster.setRbac({
      roles: [{ name: "extra", rules: [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"] }] }],
      bindings: [
        {
          name: "extra",
          role: { kind: "ClusterRole", name: "extra" },
          subjects: [{ kind: "Group", name: "eks-access:operators" }],
        },
      ],
    });
    await bootstrap("staging", "--apply");

    const { code, stdout } = await bootstrap("staging", "--apply");

    expect(code).toBe(1);
    expect(stdout).toContain("✗ It can get secrets, which it must not.");
    expect(stdout).not.toContain("Proved");
  });

  test("can be killed before each of its writes: the next one goes on from there", async () => {
    const writes = ["create-clusterrole", "create-role", "create-clusterrolebinding", "create-rolebinding"];
    for (const call of [...writes, "create-configmap", "dry-run-configmap", "replace-configmap"]) {
      sandbox.faults.plan(`kubernetes.${call}`, { type: "cut-before" });
      await expect(bootstrap("staging", "--apply")).rejects.toMatchObject({ code: "cluster-unreachable" });
    }
    sandbox.faults.plan("kubernetes.replace-configmap", { type: "cut-after" });
    await expect(bootstrap("staging", "--apply")).rejects.toMatchObject({ code: "cluster-unreachable" });

    expect(await bootstrap("staging", "--apply")).toMatchObject({ code: 0, stdout: expect.stringContaining("Proved") });
  });

  test("refuses a role that has other rights there already, and changes nothing", async () => {
    const entry = `- rolearn: ${operatorArn}\n  username: ci\n  groups: [deployers]\n`;
    await sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: entry } }));

    const run = bootstrap("staging", "--apply");

    await expect(run).rejects.toThrow(/is in aws-auth of staging already, with deployers\. Name another role/);
    expect(sandbox.cluster.awsAuth()?.data).toEqual({ mapRoles: entry });
  });

  test("leaves a document of Terraform to Terraform", async () => {
    const text = `${initialAwsAuth.mapRoles}# of Terraform\n`;
    await sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { mapRoles: text } }), "Terraform");

    const run = bootstrap("staging", "--apply");

    await expect(run).rejects.toThrow(/aws-auth of staging belongs to Terraform.* Map .* there to the username/);
    expect(sandbox.cluster.awsAuth()?.data).toEqual({ mapRoles: text });
  });
});

describe.each(["checkout", "analytics"])("%s, which takes access entries", (cluster) => {
  test("lets the operator in with AWS rights, without the creator, and it is no administrator afterwards", async () => {
    const planned = await bootstrap(cluster);
    const none = entryOf(cluster);

    const applied = await bootstrap(cluster, "--apply");
    const again = await bootstrap(cluster, "--apply");

    expect(planned.stdout).toContain(`Create the access entry of ${operatorArn}.`);
    expect(none).toBeUndefined();
    expect(applied).toMatchObject({ code: 0, stdout: expect.stringContaining("Proved by the API server") });
    expect(entryOf(cluster)).toMatchObject({ groups: ["eks-access:operators"], policies: [] });
    expect(again.stdout).toContain("Nothing to do");
    expect(timesCreator(sandbox.aws)).toBe(0);
  });

  test("takes back what a killed one left: the operator stays no administrator", async () => {
    sandbox.faults.plan("eks.CreateAccessEntry", { type: "cut-after" });
    await expect(bootstrap(cluster, "--apply")).rejects.toMatchObject({ code: "aws-unreachable" });
    sandbox.faults.plan("eks.DisassociateAccessPolicy", { type: "cut-before" });
    await expect(bootstrap(cluster, "--apply")).rejects.toMatchObject({ code: "aws-unreachable" });
    const left = entryOf(cluster)?.policies.length;

    const { code, stdout } = await bootstrap(cluster, "--apply");

    expect(left).toBe(1);
    expect(stdout).toContain("Remove AmazonEKSClusterAdminPolicy from it.");
    expect(code).toBe(0);
    expect(entryOf(cluster)?.policies).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "that gets %s leaves no administrator: it ends afterwards",
    async (signal) => {
      const before = process.listenerCount(signal);
      let heard = 0;
      const onStrike = () => {
        heard = process.listenerCount(signal) - before;
        process.emit(signal);
      };
      sandbox.faults.plan("eks.DisassociateAccessPolicy", { type: "watch" }, { onStrike });

      const { code, stderr } = await bootstrap(cluster, "--apply");

      expect({ heard, after: process.listenerCount(signal) }).toEqual({ heard: 1, after: before });
      expect(stderr).toContain("Finishing it first.");
      expect([code, entryOf(cluster)?.policies]).toEqual([0, []]);
    },
  );

  test("lets the operator in again after its role was deleted and made again", async () => {
    await bootstrap(cluster, "--apply");
    sandbox.aws.account.removeIdentity(operatorArn);
    addOperator(sandbox.aws, { createdAt: new Date(Date.now() + 1_000) });

    const { code, stdout } = await bootstrap(cluster, "--apply");

    expect(stdout).toContain(`Delete the access entry of ${operatorArn}: its role is newer.`);
    expect(code).toBe(0);
    expect(entryOf(cluster)).toMatchObject({ groups: ["eks-access:operators"], policies: [] });
  });

  const admin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
  test.each([
    ["others' groups", { groups: ["deployers"] }, "deployers"],
    ["full control that is not for a bootstrap", { policies: [admin] }, "AmazonEKSClusterAdminPolicy"],
  ])("refuses an entry with %s, and leaves it", async (_, change, what) => {
    const others = { principalArn: operatorArn, username: "ci", groups: [], policies: [], ...change };
    sandbox.aws.updateCluster(arnOf(cluster), { accessEntries: [others] });

    const run = bootstrap(cluster, "--apply");

    await expect(run).rejects.toThrow(`has an access entry of ${cluster} already, with ${what}`);
    expect(entryOf(cluster)).toMatchObject({ username: "ci" });
  });
});

test("refuses a role that people use by aws-auth beside access entries, whose new entry would take their rights", async () => {
  const checkout = sandbox.clusters.get("checkout");
  const item = (username: string, group: string) =>
    `- rolearn: ${operatorArn}\n  username: ${username}\n  groups: ["${group}"]\n`;
  for (const group of ["deployers", "system:masters"]) {
    await checkout?.editAwsAuth((map) => ({ ...map, data: { mapRoles: item("ci", group) } }));

    const run = bootstrap("checkout", "--apply");

    await expect(run).rejects.toThrow(`${operatorArn} is in aws-auth of checkout already, with ${group}. Name another`);
    expect(entryOf("checkout")).toBeUndefined();
  }
  const ours = item("eks-access:operator:{{SessionName}}", "eks-access:operators");
  await checkout?.editAwsAuth((map) => ({ ...map, data: { mapRoles: ours } }));
  expect(await bootstrap("checkout", "--apply")).toMatchObject({ code: 0 });
});

test("a new run is what doctor names once the cluster ignores aws-auth, for the rights there that our role still gives", async () => {
  await bootstrap("checkout", "--apply");
  sandbox.aws.updateCluster(arnOf("checkout"), { authenticationMode: "API" });

  const { stdout } = await examine();

  expect(stdout).toContain(
    "✗ operator: it can update configmaps aws-auth in kube-system, which it must not. Run eks-access bootstrap checkout --apply.",
  );
  expect(await bootstrap("checkout", "--apply")).toMatchObject({ code: 0 });
});

test("a role that eks-access.yml does not name yet is given by --role, and the setting is printed", async () => {
  await Promise.all([sandbox.stop(), redis.close()]);
  await start(configuration);

  const { code, stdout } = await bootstrap(
    "staging",
    "--role",
    operatorArn,
    "--external-id",
    "eks-access-sandbox",
    "--apply",
  );

  expect(code).toBe(0);
  expect(stdout).toContain(`    operator: { roleArn: "${operatorArn}", externalId: "eks-access-sandbox" }`);
});

test("unusable input is reported before any call", async () => {
  for (const [argv, message] of [
    [["staging", "--role", operatorArn], "eks-access.yml names the operator of staging"],
    [["nowhere"], "There is no cluster nowhere. Clusters: staging, checkout, analytics."],
    [[], "Give one cluster."],
    [["staging", "--external-id", "x"], "Give --role with --external-id."],
  ] as const) {
    expect(await bootstrap(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  }
});
