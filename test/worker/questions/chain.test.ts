import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { SandboxAccessEntry } from "../../../sandbox/aws/eks-cluster.ts";
import { account, arns, clusterName, externalId, initialAwsAuth, region } from "../../../sandbox/scene.ts";
import { type Link, type LinkName, linkNames } from "../../../src/diagnosis/link.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { reportChain } from "../../../src/worker/questions/chain.ts";
import { aLink } from "../../builders/a-link.ts";
import { aLeasedRequest } from "../../builders/a-request.ts";
import { aWrittenEntry } from "../../builders/a-share.ts";
import { aChange } from "../../builders/an-event.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";

const workerSide = useWorkerSide();
const engineer = `- userarn: ${arns.engineer}
  username: engineer
  groups: [eks-access:viewers]
`;

/** The chain for the engineer now, by the links' names. */
async function chain(ledger: Ledger, isResponsible = true): Promise<Record<LinkName, Link>> {
  const { cluster, context } = workerSide();
  const { links } = await reportChain(context(ledger), cluster, { user: "U0ENGINEER", isResponsible });
  expect(links.map(({ name }) => name)).toEqual(linkNames);
  return Object.fromEntries(links.map((link) => [link.name, link])) as Record<LinkName, Link>;
}

const results = (links: Record<LinkName, Link>) => linkNames.map((name) => links[name].result).join(" ");

/** What is in aws-auth now. */
function write(data: Readonly<Record<string, string>>): void {
  workerSide().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...data } }));
}

/** Where access entries count, the creator is no one without one. */
const creator: SandboxAccessEntry = {
  principalArn: arns.creator,
  username: "creator",
  groups: [],
  policies: ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"],
};

let ledger: Ledger;

beforeEach(async () => {
  ledger = memoryLedger();
  await ledger.linkPrincipal("U0ENGINEER", aLink("U0ENGINEER", arns.engineer));
  write({ ...initialAwsAuth, mapUsers: engineer });
});

afterEach(() => {
  const { sandbox } = workerSide();
  sandbox.faults.clear();
  sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });
  setMode("CONFIG_MAP");
});

describe("the chain to another person's pods", () => {
  test("holds at every link, each with its time, and names who asked to CloudTrail", async () => {
    const links = await chain(ledger);

    expect(results(links)).toBe("yes yes yes yes yes yes yes yes yes yes yes yes");
    expect(links.creator.detail).toBe(
      `the worker acts as arn:aws:sts::${account}:assumed-role/cluster-creator/eks-access-U0ENGINEER-whoami`,
    );
    expect(links["api-server"].detail).toContain("knows us as `kubernetes-admin` in `system:masters`");
    expect(links.document.detail).toMatch(/^3 entries, .*1 notice, \d+ KiB \(99 %\) left$/);
    expect(links.you.detail).toBe(`${arns.engineer} is \`engineer\` in \`eks-access:viewers\``);
    expect(links.pods.detail).toContain("can list pods in `default`");
    expect(linkNames.filter((name) => !links[name].isReached)).toEqual([]);
  });

  test("ends at the creator where its trust policy does not know the worker, and says how to fix it", async () => {
    workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [] });

    const links = await chain(ledger);

    expect(results(links)).toBe(
      "yes no not asked not asked not asked not asked not asked not asked not asked not asked yes not asked",
    );
    expect(links.creator.detail).toMatch(/^AWS refused sts:AssumeRole on .*role\/cluster-creator/);
    expect(links.creator.remedy).toContain("Check the role's policies, trust policy");
    expect(links.cluster).toMatchObject({ detail: "needs the creator", isReached: false });
  });

  test("ends at the worker where AWS does not know it", async () => {
    const refused = { type: "answer", status: 403, body: errorOf("InvalidClientTokenId") } as const;
    workerSide().sandbox.faults.plan("sts.GetCallerIdentity", refused);

    const links = await chain(ledger);

    expect(links.worker.result).toBe("no");
    expect(links.worker.remedy).toBe("Check the worker's AWS credentials and clock.");
    expect(links.creator.detail).toBe("needs the worker's identity");
  });

  test("ends at the API server where that does not answer", async () => {
    workerSide().sandbox.faults.plan("kubernetes.self-subject-review", { type: "cut-before" }, { times: 10 });

    const links = await chain(ledger);

    expect(links["api-server"].result).toBe("no");
    expect(links["api-server"].remedy).toContain("Check the network path");
    expect(links.document.detail).toBe("needs the API server");
  });

  test("continues if the API server is too old for a SelfSubjectReview", async () => {
    const body = JSON.stringify({ kind: "Status", status: "Failure", reason: "NotFound", code: 404 });
    workerSide().sandbox.faults.plan("kubernetes.self-subject-review", { type: "answer", status: 404, body });

    const links = await chain(ledger);

    expect(links["api-server"]).toMatchObject({ result: "not asked" });
    expect(links["api-server"].detail).toContain("SelfSubjectReview needs Kubernetes 1.28");
    expect(links.pods.result).toBe("yes");
  });

  test("uses the access entries where the cluster does not read aws-auth", async () => {
    setMode("API", [
      creator,
      { principalArn: arns.engineer, username: "by-entry", groups: ["eks-access:viewers"], policies: [] },
    ]);

    const links = await chain(ledger);

    expect(results(links)).toBe("yes yes yes yes not asked yes not asked yes yes yes yes yes");
    expect(links.mode.detail).toBe("`API`: only access entries count; aws-auth is not read");
    expect(links.document.detail).toBe("the cluster does not read aws-auth");
    expect(links.entries.detail).toMatch(/^\d+ access entries$/);
    expect(links.you.detail).toBe(
      `${arns.engineer} is \`by-entry\` in \`eks-access:viewers\` through its access entry of type \`STANDARD\``,
    );
    expect(links.pods.detail).toContain("can list pods in `default`");
  });

  test("says who has no access entry where that alone counts", async () => {
    setMode("API", [creator]);

    const links = await chain(ledger);

    expect(links.you).toMatchObject({ result: "no", remedy: "`/eks-access why staging` explains it." });
    expect(links.you.detail).toContain("can't sign in here: `Unauthorized`");
  });

  test("ends at the access entries where they may not be asked for and nothing else counts", async () => {
    setMode("API", [creator]);
    const denied = { type: "answer", status: 403, headers: { "x-amzn-errortype": "AccessDeniedException" } } as const;
    workerSide().sandbox.faults.plan("eks.ListAccessEntries", { ...denied, body: "{}" });

    const links = await chain(ledger);

    expect(links.entries).toMatchObject({ result: "no" });
    expect(links.entries.remedy).toContain("deploy/iam/access-entries-policy.json");
    expect(links.you.detail).toBe("needs the access entries");
  });

  test("claims nothing about a person whom only an unread document could name", async () => {
    const entry = { principalArn: arns.engineer, username: "by-entry", groups: ["eks-access:viewers"], policies: [] };
    workerSide().sandbox.faults.plan("kubernetes.get-configmap", { type: "answer", status: 500 }, { times: 10 });

    setMode("API_AND_CONFIG_MAP", [creator]);
    const unknown = await chain(ledger);
    setMode("API_AND_CONFIG_MAP", [creator, entry]);
    const known = await chain(ledger);

    expect(unknown.document.result).toBe("no");
    expect(unknown.you).toMatchObject({ result: "not asked", detail: "needs the document", remedy: null });
    expect(unknown.pods).toMatchObject({ result: "not asked", isReached: false });
    expect(known.you.detail).toContain("is `by-entry` in `eks-access:viewers` through its access entry");
  });

  test("claims no identity of aws-auth that an unread access entry can override", async () => {
    setMode("API_AND_CONFIG_MAP", [creator]);
    const denied = { type: "answer", status: 403, headers: { "x-amzn-errortype": "AccessDeniedException" } } as const;
    workerSide().sandbox.faults.plan("eks.ListAccessEntries", { ...denied, body: "{}" }, { times: 10 });

    const links = await chain(ledger);

    expect(links.you).toMatchObject({ result: "not asked", remedy: "`/eks-access why staging` explains it." });
    expect(links.you.detail).toMatch(
      /user\/engineer is `engineer` in `eks-access:viewers` by aws-auth, and its access entry is unknown: AWS refused/,
    );
    expect(links.pods).toMatchObject({ result: "not asked", detail: "needs your sign-in" });
  });

  test("does not count a lease as found where it did not look", async () => {
    const endsAt = new Date(Date.now() + 3_600_000).toISOString();
    const byEntry = aLeasedRequest({ endsAt, written: aWrittenEntry() }, { version: 1 });
    await ledger.commit(aChange({ ...byEntry, principal: arns.engineer }));
    const byMap = aLeasedRequest({ endsAt }, { id: "r-2", version: 1, principal: arns.engineer });
    await ledger.commit(aChange(byMap));
    const entry = { principalArn: arns.engineer, username: "by-entry", groups: ["eks-access:viewers"], policies: [] };
    setMode("API_AND_CONFIG_MAP", [creator, entry]);
    const { faults } = workerSide().sandbox;

    const whole = await chain(ledger);
    faults.plan("kubernetes.get-configmap", { type: "answer", status: 500 }, { times: 10 });
    const withoutMap = await chain(ledger);
    faults.clear();
    faults.plan("eks.ListAccessEntries", { type: "answer", status: 500 }, { times: 10 });
    const withoutEntries = await chain(ledger);

    expect(whole.drift.detail).toBe("2 active leases found in the document and the access entries");
    const notLookedFor = { result: "not asked", detail: "not looked for: 1 of 2 active leases" };
    expect(withoutMap.drift).toMatchObject(notLookedFor);
    expect(withoutEntries.drift).toMatchObject(notLookedFor);
  });

  test("looks for a lease by an access entry there, and not in the document", async () => {
    const written = aWrittenEntry();
    const endsAt = new Date(Date.now() + 3_600_000).toISOString();
    const active = aLeasedRequest({ endsAt, written }, { version: 1 });
    await ledger.commit(aChange({ ...active, principal: arns.engineer }));
    const entry = { principalArn: arns.engineer, username: "by-entry", groups: ["eks-access:viewers"], policies: [] };
    write(initialAwsAuth);

    setMode("API_AND_CONFIG_MAP", [creator, entry]);
    const there = await chain(ledger);
    setMode("API_AND_CONFIG_MAP", [creator, { ...entry, groups: [] }]);
    const gone = await chain(ledger);

    expect(there.drift.detail).toBe("1 active lease found in the document and the access entries");
    expect(gone.drift).toMatchObject({ result: "no" });
    expect(gone.drift.detail).toContain("`r-1`: the entry of arn:aws:iam::111122223333:user/engineer lacks");
  });

  test("continues after a document with errors, and says where to read them", async () => {
    write({ ...initialAwsAuth, mapUsers: engineer, maproles: "[]" });

    const links = await chain(ledger);

    expect(links.document).toMatchObject({ result: "no", remedy: "See `/eks-access check staging`." });
    expect(links.document.detail).toContain("1 error");
    expect(links.pods.result).toBe("yes");
  });

  test("counts a section in binaryData, which check reports", async () => {
    const binaryData = { mapAccounts: "eA==" };
    const { cluster } = workerSide().sandbox;
    cluster.editAwsAuth((configMap) => ({ ...configMap, binaryData }));
    onTestFinished(() => void cluster.editAwsAuth(({ binaryData: _, ...configMap }) => configMap));

    const { document } = await chain(ledger);

    expect(document).toMatchObject({ result: "no", detail: expect.stringContaining("1 error") });
    expect(document.remedy).toContain("/eks-access check staging");
  });

  test("says that there is no document, and that no one can be looked for in it", async () => {
    await workerSide().sandbox.cluster.deleteAwsAuth();

    const links = await chain(ledger);

    expect(links.document.detail).toContain("there is no ConfigMap `aws-auth`");
    expect(links.you).toMatchObject({ result: "not asked", detail: "needs the document" });
  });

  test("says who is no one, and where to ask why", async () => {
    write(initialAwsAuth);

    const links = await chain(ledger);

    expect(links.you).toMatchObject({ result: "no", remedy: "`/eks-access why staging` explains it." });
    expect(links.pods.detail).toBe("needs your sign-in");
  });

  test("asks about no one where no principal is linked", async () => {
    const links = await chain(memoryLedger());

    expect(links.you).toMatchObject({ result: "not asked", detail: "you have no linked principal" });
    expect(links.pods.result).toBe("not asked");
    expect(links.drift.result).toBe("yes");
  });

  test("says what may not be done although a person is mapped", async () => {
    write({ ...initialAwsAuth, mapUsers: engineer.replace("eks-access:viewers", "nobodys") });

    const links = await chain(ledger);

    expect(links.pods).toMatchObject({ result: "no" });
    expect(links.pods.detail).toContain("can't list pods in `default`");
  });

  test("shows a lease that a person removed from the document", async () => {
    const active = aLeasedRequest({ endsAt: new Date(Date.now() + 3_600_000).toISOString() }, { version: 1 });
    await ledger.commit(aChange({ ...active, principal: arns.engineer, groups: ["eks-access:admins"] }));

    const links = await chain(ledger);

    expect(links.leases.detail).toMatch(/^`viewer` \(`r-1`\) until \d{4}-/);
    expect(links.drift).toMatchObject({ result: "no" });
    expect(links.drift.detail).toContain("missing from the document: `r-1`: the entry of");
  });

  test("raises no alarm about a lease that ends while it looks", async () => {
    const active = aLeasedRequest({ endsAt: new Date(Date.now() + 3_600_000).toISOString() }, { version: 1 });
    await ledger.commit(aChange({ ...active, principal: arns.engineer, groups: ["eks-access:admins"] }));
    let reads = 0;
    const leasedOf: Ledger["leasedOf"] = async (of) => {
      reads += 1;
      return reads === 1 ? ledger.leasedOf(of) : [];
    };

    const { drift } = await chain({ ...ledger, leasedOf });

    expect(drift).toMatchObject({ result: "yes", detail: "no leases are active here" });
  });

  test("says that no one took a lease out of a section that can't be read, and where its lines are", async () => {
    const active = aLeasedRequest({ endsAt: new Date(Date.now() + 3_600_000).toISOString() }, { version: 1 });
    await ledger.commit(aChange({ ...active, principal: arns.engineer }));
    write({ ...initialAwsAuth, mapUsers: "- : [" });

    const { drift } = await chain(ledger);

    expect(drift).toMatchObject({ result: "no", remedy: "`/eks-access check staging` shows the fix." });
    expect(drift.detail).toMatch(/^active leases have no effect: `r-1`: mapUsers can't be read from/);
  });

  test("shows of another person's lost lease only that it is lost, except to people who are responsible for the cluster", async () => {
    const active = aLeasedRequest({ endsAt: new Date(Date.now() + 3_600_000).toISOString() }, { version: 1 });
    await ledger.commit(aChange({ ...active, requester: "U0ONCALL", principal: `${arns.engineer}2` }));

    const [open, closed] = [await chain(ledger, true), await chain(ledger, false)];

    expect(open.drift.detail).toContain(`${arns.engineer}2`);
    expect(closed.drift.detail).toBe("missing from the document: 1 of 1 active lease");
  });

  test("claims no identity where chance decides between two entries", async () => {
    const user = (arn: string) => `- userarn: ${arn}\n  username: ${arn.split("/")[1]}\n  groups: [readers]\n`;
    const mapUsers = user(arns.engineer) + user(arns.engineer.replace("engineer", "Engineer"));
    workerSide().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapUsers } }));

    const links = await chain(ledger);

    expect(links.you).toMatchObject({ result: "no", remedy: "Keep one entry, with all groups." });
    expect(links.you.detail).toMatch(
      /^One of these entries counts, at random: the entry in mapUsers, line 1, .*; the entry in mapUsers, line 4,/,
    );
    expect(links.pods).toMatchObject({ result: "not asked", detail: "needs your sign-in" });
  });

  test("uses the access entry where there is one, and claims no Forbidden that an access policy may lift", async () => {
    const policies = ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"];
    const entry = { principalArn: arns.engineer, username: "by-entry", groups: [], policies };
    setMode("API_AND_CONFIG_MAP", [entry]);

    const links = await chain(ledger);

    expect(links.you.detail).toContain(
      "is `by-entry` in no groups through its access entry of type `STANDARD`, which overrides aws-auth",
    );
    expect(links.pods.result).toBe("not asked");
    setMode("API_AND_CONFIG_MAP", [{ ...entry, type: "EC2_LINUX" }]);
    expect((await chain(ledger)).you).toMatchObject({ result: "no", detail: expect.stringContaining("is for nodes") });
  });
});

function setMode(
  authenticationMode: "API" | "API_AND_CONFIG_MAP" | "CONFIG_MAP",
  accessEntries: readonly SandboxAccessEntry[] = [],
): void {
  workerSide().sandbox.aws.updateCluster(`arn:aws:eks:${region}:${account}:cluster/${clusterName}`, {
    authenticationMode,
    accessEntries,
  });
}

function errorOf(code: string): string {
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`;
}
