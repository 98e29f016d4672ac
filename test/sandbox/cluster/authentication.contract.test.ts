import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aClusterWithPeople, aToken, type ClusterWithPeople, clientsWith, whoAmI } from "./clients.ts";

// Copies: kubernetes-sigs/aws-iam-authenticator, pkg/token (Verify), pkg/mapper/configmap, pkg/server; EKS User Guide, "Grant IAM
// users access to Kubernetes with a ConfigMap"; Kubernetes docs, "Authenticating", "SelfSubjectReview".

let people: ClusterWithPeople;
beforeEach(async () => {
  people = await aClusterWithPeople();
});
afterEach(() => people.stop());

function write(data: Record<string, string>) {
  people.cluster.editAwsAuth((configMap) => ({ ...configMap, data }));
}

const asDev = async () => whoAmI(await people.as(people.dev));
const asOps = async (session?: string) => whoAmI(await people.as(people.ops, session));
const opsRole = "arn:aws:iam::111122223333:role/ops";

describe("the creator", () => {
  it("gets in as an administrator, whatever the document says", async () => {
    write({ mapRoles: "this is: [not yaml" });

    const creator = await whoAmI(await people.as(people.creator));

    expect(creator).toEqual({ username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] });
  });

  it("gets in without a document", async () => {
    people.cluster.deleteAwsAuth();

    expect(await whoAmI(await people.as(people.creator))).toBeDefined();
  });
});

describe("SelfSubjectReview", () => {
  it("shows what the authenticator knows of a session", async () => {
    write({ mapRoles: `- rolearn: ${opsRole}\n  username: ops:{{SessionName}}\n  groups: [ops]\n` });

    const clients = await people.as(people.ops, "someone@example.com");
    const { status } = await clients.authentication.createSelfSubjectReview({ body: {} });

    expect(status?.userInfo).toMatchObject({
      username: "ops:someone-example.com",
      groups: ["ops", "system:authenticated"],
      uid: expect.stringMatching(/^aws-iam-authenticator:111122223333:AROA[A-Z2-7]{17}$/),
      extra: {
        arn: ["arn:aws:sts::111122223333:assumed-role/ops/someone@example.com"],
        canonicalArn: [opsRole],
        sessionName: ["someone@example.com"],
        accessKeyId: [expect.stringMatching(/^ASIA/)],
      },
    });
  });
});

describe("a document", () => {
  it("refuses callers without an entry", async () => {
    expect(await asDev()).toBeUndefined();
    expect(await asOps()).toBeUndefined();
  });

  it("takes effect with the next token, and so does its end", async () => {
    write({ mapUsers: `- {userarn: "${people.dev}", username: dev, groups: [viewers]}` });
    const within = await asDev();
    write({});
    const after = await asDev();

    expect(within).toEqual({ username: "dev", groups: ["viewers", "system:authenticated"] });
    expect(after).toBeUndefined();
  });

  it("maps a user by its ARN with the path, a role without", async () => {
    write({
      mapUsers: `- {userarn: "arn:aws:iam::111122223333:user/dev", username: dev}`,
      mapRoles: `- {rolearn: "${people.ops}", username: ops}`,
    });

    expect(await asDev()).toBeUndefined();
    expect(await asOps()).toBeUndefined();
  });

  it("asks roles, then users, then accounts", async () => {
    write({ mapAccounts: "- '111122223333'", mapUsers: `- {userarn: "${people.dev}", username: dev}` });

    expect(await asDev()).toMatchObject({ username: "dev" });
    expect(await asOps()).toEqual({ username: opsRole, groups: ["system:authenticated"] });
  });

  it("loses a broken section and keeps the others", async () => {
    write({ mapRoles: `- rolearn: "${opsRole}\n`, mapUsers: `- {userarn: "${people.dev}", username: dev}` });

    expect(await asOps()).toBeUndefined();
    expect(await asDev()).toBeDefined();
  });

  it("is ignored where the cluster takes access entries only", async () => {
    write({ mapUsers: `- {userarn: "${people.dev}", username: dev}` });
    people.aws.updateCluster(people.arn, { authenticationMode: "API" });

    expect(await asDev()).toBeUndefined();
  });

  it("fills the templates, and refuses a node's name without an instance", async () => {
    write({
      mapRoles: `- {rolearn: "${opsRole}", username: "{{AccountID}}/{{SessionNameRaw}}/{{Unknown}}", groups: ["g:{{SessionName}}"]}`,
    });
    const rendered = await asOps("a@b");
    write({
      mapRoles: `- {rolearn: "${opsRole}", username: "system:node:{{EC2PrivateDNSName}}", groups: ["system:nodes"]}`,
    });
    const person = await asOps("a@b");
    const node = await asOps("i-0123456789abcdef0");

    expect(rendered).toEqual({ username: "111122223333/a@b/{{Unknown}}", groups: ["g:a-b", "system:authenticated"] });
    expect(person).toBeUndefined();
    expect(node?.username).toMatch(/^system:node:ip-10-0-\d+-\d+\.eu-central-1\.compute\.internal$/);
  });
});

describe("a token", () => {
  beforeEach(() => write({ mapRoles: `- {rolearn: "${opsRole}", username: ops}` }));

  it.each([
    ["another cluster's name", { cluster: "other" }],
    ["a host that is not STS", { host: "sts.example.com", region: "eu-central-1" }],
    ["another action", { query: { Action: "AssumeRole" } }],
    ["a parameter that is not expected", { query: { Foo: "bar" } }],
    ["more than 15 minutes of life", { expiresIn: 901 }],
    ["a date of 16 minutes ago", { signedAt: new Date(Date.now() - 16 * 60_000) }],
    ["another service's scope", { service: "ec2" }],
  ])("is refused with %s", async (_what, token) => {
    expect(await whoAmI(await people.as(people.ops, "me", token))).toBeUndefined();
  });

  it("is good for 15 minutes from its date, for the global host too", async () => {
    const signedAt = new Date(Date.now() - 14 * 60_000);

    const old = await whoAmI(await people.as(people.ops, "me", { signedAt }));
    const global = await whoAmI(await people.as(people.ops, "me", { host: "sts.amazonaws.com", region: "us-east-1" }));

    expect(old).toMatchObject({ username: "ops" });
    expect(global).toMatchObject({ username: "ops" });
  });

  it.each([
    ["nothing", ""],
    ["another scheme", "k8s-aws-v2.aHR0cHM6Ly8"],
    ["padding", "k8s-aws-v1.aHR0cHM6Ly9h=="],
    [
      "a plain http URL",
      `k8s-aws-v1.${Buffer.from("http://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity").toString("base64url")}`,
    ],
    ["more than 4 KiB", `k8s-aws-v1.${"a".repeat(4096)}`],
  ])("is refused with %s in it", async (_what, token) => {
    expect(await whoAmI(clientsWith(people.cluster, token))).toBeUndefined();
  });

  it("is refused once its session has expired", async () => {
    const session = people.aws.account.sessionFor(people.ops, "me", { seconds: 60 });
    const token = await aToken(session);

    const before = await whoAmI(clientsWith(people.cluster, token));
    people.aws.clock.pass(61);
    const after = await whoAmI(clientsWith(people.cluster, token));

    expect(before).toBeDefined();
    expect(after).toBeUndefined();
  });

  it("gets the body of a real 401 that says nothing more", async () => {
    const response = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      import("node:https").then(({ get }) =>
        get(
          `${people.cluster.endpoint}/api/v1/pods`,
          { ca: Buffer.from(people.cluster.certificateAuthority, "base64") },
          (answer) => {
            let body = "";
            answer.on("data", (chunk) => {
              body += chunk;
            });
            answer.on("end", () => resolve({ status: answer.statusCode, body }));
          },
        ).on("error", reject),
      );
    });

    expect(response.status).toBe(401);
    expect(JSON.parse(response.body)).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "Unauthorized",
      reason: "Unauthorized",
      code: 401,
    });
  });
});

describe("the API server's cache", () => {
  it("believes a token for a while, so that only a new one shows a change", async () => {
    await people.stop();
    people = await aClusterWithPeople({ tokenCacheMs: 60_000 });
    write({ mapRoles: `- {rolearn: "${opsRole}", username: ops}` });
    const clients = await people.as(people.ops);
    await whoAmI(clients);

    write({});
    const same = await whoAmI(clients);
    const fresh = await asOps();

    expect(same).toMatchObject({ username: "ops" });
    expect(fresh).toBeUndefined();
  });

  it("asks STS once for a token that comes with several calls at once", async () => {
    await people.stop();
    people = await aClusterWithPeople({ tokenCacheMs: 60_000 });
    write({ mapRoles: `- {rolearn: "${opsRole}", username: ops}` });
    const clients = await people.as(people.ops);
    const asked = () => people.aws.faults.calls("sts.GetCallerIdentity");
    const before = asked();

    const found = await Promise.all([whoAmI(clients), whoAmI(clients), whoAmI(clients)]);

    expect(found.map((each) => each?.username)).toEqual(["ops", "ops", "ops"]);
    expect(asked() - before).toBe(1);
  });
});
