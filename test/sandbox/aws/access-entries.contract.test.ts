import {
  AssociateAccessPolicyCommand,
  CreateAccessEntryCommand,
  type CreateAccessEntryCommandInput,
  DeleteAccessEntryCommand,
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
  EKSClient,
  ListAccessEntriesCommand,
  UpdateAccessEntryCommand,
} from "@aws-sdk/client-eks";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eksError } from "../../../sandbox/aws/refusal.ts";
import { anEksAccount, type EksAccount, policyArn } from "./an-eks-account.ts";
import { clientsOf, refusalOf } from "./clients.ts";

// Copies: Amazon EKS API reference, CreateAccessEntry, UpdateAccessEntry, DeleteAccessEntry, DescribeAccessEntry,
// ListAccessEntries; EKS User Guide, "Create access entries". Where the texts come from: docs/sandbox.md.

let eksAccount: EksAccount;
beforeEach(async () => {
  eksAccount = await anEksAccount();
});
afterEach(() => eksAccount.aws.stop());

const clusterName = "main";
const gone = {
  name: "ResourceNotFoundException",
  message:
    "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.",
  status: 404,
};
const invalid = (message: string) => ({ name: "InvalidParameterException", message, status: 400 });

describe("CreateAccessEntry", () => {
  it("makes an entry with what is asked for", async () => {
    const asked = { username: "dev:{{SessionName}}", kubernetesGroups: ["readers"], tags: { team: "shop" } };

    const { accessEntry } = await eksAccount.create(asked);

    const entryArn = "arn:aws:eks:eu-central-1:111122223333:access-entry/main/role/111122223333/developers/";
    expect(accessEntry).toMatchObject({ clusterName, principalArn: eksAccount.dev, type: "STANDARD", ...asked });
    expect(accessEntry?.accessEntryArn?.startsWith(entryArn)).toBe(true);
    expect(accessEntry?.createdAt).toEqual(accessEntry?.modifiedAt);
    expect(await eksAccount.describe()).toEqual(accessEntry);
  });

  it("names a role by its session without the path, and a user by its whole ARN", async () => {
    const role = await eksAccount.create();
    const user = await eksAccount.create({ principalArn: eksAccount.jane });

    expect(role.accessEntry?.username).toBe("arn:aws:sts::111122223333:assumed-role/developers/{{SessionName}}");
    expect(role.accessEntry?.kubernetesGroups).toEqual([]);
    expect(user.accessEntry?.username).toBe(eksAccount.jane);
  });

  it("takes a principal of another account, for a person", async () => {
    const other = eksAccount.aws.account.addRole({ name: "guest", account: "444455556666" }).arn;

    const { accessEntry } = await eksAccount.create({ principalArn: other });
    const asNode = await refusalOf(eksAccount.create({ principalArn: other, type: "EC2_LINUX" }));

    expect(accessEntry?.accessEntryArn).toContain(":access-entry/main/role/444455556666/guest/");
    expect(asNode.message).toMatch(/^AccessEntry principalArn must be from the same account as the cluster when using/);
  });

  it.each([
    ["a session", "arn:aws:sts::111122223333:assumed-role/developers/me"],
    ["an account", "arn:aws:iam::111122223333:root"],
    ["a group", "arn:aws:iam::111122223333:group/developers"],
    ["no ARN", "developers"],
  ])("refuses %s", async (_, principalArn) => {
    const refusal = await refusalOf(eksAccount.create({ principalArn }));

    expect(refusal).toEqual(invalid("The principalArn parameter format is not valid"));
  });

  it("refuses an absent principal, such as a role without its path", async () => {
    const refusal = await refusalOf(eksAccount.create({ principalArn: "arn:aws:iam::111122223333:role/developers" }));

    expect(refusal).toEqual(invalid("The specified principalArn is invalid: invalid principal."));
  });

  it("refuses a service-linked role", async () => {
    const principalArn = "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";

    const refusal = await refusalOf(eksAccount.create({ principalArn }));

    expect(refusal).toEqual(
      invalid("The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"),
    );
  });

  it.each(["system:", "eks:", "aws:", "amazon:", "iam:"])(
    "keeps names that begin with %s to itself",
    async (prefix) => {
      const username = await refusalOf(eksAccount.create({ username: `${prefix}me` }));
      const group = await refusalOf(eksAccount.create({ kubernetesGroups: ["readers", `${prefix}masters`] }));

      expect(username).toEqual(invalid(`The username must not begin with ${prefix}`));
      expect(group).toEqual(
        invalid(`The kubernetes group name ${prefix}masters is invalid, it cannot start with ${prefix}`),
      );
    },
  );

  it("wants a colon before the name of a session", async () => {
    const refusals = [
      await refusalOf(eksAccount.create({ username: "john{{SessionName}}" })),
      await refusalOf(eksAccount.create({ username: "john{{SessionNameRaw}}:" })),
    ];
    const { accessEntry } = await eksAccount.create({ username: "jo:hn{{SessionName}}" });

    expect(refusals.map(({ name }) => name)).toEqual(["InvalidParameterException", "InvalidParameterException"]);
    expect(accessEntry?.username).toBe("jo:hn{{SessionName}}");
  });

  it("gives nodes their names, and takes none for them", async () => {
    const node = eksAccount.aws.account.addRole({ name: "node" }).arn;

    const group = await refusalOf(
      eksAccount.create({ principalArn: node, type: "EC2_LINUX", kubernetesGroups: ["g"] }),
    );
    const username = await refusalOf(eksAccount.create({ principalArn: node, type: "EC2_WINDOWS", username: "node" }));
    const user = await refusalOf(eksAccount.create({ principalArn: eksAccount.jane, type: "HYBRID_LINUX" }));
    const unknown = await refusalOf(eksAccount.create({ principalArn: node, type: "Standard" }));
    const { accessEntry } = await eksAccount.create({ principalArn: node, type: "EC2_LINUX" });

    expect(group.message).toBe(
      'The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is "EC2_LINUX"',
    );
    expect(username.message).toBe(
      'The specified username is invalid: setting username is not allowed when the type is "EC2_WINDOWS"',
    );
    expect(user.message).toMatch(/^AccessEntry principalArn must be IAM role when using types \[EC2_LINUX, /);
    expect(unknown.message).toMatch(/^AccessEntry type must be one of \[/);
    expect(accessEntry).toMatchObject({
      username: "system:node:{{EC2PrivateDNSName}}",
      kubernetesGroups: ["system:nodes"],
    });
  });

  it("refuses a second entry of a principal, except for a repetition of the same call", async () => {
    const asked = { kubernetesGroups: ["readers"], clientRequestToken: "a-token" };
    const first = await eksAccount.create(asked);

    const again = await eksAccount.create(asked);
    const changed = await refusalOf(eksAccount.create({ ...asked, kubernetesGroups: ["writers"] }));
    const other = await refusalOf(eksAccount.create());

    expect(again.accessEntry).toEqual(first.accessEntry);
    expect(changed.name).toBe("ResourceInUseException");
    expect(other).toEqual({
      name: "ResourceInUseException",
      message: "The specified access entry resource is already in use on this cluster.",
      status: 409,
    });
  });

  it("is made once where its answer is lost: the SDK sends the same token again", async () => {
    const { aws, admin, dev } = eksAccount;
    aws.faults.plan("eks.CreateAccessEntry", { type: "cut-after" });
    const credentials = aws.account.sessionFor(admin, "patient");
    const patient = new EKSClient({ endpoint: aws.url, region: "eu-central-1", credentials, maxAttempts: 3 });

    const { accessEntry } = await patient.send(new CreateAccessEntryCommand({ clusterName, principalArn: dev }));

    expect(aws.faults.calls("eks.CreateAccessEntry")).toBe(2);
    expect(accessEntry).toEqual(await eksAccount.describe());
  });

  it("has a limit", async () => {
    eksAccount.aws.eks.maxAccessEntries = 2;
    await eksAccount.create();

    const refusal = await refusalOf(eksAccount.create({ principalArn: eksAccount.jane }));

    expect(refusal).toMatchObject({ name: "ResourceLimitExceededException", status: 400 });
  });

  it("looks at the parameters before it looks for the cluster", async () => {
    const parameter = await refusalOf(eksAccount.create({ clusterName: "absent", username: "aws:me" }));
    const absent = await refusalOf(eksAccount.create({ clusterName: "absent" }));

    expect(parameter.name).toBe("InvalidParameterException");
    expect(absent).toMatchObject({ name: "ResourceNotFoundException", message: "No cluster found for name: absent." });
  });

  it("is throttled where a fault says so", async () => {
    eksAccount.aws.faults.plan("eks.CreateAccessEntry", {
      type: "answer",
      ...eksError("Throttling", "Rate exceeded", 429),
    });

    const refusal = await refusalOf(eksAccount.create());

    expect(refusal).toEqual({ name: "ThrottlingException", message: "Rate exceeded", status: 429 });
    expect(await refusalOf(eksAccount.describe())).toEqual(gone);
  });
});

describe("UpdateAccessEntry", () => {
  const update = (change: { username?: string; kubernetesGroups?: string[] }, principalArn = eksAccount.dev) =>
    eksAccount.eks.send(new UpdateAccessEntryCommand({ clusterName, principalArn, ...change }));

  it("puts other groups in the place of those that were there, and leaves what is not named", async () => {
    await eksAccount.create({ username: "dev", kubernetesGroups: ["readers", "writers"], tags: { team: "shop" } });
    eksAccount.aws.clock.pass(5);

    await update({ kubernetesGroups: ["readers", "operators"] });
    const groups = await eksAccount.describe();
    await update({ username: "other" });
    const username = await eksAccount.describe();
    await update({ kubernetesGroups: [] });

    expect(groups).toMatchObject({
      username: "dev",
      kubernetesGroups: ["readers", "operators"],
      tags: { team: "shop" },
    });
    expect(groups?.modifiedAt?.getTime()).toBeGreaterThan(groups?.createdAt?.getTime() ?? Number.NaN);
    expect(username).toMatchObject({ username: "other", kubernetesGroups: ["readers", "operators"] });
    expect((await eksAccount.describe())?.kubernetesGroups).toEqual([]);
  });

  it("asks as much of names as a creation", async () => {
    await eksAccount.create({ kubernetesGroups: ["readers"] });

    const username = await refusalOf(update({ username: "system:node" }));
    const group = await refusalOf(update({ kubernetesGroups: ["system:masters"] }));

    expect(username).toEqual(invalid("The username must not begin with system:"));
    expect(group.message).toBe("The kubernetes group name system:masters is invalid, it cannot start with system:");
    expect((await eksAccount.describe())?.kubernetesGroups).toEqual(["readers"]);
  });

  it("knows no absent entry", async () => {
    expect(await refusalOf(update({ username: "dev" }))).toEqual(gone);
  });
});

describe("DeleteAccessEntry", () => {
  const remove = (principalArn = eksAccount.dev) =>
    eksAccount.eks.send(new DeleteAccessEntryCommand({ clusterName, principalArn }));

  it("deletes the entry with its policies, once", async () => {
    await eksAccount.create();
    await eksAccount.associate();

    await remove();
    const second = await refusalOf(remove());
    await eksAccount.create();

    expect(second).toEqual(gone);
    expect(await eksAccount.policies()).toEqual([]);
  });
});

describe("ListAccessEntries", () => {
  const list = (asked: object = {}) => eksAccount.eks.send(new ListAccessEntriesCommand({ clusterName, ...asked }));

  it("goes page by page", async () => {
    await eksAccount.create();

    const first = await list({ maxResults: 1 });
    const second = await list({ maxResults: 1, nextToken: first.nextToken });

    expect([...(first.accessEntries ?? []), ...(second.accessEntries ?? [])]).toEqual([
      eksAccount.creator,
      eksAccount.dev,
    ]);
    expect(second.nextToken).toBeUndefined();
    expect((await refusalOf(list({ maxResults: 101 }))).name).toBe("InvalidParameterException");
  });
});

describe("the mode of the cluster", () => {
  it("CONFIG_MAP knows no access entries", async () => {
    eksAccount.aws.updateCluster(eksAccount.arn, { authenticationMode: "CONFIG_MAP" });
    const message =
      "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.";

    const refusals = await Promise.all(
      [eksAccount.create(), eksAccount.describe(), eksAccount.policies(), eksAccount.associate()].map((call) =>
        refusalOf(call),
      ),
    );

    expect(refusals).toEqual(refusals.map(() => ({ name: "InvalidRequestException", message, status: 400 })));
  });

  it("with access entries begins with that of the creator, where it was made so", async () => {
    const { cluster } = await eksAccount.eks.send(new DescribeClusterCommand({ name: clusterName }));
    const without = await anEksAccount("API", { bootstrapClusterCreatorAdminPermissions: false });

    const policies = await eksAccount.policies(eksAccount.creator);
    const none = await refusalOf(without.describe(without.creator));
    await without.aws.stop();

    expect(cluster?.accessConfig).toEqual({
      authenticationMode: "API_AND_CONFIG_MAP",
      bootstrapClusterCreatorAdminPermissions: true,
    });
    expect(policies).toMatchObject([
      { policyArn: policyArn("AmazonEKSClusterAdminPolicy"), accessScope: { type: "cluster", namespaces: [] } },
    ]);
    expect(none).toEqual(gone);
  });
});
const entryArns = "arn:aws:eks:eu-central-1:111122223333:access-entry/main/role/111122223333/developers";

/** A client of a user with these rights alone. */
function asUser(...allow: readonly string[]) {
  return clientsOf(eksAccount.aws.url, eksAccount.aws.account.addUser({ name: "limited", allow })).eks;
}

describe("IAM", () => {
  it("allows the making of an entry on the cluster, and its tags apart", async () => {
    const principalArn = eksAccount.dev;
    const eks = asUser("eks:CreateAccessEntry");

    const tagged = await refusalOf(
      eks.send(new CreateAccessEntryCommand({ clusterName, principalArn, tags: { team: "shop" } })),
    );
    const plain = await eks.send(new CreateAccessEntryCommand({ clusterName, principalArn }));

    expect(tagged).toMatchObject({ name: "AccessDeniedException", status: 403 });
    expect(tagged.message).toBe(
      `User: arn:aws:iam::111122223333:user/limited is not authorized to perform: eks:TagResource on resource: ${entryArns}/*`,
    );
    expect(plain.accessEntry?.principalArn).toBe(principalArn);
  });

  it("asks who makes an entry for nodes whether the role may be passed", async () => {
    const principalArn = eksAccount.aws.account.addRole({ name: "node" }).arn;
    const eks = asUser("eks:CreateAccessEntry");

    const refusal = await refusalOf(
      eks.send(new CreateAccessEntryCommand({ clusterName, principalArn, type: "EC2_LINUX" })),
    );

    expect(refusal.message).toContain(`is not authorized to perform: iam:PassRole on resource: ${principalArn}`);
  });

  it("allows what is about one entry on that entry", async () => {
    const { accessEntry } = await eksAccount.create();

    const refusal = await refusalOf(
      asUser("eks:CreateAccessEntry").send(
        new DescribeAccessEntryCommand({ clusterName, principalArn: eksAccount.dev }),
      ),
    );

    expect(accessEntry?.accessEntryArn?.startsWith(entryArns)).toBe(true);
    expect(refusal.message).toContain(`eks:DescribeAccessEntry on resource: ${accessEntry?.accessEntryArn}`);
  });

  it("bounds a session to the entries of one cluster", async () => {
    const Statement = [
      {
        Effect: "Allow",
        Action: "eks:DescribeAccessEntry",
        Resource: "arn:aws:eks:eu-central-1:111122223333:access-entry/other/*",
      },
    ];
    const { aws, admin } = eksAccount;
    const user = aws.account.addUser({ name: "caller" });
    aws.account.setTrust(admin, { principals: [user.arn] });
    const { Credentials } = await clientsOf(aws.url, user).sts.send(
      new AssumeRoleCommand({
        RoleArn: admin,
        RoleSessionName: "bounded",
        Policy: JSON.stringify({ Version: "2012-10-17", Statement }),
      }),
    );
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials ?? {};
    const session = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };

    const here = await refusalOf(
      clientsOf(aws.url, session).eks.send(
        new DescribeAccessEntryCommand({ clusterName, principalArn: eksAccount.dev }),
      ),
    );
    const there = await refusalOf(
      clientsOf(aws.url, session).eks.send(
        new DescribeAccessEntryCommand({ clusterName: "other", principalArn: eksAccount.dev }),
      ),
    );

    expect(here.name).toBe("AccessDeniedException");
    expect(there.name).toBe("ResourceNotFoundException");
  });
});

describe("a policy with conditions", () => {
  const clusterArn = "arn:aws:eks:eu-central-1:111122223333:cluster/main";
  const entries = "arn:aws:eks:eu-central-1:111122223333:access-entry/main/*";

  /** A client of a user whose policy has these statements. */
  function withPolicy(...statements: object[]) {
    const { account, url } = eksAccount.aws;
    const user = account.addUser({ name: "conditional" });
    const Statement = statements.map((statement) => ({ Effect: "Allow", ...statement }));
    account.setPolicy(user.arn, JSON.stringify({ Version: "2012-10-17", Statement }));
    return clientsOf(url, user).eks;
  }
  const create = (change: Partial<CreateAccessEntryCommandInput> = {}) =>
    new CreateAccessEntryCommand({ clusterName, principalArn: eksAccount.dev, ...change });
  const nameOf = async (call: Promise<unknown>) => (await refusalOf(call)).name;

  it("bounds the entries that may be made, by type, principal, groups and tags", async () => {
    const Condition = {
      StringEquals: { "eks:accessEntryType": "STANDARD", "aws:RequestTag/team": "shop" },
      ArnLike: { "eks:principalArn": "arn:aws:iam::11112222333?:role/team/*" },
      "ForAllValues:StringLike": { "eks:kubernetesGroups": "shop:*" },
      Null: { "eks:username": "true" },
    };
    const eks = withPolicy(
      { Action: "eks:CreateAccessEntry", Resource: clusterArn, Condition },
      { Action: "eks:TagResource", Resource: entries },
    );
    const tags = { team: "shop" };

    const refused = [
      await nameOf(eks.send(create())),
      await nameOf(eks.send(create({ tags: { team: "web" } }))),
      await nameOf(eks.send(create({ tags, principalArn: eksAccount.jane }))),
      await nameOf(eks.send(create({ tags, type: "HYBRID_LINUX" }))),
      await nameOf(eks.send(create({ tags, kubernetesGroups: ["shop:readers", "readers"] }))),
      await nameOf(eks.send(create({ tags, username: "dev" }))),
    ];
    const { accessEntry } = await eks.send(create({ tags, kubernetesGroups: ["shop:readers"] }));

    expect(refused).toEqual(refused.map(() => "AccessDeniedException"));
    expect(accessEntry?.kubernetesGroups).toEqual(["shop:readers"]);
  });

  it("bounds the policies that may be associated, by name and scope, and the entries by their tags", async () => {
    await eksAccount.create({ tags: { team: "shop" } });
    await eksAccount.create({ principalArn: eksAccount.jane });
    const Condition = {
      StringEquals: { "eks:policyArn": policyArn("AmazonEKSViewPolicy"), "aws:ResourceTag/team": "shop" },
      "ForAnyValue:StringEquals": { "eks:namespaces": ["shop", "web"] },
    };
    const eks = withPolicy({ Action: "eks:AssociateAccessPolicy", Resource: entries, Condition });
    const associate = (name: string, principalArn: string, ...namespaces: string[]) => {
      const accessScope =
        namespaces.length > 0 ? { type: "namespace" as const, namespaces } : { type: "cluster" as const };
      const association = { clusterName, principalArn, policyArn: policyArn(name), accessScope };
      return eks.send(new AssociateAccessPolicyCommand(association));
    };

    const refused = [
      await nameOf(associate("AmazonEKSAdminPolicy", eksAccount.dev, "shop")),
      await nameOf(associate("AmazonEKSViewPolicy", eksAccount.dev, "other")),
      await nameOf(associate("AmazonEKSViewPolicy", eksAccount.dev)),
      await nameOf(associate("AmazonEKSViewPolicy", eksAccount.jane, "shop")),
    ];
    await associate("AmazonEKSViewPolicy", eksAccount.dev, "shop");

    expect(refused).toEqual(refused.map(() => "AccessDeniedException"));
  });

  it("denies what one statement denies, whatever the others allow", async () => {
    const eks = withPolicy(
      { Action: "eks:*", Resource: "*" },
      { Effect: "Deny", Action: "eks:CreateAccessEntry", Resource: clusterArn },
      { Effect: "Deny", Action: "*", Resource: "*", Condition: { Null: { "aws:PrincipalTag/marked": "false" } } },
    );

    expect(await nameOf(eks.send(create()))).toBe("AccessDeniedException");
    expect((await eks.send(new DescribeClusterCommand({ name: clusterName }))).cluster?.name).toBe(clusterName);
  });

  it.each([
    ["another effect", { Effect: "Perhaps", Action: "eks:*", Resource: "*" }],
    [
      "an unknown operator",
      { Action: "eks:*", Resource: "*", Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } },
    ],
    ["what it is not for", { NotAction: "eks:*", Resource: "*" }],
    ["an element of another kind of policy", { Action: "eks:*", Resource: "*", Principal: "*" }],
  ])("is not taken with %s, which the sandbox does not know", (_, statement) => {
    expect(() => withPolicy(statement)).toThrow("not a policy that the sandbox understands");
  });
});
