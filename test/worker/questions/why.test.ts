import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { account, arns, clusterName, externalId, initialAwsAuth, region } from "../../../sandbox/scene.ts";
import type { WhyReport } from "../../../src/diagnosis/reports.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { reportWhy } from "../../../src/worker/questions/why.ts";
import { aLeasedRequest } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";

const workerSide = useWorkerSide();
const clusterArn = `arn:aws:eks:${region}:${account}:cluster/${clusterName}`;
const engineer = (groups: string) => `- userarn: ${arns.engineer}\n  username: engineer\n  groups: [${groups}]\n`;

let ledger: Ledger;

beforeEach(() => {
  ledger = memoryLedger();
  write(engineer("eks-access:viewers"));
});

afterEach(() => {
  const { sandbox } = workerSide();
  sandbox.faults.clear();
  sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });
  sandbox.aws.updateCluster(clusterArn, { authenticationMode: "CONFIG_MAP", accessEntries: [] });
});

/** What is in mapUsers now, beside the nodes and the administrators. */
function write(mapUsers: string): void {
  workerSide().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...initialAwsAuth, mapUsers } }));
}

function ask(principal: string = arns.engineer, isResponsible = false): Promise<WhyReport> {
  const { cluster, context } = workerSide();
  return reportWhy(context(ledger), cluster, { user: "U0ENGINEER", isResponsible, principal });
}

/** The symptom and the codes of its causes, in one line. */
function inShort(report: WhyReport): string {
  if (report.type === "failed") return report.message;
  return `${report.symptom}: ${report.causes.map(({ code }) => code).join(", ")}`;
}

describe("why, asked of a live cluster,", () => {
  test.each([
    ["can list pods", engineer("eks-access:viewers"), "none: own-side"],
    ["is in no groups", engineer(""), "forbidden: without-groups"],
    ["is in a group that nothing binds", engineer("nobodys"), "forbidden: group-unbound"],
    ["is nobody", "[]", "unauthorized: not-mapped"],
  ])("says of a person who %s what the API server says", async (_, mapUsers, short) => {
    write(mapUsers);

    expect(inShort(await ask())).toBe(short);
  });

  test("finds a person's entry in binaryData, which the authenticator does not read", async () => {
    const binaryData = { mapUsers: Buffer.from(engineer("eks-access:viewers")).toString("base64") };
    const { cluster } = workerSide().sandbox;
    const { mapRoles = "" } = initialAwsAuth;
    cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles }, binaryData }));
    onTestFinished(() => void cluster.editAwsAuth(({ binaryData: _, ...configMap }) => configMap));

    const report = await ask();
    const ofAnother = await ask(arns.onCall);

    expect(inShort(report)).toBe("unauthorized: section-misspelt");
    expect(report).toMatchObject({
      causes: [
        {
          message: `The authenticator does not read "binaryData.mapUsers". It is binaryData.mapUsers; ${arns.engineer} is in it.`,
          remedy: "Move its entries to mapUsers under data.",
        },
      ],
    });
    expect(inShort(ofAnother)).toBe("unauthorized: not-mapped");
  });

  test("knows the lease that ended", async () => {
    write("[]");
    const ended = aLeasedRequest({ state: "ended", endedAt: new Date().toISOString() }, { version: 1 });
    await ledger.commit(aChange({ ...ended, principal: arns.engineer }));

    expect(inShort(await ask())).toBe("unauthorized: lease-ended");
  });

  test("shows what others asked for only to people who are responsible for the cluster", async () => {
    write("[]");
    const ended = aLeasedRequest({ state: "ended", endedAt: new Date().toISOString() }, { version: 1 });
    await ledger.commit(aChange({ ...ended, requester: "U0APPROVER", principal: arns.engineer }));

    expect(inShort(await ask(arns.engineer, true))).toBe("unauthorized: lease-ended");
    expect(inShort(await ask(arns.engineer, false))).toBe("unauthorized: not-mapped");
  });

  test("finds the access entry that goes before aws-auth", async () => {
    const policies = ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"];
    const entry = { principalArn: arns.engineer, username: "by-entry", groups: ["nobodys"], policies };
    const change = { authenticationMode: "API_AND_CONFIG_MAP", accessEntries: [entry] } as const;
    workerSide().sandbox.aws.updateCluster(clusterArn, change);

    const report = await ask();

    expect(inShort(report)).toBe("unknown: access-entry-wins, group-unbound, entry-dead");
    expect(report).toMatchObject({ identity: { username: "by-entry", groups: ["nobodys"] } });
  });

  test("asks about a session by the username that its access entry gives, and knows the session's own lease", async () => {
    const session = arns.developers.replace("iam", "sts").replace("role/", "assumed-role/").concat("/jane@example.com");
    const entry = { principalArn: arns.developers, username: "dev:{{SessionNameRaw}}", groups: [], policies: [] };
    workerSide().sandbox.aws.updateCluster(clusterArn, { authenticationMode: "API", accessEntries: [entry] });
    const groups = ["ClusterRole view in shop"];
    await ledger.commit(aChange({ ...aLeasedRequest({}, { version: 1 }), principal: session, groups }));

    const report = await ask(session);

    expect(report).toMatchObject({ identity: { username: "dev:jane@example.com", groups: [] } });
    expect(inShort(report)).toMatch(/^forbidden: access-entry-wins, not-allowed/);
  });

  test("knows by IAM's date that an access entry is for an earlier role of the name", async () => {
    const { aws } = workerSide().sandbox;
    const { arn } = aws.account.addRole({ name: "made-again", createdAt: new Date(Date.now() + 60_000) });
    const entry = { principalArn: arn, username: "by-entry", groups: ["eks-access:viewers"], policies: [] };
    aws.updateCluster(clusterArn, { authenticationMode: "API_AND_CONFIG_MAP", accessEntries: [entry] });

    expect(inShort(await ask(arn))).toBe("unauthorized: entry-dead");
  });

  test("continues without access entries if the creator can't list them, and says so", async () => {
    const { sandbox } = workerSide();
    sandbox.aws.updateCluster(clusterArn, { authenticationMode: "API_AND_CONFIG_MAP" });
    const allowed = sandbox.aws.account.identity(arns.creator)?.allow ?? [];
    sandbox.aws.account.setAllowed(arns.creator, ["eks:DescribeCluster"]);
    write("[]");

    const report = await ask();
    sandbox.aws.account.setAllowed(arns.creator, allowed);

    expect(inShort(report)).toBe("unknown: not-mapped, entries-unread");
    expect(JSON.stringify(report)).toContain("Access entries were not read: AWS refused eks:ListAccessEntries");
  });

  test("does not look at aws-auth where the mode does not read it", async () => {
    workerSide().sandbox.aws.updateCluster(clusterArn, { authenticationMode: "API" });

    expect(inShort(await ask())).toBe("unauthorized: mode-api");
  });

  test("says why it could not look, in one sentence with the remedy", async () => {
    workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [] });

    const report = await ask();

    expect(report.type).toBe("failed");
    expect(inShort(report)).toContain("Check the role's policies, trust policy");
  });

  test("asks no one where what was given is no principal", async () => {
    const before = workerSide().sandbox.faults.calls("sts.AssumeRole");

    const report = await ask("engineer");

    expect(inShort(report)).toBe("unauthorized: not-a-principal");
    expect(workerSide().sandbox.faults.calls("sts.AssumeRole")).toBe(before);
  });
});
