import { LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import {
  AssociateAccessPolicyCommand,
  CreateAccessEntryCommand,
  type CreateAccessEntryCommandInput,
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
} from "@aws-sdk/client-eks";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anEksAccount, type EksAccount, policyArn } from "./an-eks-account.ts";
import { clientsOf, refusalOf } from "./clients.ts";

// Copies: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Elastic Kubernetes Service"; EKS
// User Guide, "Create access entries" (iam:PassRole) and "Analyze AWS CloudTrail log file entries".

let eksAccount: EksAccount;
beforeEach(async () => {
  eksAccount = await anEksAccount();
});
afterEach(() => eksAccount.aws.stop());

const clusterName = "main";
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

describe("CloudTrail", () => {
  const events = async (EventName: string) => {
    eksAccount.aws.account.setAllowed(eksAccount.admin, ["eks:*", "cloudtrail:LookupEvents"]);
    const attribute = { AttributeKey: "EventName" as const, AttributeValue: EventName };
    const { Events = [] } = await eksAccount.cloudTrail.send(
      new LookupEventsCommand({ LookupAttributes: [attribute] }),
    );
    return Events.map(({ CloudTrailEvent = "" }) => JSON.parse(CloudTrailEvent));
  };

  it("keeps each change with its caller and session", async () => {
    await eksAccount.create({ kubernetesGroups: ["readers"] });

    const [event] = await events("CreateAccessEntry");

    expect(event).toMatchObject({
      eventSource: "eks.amazonaws.com",
      readOnly: false,
      userIdentity: { type: "AssumedRole", arn: "arn:aws:sts::111122223333:assumed-role/admin/me" },
      requestParameters: { name: "main", principalArn: eksAccount.dev, kubernetesGroups: ["readers"] },
      responseElements: { accessEntry: { principalArn: eksAccount.dev } },
    });
  });

  it("keeps what was refused, with the error", async () => {
    await refusalOf(eksAccount.associate());

    const [event] = await events("AssociateAccessPolicy");

    expect(event).toMatchObject({ errorCode: "ResourceNotFoundException", responseElements: null });
  });
});
