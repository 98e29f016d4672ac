import { afterEach, describe, expect, test } from "vitest";
import type { SandboxAccessEntry } from "../../../sandbox/aws/eks-cluster.ts";
import { account, arns, clusterArn, clusterName, externalId, initialAwsAuth } from "../../../sandbox/scene.ts";
import type { Lease } from "../../../src/access/lease/lease-record.ts";
import { type CheckReport, checkReport } from "../../../src/diagnosis/reports.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { reportCheck } from "../../../src/worker/questions/check.ts";
import { type ReadingLimits, readingLimits } from "../../../src/worker/questions/look-at-cluster.ts";
import { aLease, aLeasedRequest, anApprovedRequest, revise } from "../../builders/a-request.ts";
import { aWrittenEntry } from "../../builders/a-share.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { aChange } from "../../builders/an-event.ts";
import { aStatus } from "../../kubernetes/api-server.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";

const workerSide = useWorkerSide();

const write = (data: Readonly<Record<string, string>>) =>
  workerSide().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...data } }), "terraform");

/** A person writes our annotation. */
const annotate = (text: string | undefined) =>
  workerSide().sandbox.cluster.editAwsAuth(({ metadata, ...configMap }) => {
    const { "eks-access/leases": _, ...others } = metadata.annotations ?? {};
    const annotations = text === undefined ? others : { ...others, "eks-access/leases": text };
    return { ...configMap, metadata: { ...metadata, annotations } };
  });

/** What arrives in the Slack process. */
async function check(limits: ReadingLimits = readingLimits, ledger: Ledger = memoryLedger()): Promise<CheckReport> {
  const { cluster, context } = workerSide();
  const report = await reportCheck(context(ledger), cluster, { user: "U0ONCALL", isResponsible: true }, limits);
  expect(checkReport.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  return report;
}

/** A ledger in which a person has a lease now. */
async function ledgerWith(principal: string, lease: Partial<Lease> = {}): Promise<Ledger> {
  const ledger = memoryLedger();
  const endsAt = new Date(Date.now() + 3_600_000).toISOString();
  await ledger.commit(aChange({ ...aLeasedRequest({ endsAt, ...lease }, { version: 1 }), principal }));
  return ledger;
}

/** Reads the leases of a ledger, each of which a run changes once they were read for the first time. */
function changingAfterFirst({ leasedOf }: Ledger, change: Partial<Lease>): Ledger["leasedOf"] {
  let reads = 0;
  return async (of) => {
    const leased = await leasedOf(of);
    reads += 1;
    if (reads === 1) return leased;
    return leased.map((request) => revise(request, { lease: request.lease && aLease(request.lease, change) }));
  };
}

test.each([
  [true, "tries now what waits for a repair, because they may have made it"],
  [false, "of a requester changes no next try"],
])("a check, by a responsible person: %s, %s", async (isResponsible) => {
  const ledger = memoryLedger();
  const later = new Date(Date.now() + 600_000).toISOString();
  const trouble = aTrouble({ code: "section-unreadable", retryAt: later });
  await ledger.commit(aChange(anApprovedRequest({ id: "r-one", version: 1, trouble })));
  const { cluster, context } = workerSide();

  await reportCheck(context(ledger), cluster, { user: "U0ONCALL", isResponsible });

  const retryAt = (await ledger.get("r-one"))?.trouble?.retryAt;
  expect(retryAt === later).toBe(!isResponsible);
});

/** EKS makes the creator's own entry itself. */
function setMode(
  authenticationMode: "API" | "API_AND_CONFIG_MAP" | "CONFIG_MAP",
  accessEntries: readonly SandboxAccessEntry[] = [],
): void {
  workerSide().sandbox.aws.updateCluster(clusterArn(clusterName), { authenticationMode, accessEntries });
}

const entryOf = (principalArn: string, groups: readonly string[]): SandboxAccessEntry => ({
  principalArn,
  username: "by-entry",
  groups,
  policies: [],
});
const byEntry = aWrittenEntry();
const refusing = (name: string, status: number) =>
  ({ type: "answer", status, headers: { "x-amzn-errortype": name }, body: "{}" }) as const;

afterEach(() => {
  const { sandbox } = workerSide();
  sandbox.faults.clear();
  sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });
  setMode("CONFIG_MAP");
  write(initialAwsAuth);
});

describe("where aws-auth alone counts", () => {
  test("the live document is checked, with who else wrote it, and EKS is asked for no entries", async () => {
    write({ ...initialAwsAuth, mapUsers: `- userarn: ${arns.engineer}\n  username: engineer\n  groups: readers\n` });
    const before = workerSide().sandbox.faults.calls("eks.ListAccessEntries");

    const report = await check();

    expect(report).toMatchObject({ type: "looked", mode: "CONFIG_MAP", entries: { type: "none" } });
    expect(report).toMatchObject({
      document: {
        ...{ type: "checked", counts: { error: 1 }, entries: 3, immutable: false },
        writers: expect.arrayContaining([expect.objectContaining({ manager: "terraform" })]),
      },
    });
    expect(workerSide().sandbox.faults.calls("eks.ListAccessEntries")).toBe(before);
  });

  test("a section in binaryData is reported, because no one reads it", async () => {
    const binaryData = { logo: "eA==", mapAccounts: "eA==" };
    workerSide().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, binaryData }), "terraform");

    const report = await check();

    const message = 'The authenticator does not read "binaryData.mapAccounts".';
    const group = { severity: "error", count: 1, places: ["binaryData.mapAccounts"], message };
    expect(report).toMatchObject({
      document: {
        groups: expect.arrayContaining([
          expect.objectContaining({ ...group, remedy: "Move its entries to mapAccounts under data." }),
        ]),
      },
    });
  });

  test("a role of Identity Center that IAM does not have is named, and one of another account is not tested", async () => {
    const name = "AWSReservedSSO_Developer_0123456789abcdef";
    const own = `arn:aws:iam::${account}:role/${name}`;
    const other = `arn:aws:iam::444455556666:role/${name}`;
    const { account: aws } = workerSide().sandbox.aws;
    write({
      mapRoles: `${initialAwsAuth.mapRoles}- rolearn: ${own}\n  username: a\n- rolearn: ${other}\n  username: b\n`,
    });

    const gone = await check();
    aws.addRole({ name, path: "/aws-reserved/sso.amazonaws.com/", account });
    const there = await check();

    const groupsOf = (report: CheckReport) =>
      report.type === "looked" && report.document.type === "checked" ? report.document.groups : [];
    expect(groupsOf(gone)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ code: "role-deleted", severity: "warning", places: [own] }),
        expect.objectContaining({ code: "role-of-other-account", severity: "notice", places: [other] }),
      ]),
    );
    expect(JSON.stringify(there)).not.toContain("role-deleted");
  });

  test("the owner of the document is a notice with the setting to copy", async () => {
    const { cluster } = workerSide().sandbox;
    await cluster.editAwsAuth(
      (map) => ({ ...map, data: { ...initialAwsAuth, mapUsers: "[]\n" } }),
      "argocd-controller",
    );

    const report = await check();

    const document = report.type === "looked" ? report.document : null;
    const groups = document?.type === "checked" ? document.groups : [];
    const owned = groups.find((group) => group.code === "document-owned") ?? expect.fail(JSON.stringify(report));
    expect(owned.severity).toBe("notice");
    expect(owned.message).toContain("belongs to Argo CD");
    expect(owned.remedy).toContain("ignoreDifferences");
    expect(owned.remedy.length).toBeLessThan(250);
  });

  test("what keeps the worker from looking is reported in one sentence", async () => {
    workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [] });

    expect(await check()).toMatchObject({
      type: "failed",
      message: expect.stringContaining("Check the role's policies, trust policy"),
    });
  });

  test("a lease that a person removed is reported, and an annotation that is not believed", async () => {
    const ledger = await ledgerWith(arns.engineer);
    await annotate("somebody wrote this");

    const report = await check(readingLimits, ledger);
    await annotate(undefined);

    expect(report).toMatchObject({
      document: {
        groups: [
          { code: "annotation-untrusted", severity: "error", places: ["annotation eks-access/leases"] },
          { code: "lease-part-removed", severity: "error", places: [arns.engineer] },
          { code: "masters" },
        ],
      },
    });
  });

  test("a lease whose group no binding names any more is reported, and no other's group", async () => {
    const groups = ["eks-access:viewers", "nobodys"];
    write({
      ...initialAwsAuth,
      mapUsers: `- userarn: ${arns.engineer}\n  username: e\n  groups: [${groups}, others]\n`,
    });
    const ledger = memoryLedger();
    const written = aWrittenEntry({ way: "aws-auth", added: groups });
    const lease = { endsAt: new Date(Date.now() + 3_600_000).toISOString(), written };
    await ledger.commit(aChange({ ...aLeasedRequest(lease, { version: 1, groups }), principal: arns.engineer }));

    const report = await check(readingLimits, ledger);

    const document = report.type === "looked" ? report.document : null;
    const found = document?.type === "checked" ? document.groups.filter(({ code }) => code === "group-unbound") : [];
    expect(found).toMatchObject([{ severity: "warning", count: 1, places: ["aws-auth"] }]);
    expect(found[0]?.message).toContain("names `nobodys`");
    expect(document).toMatchObject({ knowsBindings: true });
  });

  test("a lease whose groups could not be compared with the bindings is not said to have one", async () => {
    const ledger = await ledgerWith(arns.engineer, { written: aWrittenEntry({ way: "aws-auth" }) });
    workerSide().sandbox.faults.plan("kubernetes.list-rolebindings", { type: "answer", status: 500 }, { times: 10 });

    const unknown = await check(readingLimits, ledger);
    const without = await check();

    expect(unknown).toMatchObject({ document: { type: "checked", knowsBindings: false } });
    expect(without).toMatchObject({ document: { type: "checked", knowsBindings: true } });
  });

  test("no lease counts as removed from an unreadable section", async () => {
    write({ ...initialAwsAuth, mapUsers: "- : [" });

    const report = JSON.stringify(await check(readingLimits, await ledgerWith(arns.engineer)));

    expect(report).toContain("section-unreadable");
    expect(report).not.toContain("lease-part-removed");
  });

  test.each([
    ["ends", { state: "ended" }],
    ["is being removed", { end: { cause: "revoked", by: "U0ENGINEER", at: "", why: "" } }],
  ] as const)("a lease that %s while the document is read is not reported as removed", async (_, change) => {
    const ledger = await ledgerWith(arns.engineer);
    const leasedOf = changingAfterFirst(ledger, change);

    expect(JSON.stringify(await check(readingLimits, { ...ledger, leasedOf }))).not.toContain("lease-part-removed");
  });

  test("a document that can't be read is reported with its mode, and how to fix it", async () => {
    workerSide().sandbox.faults.plan("kubernetes.get-configmap", { type: "cut-before" }, { times: 10 });

    expect(await check()).toMatchObject({
      mode: "CONFIG_MAP",
      document: { type: "failed", message: expect.stringContaining("Check the network path") },
    });
  });
});

describe("where access entries go before aws-auth", () => {
  test("they are counted by type, and one that hides an item or names an unbound group is reported", async () => {
    setMode("API_AND_CONFIG_MAP", [entryOf(arns.admins, ["nobodys"]), entryOf(arns.engineer, [])]);

    const report = await check();

    expect(report).toMatchObject({ mode: "API_AND_CONFIG_MAP", document: { type: "checked", entries: 2 } });
    expect(report).toMatchObject({
      entries: {
        ...{ type: "checked", listed: 3, unread: 0, why: null, knowsBindings: true },
        types: [{ type: "STANDARD", count: 3 }],
        groups: [
          { code: "group-unbound", places: [arns.admins] },
          { code: "entry-without-rights", places: [arns.engineer] },
          { code: "entry-hides-item", places: [arns.admins] },
        ],
      },
    });
  });

  test("one that is older than its role is dead, and without the right to ask IAM the report says what it did not test", async () => {
    const { account } = workerSide().sandbox.aws;
    const { arn } = account.addRole({ name: "made-again", createdAt: new Date(Date.now() + 60_000) });
    setMode("API_AND_CONFIG_MAP", [entryOf(arn, ["eks-access:viewers"])]);
    const allowed = account.identity(arns.creator)?.allow ?? [];

    const report = await check();
    account.setAllowed(
      arns.creator,
      allowed.filter((action) => action !== "iam:GetRole"),
    );
    const refused = await check();
    account.setAllowed(arns.creator, allowed);

    expect(report).toMatchObject({ entries: { groups: [{ code: "entry-dead", places: [arn] }] } });
    expect(refused).toMatchObject({ entries: { groups: [{ code: "roles-not-compared", severity: "notice" }] } });
    expect(JSON.stringify(refused)).toContain("AWS refused iam:GetRole on");
  });

  test("a lease by an access entry is looked for there, and not in the document", async () => {
    const ledger = await ledgerWith(arns.engineer, { written: byEntry });

    setMode("API_AND_CONFIG_MAP", [entryOf(arns.engineer, ["eks-access:viewers"])]);
    const there = await check(readingLimits, ledger);
    setMode("API_AND_CONFIG_MAP", [entryOf(arns.engineer, [])]);
    const gone = await check(readingLimits, ledger);

    expect(JSON.stringify(there)).not.toContain("lease-part-removed");
    expect(gone).toMatchObject({
      entries: { groups: [{ code: "lease-part-removed" }, { code: "entry-without-rights" }] },
    });
  });

  test("no lease counts as removed if it ends during the reading of the entries", async () => {
    setMode("API_AND_CONFIG_MAP");
    const ledger = await ledgerWith(arns.engineer, { written: byEntry });
    const leasedOf = changingAfterFirst(ledger, { state: "ended" });

    expect(JSON.stringify(await check(readingLimits, { ...ledger, leasedOf }))).not.toContain("lease-part-removed");
  });

  test("of thousands the first are read, those of people in aws-auth first", async () => {
    const many = Array.from({ length: 2_998 }, (_, index) => entryOf(`${arns.engineer}-${index}`, ["nobodys"]));
    setMode("API_AND_CONFIG_MAP", [...many, entryOf(arns.admins, ["nobodys"])]);
    const before = workerSide().sandbox.faults.calls("eks.DescribeAccessEntry");

    const report = await check({ ...readingLimits, most: 20 });

    expect(report).toMatchObject({
      entries: { listed: 3_000, unread: 2_980, why: expect.stringContaining("The worker asks about at most 20") },
    });
    expect(JSON.stringify(report)).toContain("entry-hides-item");
    expect(workerSide().sandbox.faults.calls("eks.DescribeAccessEntry") - before).toBe(20);
  });

  test.each(["eks.ListAccessEntries", "eks.DescribeAccessEntry", "eks.ListAssociatedAccessPolicies"])(
    "where %s is denied the remedy is reported, and the document all the same",
    async (call) => {
      setMode("API_AND_CONFIG_MAP", [entryOf(arns.engineer, [])]);
      workerSide().sandbox.faults.plan(call, refusing("AccessDeniedException", 403), { times: 100 });

      const report = await check();

      expect(JSON.stringify(report)).toContain("deploy/iam/access-entries-policy.json");
      expect(report).toMatchObject({ document: { type: "checked", entries: 2 } });
    },
  );

  test("where EKS throttles it says to ask again, and the document all the same", async () => {
    setMode("API_AND_CONFIG_MAP");
    workerSide().sandbox.faults.plan("eks.DescribeAccessEntry", refusing("ThrottlingException", 429), { times: 100 });

    const report = await check();

    expect(report).toMatchObject({
      entries: { type: "checked", unread: 1, why: expect.stringMatching(/^AWS throttled .*Try again in a minute\.$/) },
      document: { type: "checked" },
    });
  });

  test("where EKS does not list them in time it is reported, and the document all the same", async () => {
    setMode("API_AND_CONFIG_MAP");
    workerSide().sandbox.faults.plan("eks.ListAccessEntries", { type: "hang" });

    expect(await check({ ...readingLimits, withinMs: 200 })).toMatchObject({
      entries: {
        type: "failed",
        message: "EKS did not list the access entries of staging within 0.2 s. Try again in a minute.",
      },
      document: { type: "checked" },
    });
  });
});

describe("where access entries alone count", () => {
  test("no lease is missed in the document, which gives none", async () => {
    setMode("API");
    const ledger = await ledgerWith(arns.engineer);

    expect(JSON.stringify(await check(readingLimits, ledger))).not.toContain("lease-part-removed");
  });

  test("the document is reported too, and hides nothing", async () => {
    setMode("API", [entryOf(arns.admins, ["nobodys"])]);

    const report = await check();

    expect(report).toMatchObject({ mode: "API", document: { type: "checked", entries: 2 } });
    expect(JSON.stringify(report)).not.toContain("entry-hides-item");
  });

  test("the entries are reported where the API server lets the creator in no more", async () => {
    setMode("API", [entryOf(arns.engineer, ["nobodys"])]);
    const unauthorized = {
      type: "answer",
      status: 401,
      body: JSON.stringify(aStatus(401, "Unauthorized", "Unauthorized")),
    } as const;
    for (const call of ["kubernetes.get-configmap", "kubernetes.list-clusterrolebindings"]) {
      workerSide().sandbox.faults.plan(call, unauthorized, { times: 10 });
    }

    expect(await check()).toMatchObject({
      document: { type: "failed" },
      entries: { type: "checked", listed: expect.any(Number), groups: expect.any(Array), knowsBindings: false },
    });
  });
});

test("an absent document is reported as absent", async () => {
  workerSide().sandbox.cluster.deleteAwsAuth();

  expect(await check()).toMatchObject({ type: "looked", document: { type: "absent" } });
});
