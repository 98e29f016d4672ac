import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { account, arns, clusterArn, configuration, externalId, initialAwsAuth, region } from "../../sandbox/scene.ts";
import { leasesAnnotation, writeAnnotation } from "../../src/access/lease/annotation.ts";
import { endedLease } from "../../src/access/lease/lease.ts";
import type { Holding, Lease } from "../../src/access/lease/lease-record.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import type { ApprovedRequest } from "../../src/access/record.ts";
import { isRescue } from "../../src/access/request.ts";
import type { AccessEntry } from "../../src/access-entry/index.ts";
import { type AccessEntries, accessEntriesOf } from "../../src/aws/access-entries.ts";
import { EksCluster } from "../../src/aws/eks-cluster.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { resolve } from "../../src/aws-auth/resolve.ts";
import { audit } from "../../src/bin/audit.ts";
import { recover } from "../../src/bin/recover.ts";
import { runRescue } from "../../src/bin/rescue.ts";
import { readSettings, withWorkerContext } from "../../src/bin/settings.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { eventOf, recordChange } from "../../src/ledger/lifecycle.ts";
import { usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { adoptCluster } from "../../src/worker/reconcile/adopt.ts";
import { adoptRescues } from "../../src/worker/rescue/adopt-rescues.ts";
import { rescue as rescueWith } from "../../src/worker/rescue/rescue.ts";
import { endRescues, giveLease } from "../../src/worker/rescue/rescue-lease.ts";
import { ledgerJournal } from "../../src/worker/rescue/rescue-session.ts";
import { aLease, aRequest, revise } from "../builders/a-request.ts";
import { aHolding, aShare } from "../builders/a-share.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { aChange } from "../builders/an-event.ts";
import { keysOf } from "../builders/keys.ts";
import { builtProduct } from "../product.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { runCommand } from "./check-run.ts";

const staging = { eksName: "staging", region, account, partition: "aws" };
const rescuer = `arn:aws:iam::${account}:role/rescuers/rescuer`;
const emergency = `policy:
  rules: [{ name: all }]
  breakGlass: [{ who: [U0ONCALL], level: viewer, for: 2h }]
`;

let sandbox: Sandbox;
let allowed: readonly string[];
let putBack: () => void;
let redis: TestRedis;
let folder: string;
let good: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-rescue-"));
  good = join(folder, "aws-auth.json");
  await writeFile(good, JSON.stringify(initialAwsAuth));
  sandbox = await startSandbox({ configuration: configuration + emergency });
  Object.assign(sandbox.aws.eks, { updateMs: 20, entryDelayMs: 20 });
  const { account: identities } = sandbox.aws;
  allowed = [...(identities.identity(arns.worker)?.allow ?? []), "eks:*"];
  identities.addRole({ name: "rescuer", path: "/rescuers/" });
  putBack = sandbox.keep();
});
afterAll(() => Promise.all([sandbox.stop(), rm(folder, { recursive: true })]));

beforeEach(async () => {
  redis = await aRedis();
  const { account: identities } = sandbox.aws;
  identities.setAllowed(arns.worker, allowed);
  identities.setTrust(rescuer, { principals: [arns.worker] });
  identities.setTrust(arns.creator, { principals: [arns.worker], externalId });
  const environment = sandbox.environmentOf("worker", { redisUrl: redis.url });
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  sandbox.faults.clear();
  sandbox.cluster.admit(null);
  putBack();
  await redis.close();
});

const never = "2126-01-01T00:00:00.000Z";

const order = ["staging", "--role", rescuer, "--for", "1h", "--by", "U0ONCALL", "--reason", "nobody gets in"];
const rescue = (...more: string[]) => runCommand(runRescue, [...order, ...more]);

const entry = async () => accessEntriesOf(await EksCluster.open("default", staging)).describe(rescuer);

async function asWorker<T>(run: (context: WorkerContext, cluster: Cluster) => Promise<T>): Promise<T> {
  const settings = await readSettings("worker");
  const cluster = settings.config.clusters.get("staging");
  if (!cluster) throw new Error("there is no cluster staging");
  return withWorkerContext(settings, (context) => run(context, cluster));
}

const records = () => asWorker(({ ledger }) => ledger.ofRequester("U0ONCALL", 9));
const eventTypes = () => asWorker(async ({ ledger }) => (await ledger.events(1, 50)).map(({ event }) => event.type));

async function jobs(): Promise<readonly (string | null)[]> {
  const connection = new Redis(redis.url);
  const keys = await connection.keys("{eks-access}:clusters:*");
  const found = await Promise.all(keys.map((key) => connection.hget(key, "data").catch(() => null)));
  await connection.quit();
  return found;
}

const write = (data: Readonly<Record<string, string>>) =>
  sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...data } }));

test.each([
  ["that is not YAML any more", () => write({ mapRoles: `${initialAwsAuth.mapRoles}- rolearn: [\n` })],
  ["that was emptied", () => write({})],
  ["that was deleted", () => sandbox.cluster.deleteAwsAuth()],
])("a document %s is restored from the last good one, and everyone in it gets in again", async (_, destroy) => {
  await destroy();

  const { code, stdout } = await rescue("--yes", "--document", good);

  expect(stdout).toContain(`  ✓ ${arns.node}\n  ✓ ${arns.admins}\n`);
  expect(stdout).toMatch(/takes minutes\.\nEKS reports .+\n.+ until .+\nSigning in as .+\n[\s\S]+Rescued: /);
  expect(code).toBe(0);
  expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  expect(await jobs()).toContain(JSON.stringify({ type: "inspect", cluster: "staging" }));
  await expect.poll(() => sandbox.getPods("U0APPROVER")).toMatchObject({ ok: true });
  expect(await entry()).toBeNull();
});

test("beside an operator the audit log says that the creator repaired it, because the role did not let the worker in", async () => {
  const file = join(folder, "operator.yml");
  const operator = `operator: { roleArn: "arn:aws:iam::${account}:role/eks-access-operator" }`;
  await writeFile(file, (configuration + emergency).replace("    creator:", `    ${operator}\n    creator:`));
  vi.stubEnv("EKS_ACCESS_CONFIG", file);
  sandbox.aws.account.setTrust(rescuer, { principals: [] });
  write({});

  expect(await rescue("--yes", "--document", good)).toMatchObject({ code: 0 });

  const events = await asWorker(({ ledger }) => ledger.eventsOf("creator/staging", 9));
  expect(events.map(({ event }) => event)).toMatchObject([
    { type: "creator.used", actor: "U0ONCALL", detail: { creator: arns.creator, use: "rescue" } },
  ]);
});

test("what a webhook makes of the repair is said, and operators read it", async () => {
  await write({});
  await sandbox.cluster.admit((data) => ({
    ...data,
    mapRoles: (data.mapRoles ?? "").replace("system:masters", "viewers"),
  }));

  const { stdout } = await rescue("--yes", "--document", good);

  const change = `changed ${arns.admins}: platform-admin:{{SessionName}} with viewers instead of platform-admin:{{SessionName}} with system:masters`;
  expect(stdout).toContain(`An admission webhook ${change}\n`);
  const [events, notices] = await asWorker(({ ledger }) => Promise.all([ledger.events(1, 50), ledger.notices()]));
  expect(events.find(({ event }) => event.type === "write.changed")?.event.detail.changes).toEqual([change]);
  expect(JSON.stringify(notices)).toContain("changes aws-auth of staging");
});

test("a request that waits for the repair is tried at once", async () => {
  const retryAt = new Date(Date.now() + 900_000).toISOString();
  const waiting = { ...aRequest(), version: 1, trouble: aTrouble({ code: "section-unreadable", retryAt }) };
  await asWorker((context) => context.ledger.commit(aChange(waiting)));
  write({});

  expect(await rescue("--yes", "--document", good)).toMatchObject({ code: 0 });

  const after = await asWorker(({ ledger }) => ledger.get(waiting.id));
  expect(Date.parse(after?.trouble?.retryAt ?? retryAt)).toBeLessThanOrEqual(Date.now());
});

test("it needs nothing of who created the cluster, and proves that its role signed in", async () => {
  sandbox.aws.account.setTrust(arns.creator, { principals: [] });
  write({});

  expect(await rescue("--yes", "--document", good)).toMatchObject({ code: 0 });

  expect(await records()).toMatchObject([
    {
      level: "rescue",
      principal: rescuer,
      reason: "nobody gets in",
      emergency: { review: null },
      lease: { state: "ended", proof: { mapped: { result: "yes" }, signedIn: { result: "yes" } } },
    },
  ]);
  expect(await eventTypes()).toEqual([
    "emergency.taken",
    "rescue.mode-switched",
    "lease.writing",
    "lease.active",
    "rescue.writing",
    "rescue.repaired",
    "lease.ended",
  ]);
});

test("log, record and tags have AWS's identity of the caller and the name that they gave", async () => {
  await rescue("--yes", "--keep");

  const events = await asWorker(async ({ ledger }) => (await ledger.events(1, 50)).map(({ event }) => event));
  const [record] = await records();
  const as = expect.stringContaining(`:assumed-role/${arns.worker.split("/").at(-1)}/`);
  expect(events[0]).toMatchObject({ type: "emergency.taken", actor: "U0ONCALL", detail: { as } });
  expect(record?.emergency).toMatchObject({ as: [as] });
  expect([(await entry())?.tags["eks-access/rescue-as"]]).toEqual(record?.emergency?.as);
});

test("the last good document that a worker keeps in the cluster is written again", async () => {
  await asWorker((context, cluster) => adoptCluster(context, cluster));
  await sandbox.cluster.deleteAwsAuth();
  expect(await rescue("--yes")).toMatchObject({ code: 1, stdout: expect.stringContaining("--document") });

  const { code, stdout } = await rescue("--yes", "--document", "kept");

  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/: the copy of 2\d{3}-/) });
  expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("the document before it is restored if the newest one is readable but wrong", async () => {
  await asWorker((context, cluster) => adoptCluster(context, cluster));
  write({ mapRoles: initialAwsAuth.mapRoles?.replace("system:masters", "nobody-knows") ?? "" });
  await asWorker((context, cluster) => adoptCluster(context, cluster));

  expect(await rescue("--yes", "--document", "kept")).toMatchObject({ code: 0 });
  expect(await rescue("--yes", "--document", "kept-before")).toMatchObject({ code: 0 });

  expect(resolve(parseDocument(sandbox.cluster.awsAuth()?.data ?? {}), arns.admins)?.groups).toContain(
    "system:masters",
  );
});

test("without a kept document of ours nothing is written, and the role keeps its access", async () => {
  write({});

  const { code, stdout } = await rescue("--yes", "--document", "kept");

  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("has no such document") });
  expect(sandbox.cluster.awsAuth()?.data).toEqual({});
  expect(await entry()).not.toBeNull();
});

test("a ConfigMap that is absent and that a webhook refuses is not made, not even empty", async () => {
  await sandbox.cluster.deleteAwsAuth();
  const body = JSON.stringify({
    kind: "Status",
    status: "Failure",
    reason: "Forbidden",
    message: "denied the request",
    code: 403,
  });
  sandbox.faults.plan("kubernetes.dry-run-configmap", { type: "answer", status: 403, body });

  expect(await rescue("--yes", "--document", good)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("POST configmap aws-auth of cluster staging (dry run)"),
  });

  expect(sandbox.cluster.awsAuth()).toBeNull();
  expect(await eventTypes()).not.toContain("rescue.writing");
});

test("a rescue repairs what needs no guess and asks for the rest, while the role keeps its access", async () => {
  write({ mapRoles: initialAwsAuth.mapRoles?.replace("  groups:", "\tgroups:") ?? "" });

  expect(await rescue("--yes")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("Replaces the tabs in mapRoles with spaces"),
  });
  expect(resolve(parseDocument(sandbox.cluster.awsAuth()?.data ?? {}), arns.admins)?.groups).toEqual([
    "system:masters",
  ]);

  write({ mapRoles: "- rolearn: [" });
  const { code, stdout } = await rescue("--yes");

  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: expect.stringContaining("Use the last good document: --document kept"),
  });
  expect(stdout).toContain(`A worker ends the access entry of ${rescuer} at 2`);
  expect(await entry()).toMatchObject({ policies: [{ name: "AmazonEKSClusterAdminPolicy", namespaces: null }] });
});

test("a lease that ended since the backup does not come back as a principal's own, whatever the live annotation remembers", async () => {
  const { memory: keys } = keysOf(sandbox);
  const memory = (...holdings: Holding[]) => ({
    [leasesAnnotation]: writeAnnotation(`staging ${clusterArn("staging")}`, holdings, keys) ?? "",
  });
  const over = aHolding({ shares: [aShare({ id: "r-over", endsAt: "2026-01-01T00:00:00.000Z" })] });
  const colleague = "arn:aws:iam::111122223333:user/colleague";
  const requesterFacts = aHolding({
    arn: colleague,
    shares: [aShare({ id: "r-now", endsAt: "2099-01-01T00:00:00.000Z" })],
  });
  const mapUsers = (arn: string) => `- userarn: ${arn}\n  username: eks-access:some\n  groups: [eks-access:viewers]\n`;
  const backup = join(folder, "backup.json");
  const data = { ...initialAwsAuth, mapUsers: mapUsers(over.arn) };
  await writeFile(backup, JSON.stringify({ kind: "ConfigMap", metadata: { annotations: memory(over) }, data }));
  sandbox.cluster.editAwsAuth((configMap) => ({
    ...configMap,
    metadata: { ...configMap.metadata, annotations: memory(requesterFacts) },
    data: { mapRoles: "- rolearn: [", mapUsers: mapUsers(colleague) },
  }));

  expect(await rescue("--yes", "--document", backup)).toMatchObject({ code: 0 });
  expect(sandbox.cluster.awsAuth()?.data?.mapUsers).toContain(over.arn);
  await asWorker((context, cluster) => adoptCluster(context, cluster));

  const after = parseDocument(sandbox.cluster.awsAuth()?.data ?? {});
  expect(resolve(after, over.arn)).toBeNull();
  expect(resolve(after, colleague)?.groups).toEqual(["eks-access:viewers"]);
  expect(resolve(after, arns.admins)?.groups).toEqual(["system:masters"]);
});

test("missing entries are added to a document that people changed since, and the rest of it stays", async () => {
  const newcomer = `# came later\n- rolearn: arn:aws:iam::${account}:role/newcomer\n  username: new\n  groups: [viewers]\n`;
  write({ mapRoles: newcomer });

  expect(await rescue("--yes", "--document", good)).toMatchObject({ code: 0 });

  const data = sandbox.cluster.awsAuth()?.data ?? {};
  expect(data.mapRoles).toContain(newcomer);
  expect(resolve(parseDocument(data), arns.admins)?.groups).toEqual(["system:masters"]);
});

test("a readable document without a good copy stays as it is, and the role keeps its access", async () => {
  const { code, stdout } = await rescue("--yes");

  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: expect.stringContaining("wrote nothing. To check everyone, add --document"),
  });
  expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  expect(await entry()).not.toBeNull();
});

test("if the cluster does not read aws-auth, the role gets in and stays until its end", async () => {
  const cluster = `arn:aws:eks:${region}:${account}:cluster/staging`;
  sandbox.aws.updateCluster(cluster, { authenticationMode: "API" });

  const { code, stdout } = await rescue();

  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("Repair its access entries now") });
  expect(await records()).toMatchObject([{ lease: { state: "active", proof: { signedIn: { result: "yes" } } } }]);
});

test("it says that the switch of the mode is irreversible, and does nothing without --yes", async () => {
  write({});

  expect(await rescue("--document", good)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("API_AND_CONFIG_MAP for good"),
  });
  expect(await records()).toEqual([]);
});

test.each([
  ["--by", "U0ENGINEER", "gives U0ENGINEER no emergency access"],
  ["--for", "3h", "lasts at most 2h"],
  ["--for", "soon", "Give --for as a duration"],
  ["--role", arns.engineer, "A rescue needs a role"],
  ["--role", "arn:aws:iam::999999999999:role/x", "is in 999999999999"],
  ["--reason", " ", "Give a value for --reason."],
])("%s %s is refused before anything is done", async (name, value, message) => {
  const argv = order.map((each, index) => (order[index - 1] === name ? value : each));

  const { code, stderr } = await runCommand(runRescue, [...argv, "--yes"]);

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  expect(await records()).toEqual([]);
});

test("a reason that approvers can't see, or that no message has room for, is refused as in Slack", async () => {
  const [blank, long] = await Promise.all(
    ["\u200b\u2800", "a".repeat(501)].map((reason) => runCommand(runRescue, [...order.slice(0, -1), reason, "--yes"])),
  );

  expect(blank).toMatchObject({ code: 2, stderr: expect.stringContaining("Say why you need it.") });
  expect(long).toMatchObject({ code: 2, stderr: expect.stringContaining("The reason has 501 characters; the limit") });
  expect(await records()).toEqual([]);
});

test("a good document whose section is no text is refused before anything is done, as a plan refuses it", async () => {
  write({});
  const file = join(folder, "list.yaml");
  await writeFile(file, `mapUsers: ""\nmapRoles:\n  - rolearn: ${arns.node}\n`);

  expect(await rescue("--yes", "--document", file)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      `${file}:2:1: The value of mapRoles is not text. Write mapRoles: | above its lines.`,
    ),
  });
  expect(await records()).toEqual([]);
});

const [before, after] = ["sts.GetCallerIdentity", "eks.CreateAccessEntry"] as const;
const begun = "r-\\w+ has begun";

test.each([
  ["SIGINT", "before it begins, that nothing began", before, [], "nothing began", 130],
  ["SIGINT", "after its beginning, what goes on", after, [], begun, 130],
  ["SIGINT", "after it without the ledger, what goes on", after, ["--without-ledger"], begun, 130],
  ["SIGTERM", "after its beginning, what goes on", after, [], begun, 143],
] as const)("%s says %s, and what to run", async (signal, _when, call, more, what, code) => {
  write({});
  const { struck } = sandbox.aws.faults.plan(call, { type: "hang" });
  const { script } = await builtProduct();
  const child = spawn(process.execPath, [script, "rescue", ...order, "--yes", ...more], { env: process.env });
  const [stderr, ended] = [text(child.stderr), once(child, "exit")];
  await struck;

  child.kill(signal);

  expect(await ended).toEqual([code, null]);
  expect(await stderr).toMatch(new RegExp(`\nStopped: ${what}\\. Run it again\\.\n$`));
});

test("what fails unexpectedly after its beginning does not end with the code of a command that began nothing", async () => {
  const stderr: string[] = [];
  const stdout = () => {
    throw new Error("write EIO");
  };
  const io = { stdout, stderr: (said: string) => void stderr.push(said), readStdin: async () => "", colour: false };

  const code = await runRescue([...order, "--yes"], io);

  expect(code).toBe(1);
  expect(stderr.join("")).toMatch(/^eks-access rescue: Something unexpected failed\.[\s\S]*write EIO/);
  expect(await records()).toHaveLength(1);
});

test("it goes on where it died, under the same record and with the same end", async () => {
  write({});
  const { faults } = sandbox.aws;
  const denied = { "x-amzn-errortype": "AccessDeniedException" };
  faults.plan("eks.AssociateAccessPolicy", { type: "answer", status: 403, headers: denied, body: "{}" });
  expect(await rescue("--yes", "--document", good)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("eks:AssociateAccessPolicy"),
  });
  const [before] = await records();
  expect(await entry()).toMatchObject({ policies: [] });

  expect(await rescue("--yes", "--document", good)).toMatchObject({ code: 0 });

  expect(await records()).toMatchObject([{ id: before?.id, lease: { state: "ended", endsAt: before?.lease?.endsAt } }]);
  expect(await entry()).toBeNull();
});

test("a rescue that another person continues has both in its record, and needs a new review", async () => {
  write({});
  await rescue("--yes", "--keep");
  await asWorker(async (context) => {
    const [begun] = await context.ledger.ofRequester("U0ONCALL", 9);
    if (begun?.state !== "approved" || !begun.emergency) throw new Error("the rescue has not begun");
    const review = { by: "U0APPROVER", at: new Date().toISOString(), seal: "" };
    await context.ledger.commit(aChange(revise(begun, { emergency: { ...begun.emergency, review } })));
  });
  const other = sandbox.aws.account.sessionFor(arns.worker, "other", { seconds: 3600 });
  vi.stubEnv("AWS_ACCESS_KEY_ID", other.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", other.secretAccessKey);
  vi.stubEnv("AWS_SESSION_TOKEN", other.sessionToken);

  await rescue("--document", good);

  const first = expect.stringMatching(/:assumed-role\/eks-access-worker\/(?!other$)/);
  const as = expect.stringMatching(/:assumed-role\/eks-access-worker\/other$/);
  expect(await records()).toMatchObject([{ emergency: { as: [first, as], review: null }, lease: { state: "ended" } }]);
  const events = await asWorker(async ({ ledger }) => (await ledger.events(1, 50)).map(({ event }) => event));
  expect(events.filter(({ type }) => type === "emergency.taken")).toMatchObject([{}, { detail: { as } }]);
});

test("it goes on under a record that an attacker wrote into Redis no longer than its own time", async () => {
  await rescue("--yes", "--keep");
  const [begun] = await records();
  await accessEntriesOf(await EksCluster.open("default", staging)).remove(rescuer);
  await asWorker(async (context) => {
    if (!begun?.lease) throw new Error("the rescue has not begun");
    const forged = revise(begun, {
      durationSeconds: 1e9,
      lease: { ...begun.lease, endsAt: never } as ApprovedRequest["lease"],
    });
    const now = new Date();
    await recordChange(context, begun, forged, eventOf("lease.delayed", forged, "worker", now, {}), now);
  });

  const { stdout } = await rescue("--yes", "--keep");

  const [, , endsAt = ""] = (await entry())?.tags["eks-access/rescue"]?.split(" ") ?? [];
  expect(Date.parse(endsAt)).toBeLessThanOrEqual(Date.now() + 3600 * 1000);
  expect(stdout).not.toContain(never);
});

test("it does not go on in another cluster that got the name", async () => {
  write({});
  const denied = { "x-amzn-errortype": "AccessDeniedException" };
  sandbox.aws.faults.plan("eks.AssociateAccessPolicy", { type: "answer", status: 403, headers: denied, body: "{}" });
  expect(await rescue("--yes", "--document", good)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("eks:AssociateAccessPolicy"),
  });
  const before = await records();
  const moved = join(folder, "moved.yml");
  await writeFile(moved, (configuration + emergency).replace("region: eu-central-1", "region: eu-west-1"));
  vi.stubEnv("EKS_ACCESS_CONFIG", moved);
  const other = { name: "staging", region: "eu-west-1", creatorArn: arns.creator, account };
  const arn = sandbox.aws.addCluster({ ...sandbox.cluster, ...other });
  const untouched = JSON.stringify(sandbox.aws.cluster(arn));

  expect(await rescue("--yes", "--document", good)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${before[0]?.id} belongs to arn:aws:eks:eu-central-1:${account}:cluster/staging`),
  });

  expect(await records()).toEqual(before);
  expect(JSON.stringify(sandbox.aws.cluster(arn))).toBe(untouched);
});

test("a worker ends it when its time is over", async () => {
  await rescue("--yes", "--keep");
  expect(await entry()).not.toBeNull();

  await asWorker((context, cluster) => endRescues(context, cluster));
  expect(await entry()).not.toBeNull();
  const later = () => new Date(Date.now() + 2 * 3600 * 1000);
  await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster));

  expect(await entry()).toBeNull();
  expect(await records()).toMatchObject([{ lease: { state: "ended" }, emergency: { review: null } }]);
});

test("one that failed before EKS switched the mode has an end, too", async () => {
  const denied = { "x-amzn-errortype": "AccessDeniedException" };
  sandbox.aws.faults.plan("eks.UpdateClusterConfig", { type: "answer", status: 403, headers: denied, body: "{}" });
  expect(await rescue("--yes")).toMatchObject({ code: 1 });

  const later = () => new Date(Date.now() + 2 * 3600 * 1000);
  await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster));

  expect(await records()).toMatchObject([{ lease: { state: "failed" }, trouble: null }]);
});

const aHundredYears = { durationSeconds: 100 * 365 * 86_400 };

test.each<[string, (record: ApprovedRequest) => unknown]>([
  ["a later end", (record) => ({ ...record, ...aHundredYears, lease: { ...record.lease, endsAt: never } })],
  ["another level", (record) => ({ ...record, ...aHundredYears, level: "viewer" })],
  ["no form at all", () => ({})],
])("an attacker with Redis who gives its record %s keeps nothing of it after its sealed end", async (_, edit) => {
  await rescue("--yes", "--keep");
  const [record] = await records();
  if (record?.state !== "approved") throw new Error("the rescue has not begun");
  const direct = new Redis(redis.url);
  await direct.hset(`{eks-access}:record:${record.id}`, { record: JSON.stringify(edit(record)) });
  direct.disconnect();
  const later = () => new Date(Date.now() + 2 * 3600 * 1000);

  await asWorker((context, cluster) => adoptRescues({ ...context, now: later }, cluster));

  expect(await entry()).toBeNull();
  expect((await records()).filter(({ lease, level }) => level === "rescue" && lease?.state !== "ended")).toEqual([]);
});

test("a worker that may not end it says what it lacks, and tries again", async () => {
  await rescue("--yes", "--keep");
  sandbox.aws.account.setAllowed(arns.worker, ["sts:*", "eks:Describe*"]);
  const later = (hours: number) => () => new Date(Date.now() + hours * 3600 * 1000);

  await asWorker((context, cluster) => endRescues({ ...context, now: later(2) }, cluster));

  expect(await records()).toMatchObject([
    {
      lease: { end: { cause: "expired" } },
      trouble: { message: expect.stringContaining("deploy/iam/rescue-policy.json") },
    },
  ]);
  sandbox.aws.account.setAllowed(arns.worker, ["sts:*", "eks:*"]);
  await asWorker((context, cluster) => endRescues({ ...context, now: later(3) }, cluster));

  expect(await entry()).toBeNull();
});

/** As an approver and a worker do it, who find no entry. */
const revokes = (change: Partial<Lease>) => () =>
  asWorker(async (context) => {
    const [begun] = await context.ledger.ofRequester("U0ONCALL", 9);
    if (!begun?.lease) throw new Error("the rescue has not begun");
    const now = new Date();
    const end = { cause: "revoked", by: "U0APPROVER", at: now.toISOString(), why: "" } as const;
    const after = revise(begun, { lease: aLease(begun.lease, { end, ...change }) });
    await recordChange(context, begun, after, eventOf("lease.ending", after, "U0APPROVER", now, {}), now);
  });

test.each([
  ["revoked", "switches the mode", "eks.UpdateClusterConfig", {}],
  ["revoked and ended", "switches the mode", "eks.UpdateClusterConfig", { state: "failed" as const }],
  ["revoked and ended", "makes its entry", "eks.CreateAccessEntry", { state: "failed" as const }],
])("one that is %s while EKS %s gives nothing any more", async (_, __, call, change) => {
  sandbox.aws.faults.plan(call, { type: "watch" }, { onStrike: revokes(change) });

  expect(await rescue("--yes", "--document", good)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("has ended"),
  });

  expect(await entry()).toBeNull();
  expect(await records()).toMatchObject([{ lease: { activeSince: null, end: { cause: "revoked" }, ...change } }]);
});

test("one that is ended while EKS makes its entry, and gets no answer about its policy, deletes the entry", async () => {
  const { faults } = sandbox.aws;
  faults.plan("eks.CreateAccessEntry", { type: "watch" }, { onStrike: revokes({ state: "failed" }) });
  faults.plan("eks.AssociateAccessPolicy", { type: "cut-after" });

  expect(await rescue("--yes", "--document", good)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Can't reach AWS for eks:AssociateAccessPolicy"),
  });

  expect(await entry()).toBeNull();
});

test("a run that ends the rescue deletes also what another run made again meanwhile, and left", async () => {
  await rescue("--yes", "--keep");

  const outcome = await asWorker(async (context, cluster) => {
    const [begun] = await context.ledger.leasedOf("staging");
    if (!begun) throw new Error("the rescue has not begun");
    const by = { by: "U0ONCALL", as: arns.worker };
    const openEks = () => EksCluster.open("default", staging);
    const commit: Ledger["commit"] = async (change) => {
      const lease = { id: begun.id, endsAt: begun.lease.endsAt, ...by };
      if (change.event?.type === "lease.ended") await giveLease(context, await openEks(), rescuer, lease);
      return context.ledger.commit(change);
    };
    const journal = ledgerJournal({ ...context, ledger: { ...context.ledger, commit } }, begun, by.by);
    const people = { others: [], creatorArn: null, say: () => {}, reportChanges: async () => {} };
    const kind = { durationSeconds: 3600, reason: "", good: { data: initialAwsAuth, annotations: {} }, keeps: false };
    const order = { cluster, principalArn: rescuer, ...by, ...kind };
    return rescueWith({ ...context, ...people, openEks }, order, journal);
  });

  expect(outcome).toMatchObject({ isEnded: true });
  expect(await entry()).toBeNull();
});

test("an entry that a late process made for a lease that is over is deleted by who finds it", async () => {
  await rescue("--yes", "--keep");
  const [record] = await records();
  await asWorker(async (context) => {
    if (!record?.lease) throw new Error("the rescue has not begun");
    const now = new Date();
    const over = revise(record, { lease: endedLease(record.lease, now.toISOString(), {}) });
    await recordChange(context, record, over, eventOf("lease.ended", over, "worker", now, {}), now);
  });
  expect(await entry()).not.toBeNull();

  expect(await asWorker(adoptRescues)).toEqual([]);

  expect(await entry()).toBeNull();
});

test("recover says that an expired lease has ended only once it is gone", async () => {
  const over = aHolding({ shares: [aShare({ id: "r-over", endsAt: "2026-01-01T00:00:00.000Z" })] });
  const annotation = writeAnnotation(`staging ${clusterArn("staging")}`, [over], keysOf(sandbox).memory) ?? "";
  const mapUsers = `- userarn: ${over.arn}\n  username: eks-access:some\n  groups: [eks-access:viewers]\n`;
  await sandbox.cluster.editAwsAuth((configMap) => ({
    ...configMap,
    metadata: { ...configMap.metadata, annotations: { [leasesAnnotation]: annotation } },
    data: { ...initialAwsAuth, mapUsers },
  }));
  const refused = { type: "answer", status: 503, body: "{}" } as const;
  const { cancel } = sandbox.faults.plan("kubernetes.replace-configmap", refused, { times: 99 });

  const first = await runCommand(recover, ["staging"]);
  cancel();
  const second = await runCommand(recover, ["staging"]);

  expect(first).toMatchObject({
    code: 1,
    stdout: "staging: recovered 0 leases, ended 0 expired leases. Not ended: r-over. The log has the cause.\n",
  });
  expect(second).toMatchObject({ code: 0, stdout: "staging: recovered 0 leases, ended 1 expired lease\n" });
});

test("a worker reads all rescues of a cluster with many access entries in the time that these get", async () => {
  await rescue("--yes", "--keep");
  const entries = accessEntriesOf(await EksCluster.open("default", staging));
  for (let team = 0; team < 40; team += 1) {
    const { arn: principalArn } = sandbox.aws.account.addRole({ name: `team-${team}` });
    await entries.create({ principalArn, username: `team-${team}`, groups: [], tags: {} });
  }
  sandbox.aws.faults.plan("eks.DescribeAccessEntry", { type: "delay", ms: 50 }, { times: 1_000 });
  const later = () => new Date(Date.now() + 2 * 3600 * 1000);
  const deadlines = { ...usualDeadlines, longRun: 1_000 };

  await asWorker((context, cluster) =>
    withinDeadline("longRun", deadlines, () => adoptRescues({ ...context, now: later }, cluster)),
  );

  expect(await entry()).toBeNull();
});

test("a worker never deletes others' later entry to which someone copied the tags of an ended rescue", async () => {
  await rescue("--yes", "--keep");
  const made = await entry();
  if (!made) throw new Error("the rescue has not begun");
  const { principalArn, tags } = made;
  const eks = await EksCluster.open("default", staging);
  const entries = accessEntriesOf(eks);
  await entries.remove(principalArn);
  await entries.create({ principalArn, username: "theirs", groups: ["theirs"], tags });

  const later = () => new Date(Date.now() + 2 * 3600 * 1000);
  await asWorker((context, cluster) => adoptRescues({ ...context, now: later }, cluster));

  expect(await entry()).toMatchObject({ username: "theirs", groups: ["theirs"] });
});

test.each<[string, (entries: AccessEntries, made: AccessEntry) => Promise<void>]>([
  ["changes", (entries, made) => entries.tag(made, { "eks-access/rescue": `r-1 U0ONCALL ${never}` })],
  ["takes away", (entries, made) => entries.untag(made, Object.keys(made.tags))],
])("a person who may only tag access entries and %s those of a rescue keeps nothing of it", async (_, edit) => {
  await rescue("--yes", "--keep");
  const made = await entry();
  if (!made) throw new Error("the rescue has not begun");
  await edit(accessEntriesOf(await EksCluster.open("default", staging)), made);

  const later = () => new Date(Date.now() + 2 * 3600 * 1000);
  await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster));

  expect(await entry()).toBeNull();
  expect(await records()).toMatchObject([{ lease: { state: "ended" }, trouble: null }]);
});

test("a rescue with the tags of an earlier one of the same role ends on time", async () => {
  const brief = order.map((each, index) => (order[index - 1] === "--for" ? "10s" : each));
  await runCommand(runRescue, [...brief, "--yes", "--document", good, "--keep"]);
  const earlier = await entry();
  const inAMinute = () => new Date(Date.now() + 60_000);
  await asWorker((context, cluster) => endRescues({ ...context, now: inAMinute }, cluster));
  await rescue("--yes", "--keep");
  const made = await entry();
  if (!made || !earlier) throw new Error("the rescue has not begun");
  await accessEntriesOf(await EksCluster.open("default", staging)).tag(made, earlier.tags);

  const later = () => new Date(Date.now() + 2 * 3600 * 1000);
  await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster));

  expect(await entry()).toBeNull();
});

test("a worker never deletes an entry that others made in a rescue's place, and reports it", async () => {
  await rescue("--yes", "--keep");
  const entries = accessEntriesOf(await EksCluster.open("default", staging));
  await entries.remove(rescuer);
  await entries.create({ principalArn: rescuer, username: "theirs", groups: [], tags: {} });

  const later = () => new Date(Date.now() + 2 * 3600 * 1000);
  await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster));

  expect(await entry()).toMatchObject({ username: "theirs" });
  expect(await records()).toMatchObject([
    { trouble: { message: expect.stringContaining("is not ours. Delete it by hand.") } },
  ]);
});

test("an identity without the policy of a rescue reads which one it needs, and nothing began", async () => {
  sandbox.aws.account.setAllowed(arns.worker, ["sts:*"]);

  await expect(rescue("--yes")).rejects.toThrow("statements of deploy/iam/rescue-policy.json");
  expect(await records()).toEqual([]);
});

test("of two that begin at the same moment one gives the access, and the other one is told to continue it", async () => {
  const endsAt = new Date(Date.now() + 3_600_000).toISOString();
  const first = { id: "r-first", by: "U0APPROVER", as: arns.worker, endsAt };
  const begins = () =>
    asWorker(async (context) => {
      await giveLease(context, await EksCluster.open("default", staging), rescuer, first);
    });
  sandbox.aws.faults.plan("eks.DescribeAccessEntry", { type: "watch" }, { onStrike: begins });

  expect(await rescue("--yes")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`U0APPROVER rescues with ${rescuer} already (r-first). Try again.`),
  });
  expect(await rescue("--yes", "--document", good)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("r-first"),
  });
  expect(await entry()).toBeNull();
});

test("a role that has an access entry already is refused, and its entry stays as it is", async () => {
  sandbox.aws.updateCluster(clusterArn("staging"), { authenticationMode: "API_AND_CONFIG_MAP" });
  const theirs = { principalArn: rescuer, username: "theirs", groups: ["theirs"], tags: {} };
  await accessEntriesOf(await EksCluster.open("default", staging)).create(theirs);

  expect(await rescue("--yes")).toMatchObject({ code: 1, stderr: expect.stringContaining(`${rescuer} is not ours`) });
  expect(await entry()).toMatchObject({ username: "theirs", groups: ["theirs"] });
  expect(await records()).toMatchObject([{ lease: { state: "failed" } }]);
});

test("a role for which EKS makes no entry is refused with what to type, and no message says that it is applied", async () => {
  const wrong = order.map((each) => each.replace("/rescuers/", "/"));

  expect(await runCommand(runRescue, [...wrong, "--yes"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("this path exists (--role"),
  });
  const [failed] = await records();
  expect(failed?.lease).toMatchObject({ state: "failed", failure: { code: "access-entry-refused" } });
});

test("it goes on where EKS shows the new entry's policy late", async () => {
  write({});
  const body = JSON.stringify({ clusterName: "staging", principalArn: rescuer, associatedAccessPolicies: [] });
  const { struck } = sandbox.aws.faults.plan("eks.ListAssociatedAccessPolicies", { type: "answer", status: 200, body });

  expect(await rescue("--yes", "--document", good)).toMatchObject({ code: 0 });
  await struck;
});

test("a rescue whose record Redis lost goes on under the same id, with the same end", async () => {
  write({});
  await rescue("--yes", "--keep");
  const [lost] = await records();
  await redis.close();
  redis = await aRedis();
  vi.stubEnv("REDIS_URL", redis.url);

  const { code, stdout } = await rescue("--document", good);

  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`(${lost?.id})`) });
  expect(await records()).toMatchObject([{ id: lost?.id, lease: { state: "ended", endsAt: lost?.lease?.endsAt } }]);
  expect(await entry()).toBeNull();
  expect(sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
});

test("a rescue that was made without Redis is found by a worker itself when it reads the clusters' memories again", async () => {
  await asWorker((context, cluster) => adoptCluster(context, cluster));
  expect(await rescue("--yes", "--keep", "--without-ledger")).toMatchObject({ code: 0 });
  expect(await records()).toEqual([]);

  // The sweep makes each worker do this once in twelve inspections.
  await asWorker((context, cluster) => adoptCluster(context, cluster));

  expect(await records()).toMatchObject([
    { lease: { state: "active" }, emergency: { review: null, as: [expect.any(String)] } },
  ]);
  const later = () => new Date(Date.now() + 2 * 3600 * 1000);
  await asWorker((context, cluster) => endRescues({ ...context, now: later }, cluster));
  expect(await entry()).toBeNull();
});

test("without the ledger, what a webhook makes of the repair is a line for the audit log", async () => {
  await write({});
  await sandbox.cluster.admit((data) => ({ ...data, mapAccounts: '- "444455556666"\n' }));

  const { stdout, stderr } = await rescue("--yes", "--document", good, "--without-ledger");

  expect(stderr).toContain('"type":"write.changed"');
  expect(stderr).toContain("444455556666");
  expect(stdout).toContain("Sent nothing: keep these events.");
});

test("without the ledger the same line goes on after a failure, with the same end, and what is over makes room for it", async () => {
  write({ mapRoles: "- rolearn: [\n" });
  const eks = await EksCluster.open("default", staging);
  const endsAt = new Date(Date.now() - 1_000).toISOString();
  sandbox.aws.updateCluster(clusterArn("staging"), { authenticationMode: "API_AND_CONFIG_MAP" });
  await asWorker((context) => giveLease(context, eks, rescuer, { id: "r-over", by: "U0ONCALL", as: "", endsAt }));

  const first = await rescue("--yes", "--without-ledger");
  const [, id = "none"] = /\((r-\w+)\)/.exec(first.stdout) ?? [];
  const [, end = "none"] = /Policy until (.+)\.\n/.exec(first.stdout) ?? [];
  const again = await rescue("--yes", "--without-ledger", "--keep", "--document", good);

  expect([first.code, again.code]).toEqual([1, 0]);
  expect(id).not.toBe("r-over");
  expect(again.stdout).toMatch(new RegExp(`\\(${id}\\)[^]*Policy until ${end}`));
  expect(again.stderr).not.toContain("emergency.taken");
});

test("with --without-ledger it goes on while Redis is away; recover reports and ends it when Redis is back", async () => {
  const { url } = redis;
  vi.stubEnv("REDIS_URL", "redis://127.0.0.1:1");
  await expect(rescue("--yes", "--keep")).rejects.toThrow("or add --without-ledger");
  expect(await rescue("--yes", "--keep", "--without-ledger")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/run eks-access recover staging\.\nSent nothing: keep these events\.\n$/),
    stderr: expect.stringContaining('"type":"lease.active"'),
  });
  vi.stubEnv("REDIS_URL", url);

  expect(await runCommand(recover, ["staging"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("recovered 1 lease"),
  });

  const [record] = await records();
  expect(record).toMatchObject({
    principal: rescuer,
    requester: "U0ONCALL",
    emergency: { review: null },
    lease: { state: "active" },
  });
  expect(record && isRescue(record)).toBe(true);
  expect(Date.parse(record?.lease?.endsAt ?? "")).toBeGreaterThan(Date.now() + 3500 * 1000);
  const review = await runCommand(audit, ["review"]);
  expect(review.stdout).toMatch(new RegExp(`,U0ONCALL,,${rescuer},rescue,.*,emergency,`));
});
