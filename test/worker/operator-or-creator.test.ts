import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FaultAnswer } from "../../sandbox/faults.ts";
import { account, arns, clusterName, region } from "../../sandbox/scene.ts";
import { explainFailure } from "../../src/access/access-error.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { ownCredentials } from "../../src/aws/sts.ts";
import { writeFinding } from "../../src/diagnosis/cluster-links.ts";
import { linkWords } from "../../src/diagnosis/link.ts";
import { reportMigration } from "../../src/worker/migration/look-at-migration.ts";
import { type OpenCluster, openCluster } from "../../src/worker/open-cluster.ts";
import { reportChain } from "../../src/worker/questions/chain.ts";
import { reportCheck } from "../../src/worker/questions/check.ts";
import { reportWhy } from "../../src/worker/questions/why.ts";
import { type Candidate, signInAsOne } from "../../src/worker/rescue/rescue-session.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { operatorArn } from "../operator-scene.ts";
import { useWorkerSide } from "./worker-side.ts";

const side = useWorkerSide();
const clusterArn = `arn:aws:eks:${region}:${account}:cluster/${clusterName}`;
const operator = { type: "role", roleArn: operatorArn, through: [] } as const;

beforeAll(() => {
  const { aws } = side().sandbox;
  aws.account.addRole({
    name: "eks-access-operator",
    allow: ["eks:DescribeCluster"],
    trust: { principals: [arns.worker] },
  });
});
beforeEach(() => side().sandbox.aws.updateCluster(clusterArn, { authenticationMode: "API_AND_CONFIG_MAP" }));

const json = { "content-type": "application/json" };
const status = (code: number, reason: string): FaultAnswer => {
  const body = JSON.stringify({ kind: "Status", reason, message: `${reason} for a reason` });
  return { type: "answer", status: code, headers: json, body };
};
const refusedBySts: FaultAnswer = {
  type: "answer",
  status: 403,
  body: "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>",
};
const anotherIdentity: FaultAnswer = {
  type: "answer",
  status: 200,
  body: `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken></Credentials><AssumedRoleUser><Arn>arn:aws:sts::${account}:assumed-role/other/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`,
};
const refusedByEks: FaultAnswer = {
  type: "answer",
  status: 403,
  headers: { "x-amzn-errortype": "AccessDeniedException" },
  body: JSON.stringify({ message: "not authorized" }),
};

const readMap = async ({ client }: OpenCluster) => void (await client.readAwsAuth());
const binding = {
  ...{ name: "eks-access-r-1", namespace: "default", user: "a", labels: {}, annotations: {} },
  role: { kind: "ClusterRole", name: "view" },
} as const;

interface Failing {
  readonly what: string;
  readonly call: string;
  readonly answer: FaultAnswer;
  /** What a run does once the cluster is open. */
  readonly act?: (open: OpenCluster) => Promise<void>;
  /** The sentence on each way, and what it never says there. */
  readonly operator: { readonly says: string; readonly neverSays: string };
  readonly creator: { readonly says: string; readonly neverSays: string };
}

const bootstrap = "Run eks-access bootstrap staging --apply";
const checkCreator = "Check creator with /eks-access creator";
const failures: readonly Failing[] = [
  {
    ...{ what: "AWS refuses the role", call: "sts.AssumeRole", answer: refusedBySts },
    operator: {
      says: `${operatorArn} (AccessDenied: not authorized). This is the operator of staging`,
      neverSays: "creator",
    },
    creator: {
      says: `${arns.creator} (AccessDenied: not authorized). This is the creator of staging`,
      neverSays: "operator",
    },
  },
  {
    ...{ what: "the session is another identity", call: "sts.AssumeRole", answer: anotherIdentity },
    operator: { says: "Correct the operator in eks-access.yml", neverSays: "creator" },
    creator: { says: "Correct the creator in eks-access.yml", neverSays: "operator" },
  },
  {
    ...{ what: "EKS refuses DescribeCluster", call: "eks.DescribeCluster", answer: refusedByEks },
    operator: { says: "Give the operator the statements of deploy/iam/operator-policy.json", neverSays: "creator" },
    creator: { says: "Give the creator the statements of deploy/iam/creator-policy.json", neverSays: "operator" },
  },
  {
    ...{ what: "EKS refuses an access entry", call: "eks.ListAccessEntries", answer: refusedByEks },
    act: async ({ entries }) => void (await entries?.list()),
    operator: { says: "Give the operator the statements of deploy/iam/operator-policy.json", neverSays: "creator" },
    creator: {
      says: "Give accessEntries.as the statements of deploy/iam/access-entries-policy.json",
      neverSays: "bootstrap",
    },
  },
  {
    ...{ what: "the API server answers 401", call: "kubernetes.get-configmap", answer: status(401, "Unauthorized") },
    act: readMap,
    operator: { says: bootstrap, neverSays: "creator" },
    creator: { says: checkCreator, neverSays: "operator" },
  },
  {
    ...{ what: "the API server answers 403", call: "kubernetes.get-configmap", answer: status(403, "Forbidden") },
    act: readMap,
    operator: { says: `The operator lacks this right. ${bootstrap}`, neverSays: "creator" },
    creator: { says: checkCreator, neverSays: "operator" },
  },
  {
    ...{
      what: "the API server refuses a binding",
      call: "kubernetes.create-rolebinding",
      answer: status(403, "Forbidden"),
    },
    act: async ({ client }) => void (await client.createBinding(binding)),
    operator: { says: `The operator lacks this right. ${bootstrap}`, neverSays: "creator" },
    creator: { says: "Let the worker create and delete bindings", neverSays: "operator" },
  },
];

/** What a person reads of this failure. */
async function told({ call, answer, act }: Failing, change: Partial<Cluster>): Promise<string> {
  side().sandbox.faults.plan(call, answer, { times: 5 });
  try {
    const open = await openCluster(side().context(), { ...side().cluster, ...change }, []);
    await act?.(open).finally(open.close);
  } catch (error) {
    return explainFailure(error);
  }
  return expect.fail(`${call} did not fail`);
}

describe.each(failures)("where $what, the message", (failing) => {
  test("names the operator and its fix", async () => {
    const { says, neverSays } = failing.operator;

    const text = await told(failing, { operator });

    expect(text).toContain(says);
    expect(text).not.toContain(neverSays);
  });

  test("names the creator and its fix", async () => {
    const { says, neverSays } = failing.creator;

    const text = await told(failing, {});

    expect(text).toContain(says);
    expect(text).not.toContain(neverSays);
  });
});

const asker = { user: "U0ENGINEER", isResponsible: true };

/** A question about a cluster: what a person reads, and the operator's fix if the operator has no rights yet. */
const questions: Readonly<
  Record<string, { readonly fix: string; readonly ask: (cluster: Cluster) => Promise<string> }>
> = {
  whoami: {
    fix: `${bootstrap}.`,
    ask: async (cluster) => {
      const { links } = await reportChain(side().context(), cluster, asker);
      return links.map(({ name, detail, remedy }) => `${linkWords(name, cluster)}: ${detail}. ${remedy}`).join("\n");
    },
  },
  check: {
    fix: `The operator lacks this right. ${bootstrap}.`,
    ask: async (cluster) => JSON.stringify(await reportCheck(side().context(), cluster, asker)),
  },
  why: {
    fix: `The operator lacks this right. ${bootstrap}.`,
    ask: async (cluster) =>
      JSON.stringify(await reportWhy(side().context(), cluster, { ...asker, principal: arns.engineer })),
  },
  migrate: {
    fix: "Give the operator the statements of deploy/iam/operator-policy.json.",
    ask: async (cluster) =>
      JSON.stringify(await reportMigration(side().context(), cluster, { user: asker.user, givenArns: [] })),
  },
};

describe.each(Object.entries(questions))("%s, where the API server answers 403,", (_, { fix, ask }) => {
  const refuse = () => side().sandbox.faults.plan("kubernetes.get-configmap", status(403, "Forbidden"), { times: 5 });

  test("names the operator and its fix", async () => {
    refuse();

    const text = await ask({ ...side().cluster, operator });

    expect(text).toContain(fix);
    expect(text).not.toContain("creator");
  });

  test("names the creator and its fix", async () => {
    refuse();

    const text = await ask(side().cluster);

    expect(text).toContain(checkCreator);
    expect(text).not.toContain("operator");
  });
});

test("check names no fix where the operator may not read an aws-auth that the cluster does not read", async () => {
  side().sandbox.aws.updateCluster(clusterArn, { authenticationMode: "API" });
  side().sandbox.faults.plan("kubernetes.get-configmap", status(403, "Forbidden"), { times: 5 });

  const report = await reportCheck(side().context(), { ...side().cluster, operator }, asker);

  expect(report).toMatchObject({ document: { type: "failed", message: expect.not.stringContaining("bootstrap") } });
});

describe("a rescue", () => {
  const why = async (change: Partial<Candidate>) => {
    const { cluster, context, sandbox } = side();
    const { description, close } = await openCluster(context(), cluster, []);
    close();
    sandbox.faults.plan("kubernetes.get-configmap", status(401, "Unauthorized"), { times: 12 });
    const candidate = { name: operatorArn, isLeased: true, credentials: () => ownCredentials(region), ...change };
    const pause = () => Promise.resolve();
    const result = await signInAsOne(
      cluster,
      description,
      [candidate],
      { id: "r-1", requester: "U0ONCALL" },
      {
        now: context().now,
        pause,
        say: () => {},
      },
    );
    return result.type === "out" ? result.why.join(" ") : expect.fail("it signed in");
  };

  test("names the new entry where the cluster refuses its principal, and no creator", async () => {
    const text = await why({});

    expect(text).toContain("Try again in a minute.");
    expect(text).not.toContain("creator");
  });

  test("names the creator where the cluster refuses the creator", async () => {
    expect(await why({ name: arns.creator, isLeased: false })).toContain(checkCreator);
  });
});

test("whoami names the one that lacks the right to write, and its fix", () => {
  const remedyOf = (change: Partial<Cluster>) => {
    const finding = writeFinding(false, { ...aCluster(), ...change });
    return finding.result === "no" ? finding.remedy : expect.fail("it is no failure");
  };

  expect(remedyOf({ operator })).toMatch(/^The operator lacks this right\. Run `eks-access bootstrap \w+ --apply`\.$/);
  expect(remedyOf({})).toMatch(/^Check creator with `\/eks-access creator staging`/);
});

describe("why", () => {
  const causesOf = async (principal: string, change: Partial<Cluster> = {}) => {
    const cluster = { ...side().cluster, ...change };
    const report = await reportWhy(side().context(), cluster, { user: "U0ENGINEER", isResponsible: true, principal });
    return report.type === "diagnosis" ? report.causes.map(({ code }) => code) : report.message;
  };

  test("shows the creator that EKS always lets in, from one that EKS gave no rights", async () => {
    expect(await causesOf(arns.creator)).toEqual(["creator"]);

    const { aws } = side().sandbox;
    const quiet = { ...side().sandbox.cluster, name: "quiet", region, creatorArn: arns.creator };
    aws.addCluster({ ...quiet, authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: false });
    expect(await causesOf(arns.creator, { name: "quiet", eksName: "quiet" })).not.toContain("creator");
  });

  test("explains a look that failed by the operator's fix", async () => {
    side().sandbox.faults.plan("kubernetes.get-configmap", status(403, "Forbidden"));

    expect(await causesOf(arns.engineer, { operator })).toContain(bootstrap);
  });
});
