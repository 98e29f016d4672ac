import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName, externalId } from "../../../sandbox/scene.ts";
import type { AuditEvent } from "../../../src/access/audit-event.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { signInToCluster } from "../../../src/worker/sign-in/sign-in-cluster.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { aStatus } from "../../kubernetes/api-server.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { give, modesConfig, requestOf, revokeGiven, revokeOnly } from "../reconcile/both-ways.ts";
import { useWorkerSide } from "../worker-side.ts";

const side = useWorkerSide({ everyMode: true });
const { developers } = arns;
const trust = { principals: [arns.worker], externalId, requireSourceIdentity: true };
const review = "kubernetes.self-subject-review";
let context: WorkerContext;
let pauses: number[];

/** The waits between tries are counted, and not waited for. */
function use(change?: (text: string) => string): void {
  pauses = [];
  const pause = async (ms: number) => void pauses.push(ms);
  context = { ...side().context(memoryLedger()), config: modesConfig(change), pause };
}

beforeEach(() => use());
afterEach(() => side().sandbox.aws.account.setTrust(developers, trust));

/** A lease that was proved, and then the result of the sign-in. */
async function giveAndSignIn(requested: { cluster?: string; principal?: string; level?: string } = {}) {
  const { cluster: name = clusterName, principal = developers, level = "viewer" } = requested;
  const cluster = clusterIn(context.config, name);
  const given = await give(context, cluster, { id: "r-one", principal, level });
  await signInToCluster(context, cluster);
  return { given, signedIn: await requestOf(context, "r-one") };
}

const findingOf = ({ lease }: AccessRequest) => lease?.proof?.signedIn;

const clusterOf = (name: string) => side().sandbox.clusters.get(name) ?? expect.fail(`there is no ${name}`);
const usernameOf = (request: AccessRequest) => /^as (\S+)/.exec(findingOf(request)?.detail ?? "")?.[1];

async function eventsOf(type: string): Promise<readonly AuditEvent[]> {
  return (await context.ledger.events(1, 1000)).map(({ event }) => event).filter((event) => event.type === type);
}

describe.each([
  [clusterName, "aws-auth"],
  ["analytics", "access entries"],
])("a role that the worker may become, on %s", (cluster) => {
  test("is active at once, and signs in afterwards as who it is mapped as", async () => {
    context = { ...context, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
    const { given, signedIn } = await giveAndSignIn({ cluster });

    expect(given.lease?.state).toBe("active");
    expect(findingOf(given)).toEqual({ result: "not tested", detail: "the worker is trying it" });
    expect(findingOf(signedIn)).toEqual({
      result: "yes",
      detail: expect.stringMatching(
        /^as eks-access:\S+ with eks-access:viewers, listed pods in default, \d+ ms after it was mapped$/,
      ),
    });
    expect(signedIn.lease).toMatchObject({ state: "active", signInDueAt: null });
    const [event] = await eventsOf("lease.signed-in");
    expect(event?.detail).toMatchObject({ signedIn: "yes", awsRequests: { "sts:AssumeRole": expect.any(Array) } });
    const audited = new Map(
      clusterOf(cluster)
        .auditLog()
        .map(({ auditID, username }) => [auditID, username]),
    );
    const calls = Object.entries(event?.detail.auditIds ?? {});
    expect(calls.map(([call]) => call)).toEqual(["POST selfsubjectreviews", "GET pods"]);
    // Those before are of tries that came too early.
    const last = calls.map(([, ids]) => audited.get([ids].flat().at(-1) ?? ""));
    expect(last).toEqual([usernameOf(signedIn), usernameOf(signedIn)]);
    await revokeGiven(context, clusterIn(context.config, cluster), "r-one");
  });
});

test("the worker assumes a role by its path in IAM, and the cluster admits it by its name", async () => {
  const { account } = side().sandbox.aws;
  const { arn } = account.addRole({ name: "team-developers", path: "/team/", trust });
  use((text) =>
    text
      .replaceAll(`"${developers}"`, developers)
      .replaceAll(`roles: [${developers}]`, 'roles: ["arn:aws:iam::111122223333:role/team/team-*"]'),
  );
  const { signedIn } = await giveAndSignIn({ principal: arn.replace("/team/", "/") });

  expect(findingOf(signedIn)).toMatchObject({ result: "yes" });
  expect(findingOf(signedIn)?.detail).toContain(":team-developers:");
});

test("a principal without any answer delays neither another lease nor its end", async () => {
  const { faults } = side().sandbox;
  const cluster = clusterIn(context.config, clusterName);
  await give(context, cluster, { id: "r-one", principal: developers });
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { struck } = faults.plan(review, { type: "watch" }, { onStrike: () => answered });
  const signingIn = signInToCluster(context, cluster);
  await struck;

  const other = await give(context, cluster, { id: "r-two", principal: arns.engineer });
  const ended = await revokeGiven(context, cluster, "r-two");

  expect([other.lease?.state, ended.lease?.state]).toEqual(["active", "ended"]);
  expect(findingOf(await requestOf(context, "r-one"))?.detail).toBe("the worker is trying it");
  answer();
  await signingIn;
  expect(findingOf(await requestOf(context, "r-one"))?.result).toBe("yes");
});

describe("is not tested, and says why, where the principal is", () => {
  test("an IAM user", async () => {
    const { given, signedIn } = await giveAndSignIn({ principal: arns.engineer });

    expect(findingOf(signedIn)).toMatchObject({ result: "not tested" });
    expect(findingOf(signedIn)?.detail).toContain("only the IAM user has its keys");
    expect(signedIn).toEqual(given);
  });

  test("a role that the configuration does not name", async () => {
    use((text) => text.replaceAll(/roles: \[.*\]/g, "roles: []"));
    const { given, signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)?.detail).toContain("name it in signIn.roles of staging");
    expect(signedIn).toEqual(given);
  });

  test("a role that does not trust the worker, with what AWS said and how to fix it", async () => {
    side().sandbox.aws.account.setTrust(developers, { principals: [] });
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)).toMatchObject({ result: "not tested" });
    expect(findingOf(signedIn)?.detail).toMatch(
      /^AWS refused sts:AssumeRole on \S+developers \(AccessDenied: .*\)\. Let the worker assume the role/,
    );
    expect(signedIn.lease?.state).toBe("active");
  });

  test("another person by AWS's word, and then no token is sent", async () => {
    const { faults, aws } = side().sandbox;
    const cluster = clusterIn(context.config, clusterName);
    await give(context, cluster, { id: "r-one", principal: developers });
    const { accessKeyId, secretAccessKey, sessionToken } = aws.account.sessionFor(arns.admins, "x");
    const keys = `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken>`;
    const user =
      "<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/platform-admins/x</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>";
    const body = `<AssumeRoleResponse><AssumeRoleResult><Credentials>${keys}</Credentials>${user}</AssumeRoleResult></AssumeRoleResponse>`;
    // The second one: the creator is become first.
    faults.plan(
      "sts.AssumeRole",
      { type: "answer", status: 200, headers: { "content-type": "text/xml" }, body },
      { nth: 2 },
    );
    const asked = faults.calls(review);

    await signInToCluster(context, cluster);

    expect(findingOf(await requestOf(context, "r-one"))).toEqual({
      result: "not tested",
      detail: `AWS says that the assumed ${developers} is arn:aws:sts::111122223333:assumed-role/platform-admins/x. Correct signIn.roles.`,
    });
    expect(faults.calls(review)).toBe(asked);
  });

  test("of a cluster that can't be opened any more", async () => {
    const cluster = clusterIn(context.config, clusterName);
    await give(context, cluster, { id: "r-one", principal: developers });
    side().sandbox.faults.plan("eks.DescribeCluster", awsError(404, "ResourceNotFoundException"));

    await signInToCluster(context, cluster);

    const { lease } = await requestOf(context, "r-one");
    expect(lease).toMatchObject({ signInDueAt: null, proof: { signedIn: { result: "not tested" } } });
    expect(lease?.proof?.signedIn.detail).toContain("Correct eksName");
  });
});

/** As EKS says it. */
function awsError(status: number, name: string) {
  const headers = { "content-type": "application/json", "x-amzn-errortype": name };
  return { type: "answer", status, headers, body: JSON.stringify({ message: "as planned" }) } as const;
}

const unauthorized = {
  type: "answer",
  status: 401,
  body: JSON.stringify(aStatus(401, "Unauthorized", "Unauthorized")),
} as const;

describe("a token that the API server refuses", () => {
  test("for a while is followed by new ones until one is taken", async () => {
    side().sandbox.faults.plan(review, unauthorized, { times: 3 });
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)?.result).toBe("yes");
    expect(pauses).toEqual([250, 500, 1_000]);
  });

  test("to the end is reported as it is: the lease stays in force, and how to find the cause is beside", async () => {
    side().sandbox.faults.plan(review, unauthorized, { times: 100 });
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)).toMatchObject({ result: "no" });
    expect(findingOf(signedIn)?.detail).toMatch(
      /^the API server still refused its token \(Unauthorized\) \d+ ms after it was mapped, although by aws-auth it is eks-access:\S+: \/eks-access why finds the cause/,
    );
    expect(signedIn.lease).toMatchObject({ state: "active", end: null, signInDueAt: null });
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(20_000);
    expect((await eventsOf("lease.signed-in")).map(({ detail }) => detail.signedIn)).toEqual(["no"]);
  });
});

const reviewOf = (username: string, groups: readonly string[]) =>
  ({
    type: "answer",
    status: 201,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      kind: "SelfSubjectReview",
      apiVersion: "authentication.k8s.io/v1",
      status: { userInfo: { username, groups } },
    }),
  }) as const;

describe("who the API server says that it is", () => {
  test("is a no where it is another person", async () => {
    side().sandbox.faults.plan(review, reviewOf("somebody", ["theirs", "system:authenticated"]), { times: 100 });
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)?.result).toBe("no");
    expect(findingOf(signedIn)?.detail).toMatch(
      /^as somebody with theirs, but it should be eks-access:\S+ and eks-access:viewers should be there and theirs should not be there by aws-auth$/,
    );
  });

  test("is asked again where it is still who it was", async () => {
    side().sandbox.faults.plan(review, reviewOf("before", []), { times: 2 });
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)?.result).toBe("yes");
    expect(pauses).toHaveLength(2);
  });

  test("is not known where the API server is older than the question, and what was seen is reported", async () => {
    side().sandbox.faults.plan(review, { type: "answer", status: 404, body: "404 page not found" }, { times: 100 });
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)).toEqual({
      result: "yes",
      detail: expect.stringMatching(/^with an unknown name \(.*\), listed pods in default, \d+ ms after/),
    });
  });
});

describe("pods that may not be listed", () => {
  const forbidden = {
    type: "answer",
    status: 403,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ kind: "Status", reason: "Forbidden", message: "pods is forbidden" }),
  } as const;

  test("are no failure where the level does not promise them", async () => {
    use((text) =>
      text
        .replace(/^ {2}viewer:\n/m, "  watcher: { groups: [watchers], maxDuration: 1h }\n  viewer:\n")
        .replace("levels: [viewer,", "levels: [watcher, viewer,"),
    );
    const { signedIn } = await giveAndSignIn({ level: "watcher" });

    expect(findingOf(signedIn)).toEqual({
      result: "yes",
      detail: expect.stringMatching(
        /^as \S+ with watchers, can't list pods in default, which the level does not promise, \d+ ms after/,
      ),
    });
  });

  test("are one where it does", async () => {
    side().sandbox.faults.plan("kubernetes.list-pods", forbidden, { times: 100 });
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)?.result).toBe("no");
    expect(findingOf(signedIn)?.detail).toMatch(/, but can't list pods in default, which the level promises$/);
  });
});

test("an API server that caches its answer gets another token, also within a second", async () => {
  const at = new Date();
  context = { ...context, now: () => at };
  const { cluster } = side().sandbox;
  const group = (name: string) => cluster.editAwsAuth((map) => withGroup(map, name));
  side().sandbox.faults.plan("kubernetes.list-pods", serverError, { onStrike: () => group("another") });
  const { signedIn } = await giveAndSignIn();

  expect(findingOf(signedIn)?.result).toBe("yes");
  expect(findingOf(signedIn)?.detail).toContain("with eks-access:viewers, another, listed pods");
});

const serverError = { type: "answer", status: 500, body: "{}" } as const;

/** Another person gives the principal a group more. */
function withGroup<T extends { data?: Readonly<Record<string, string>> }>(map: T, name: string): T {
  const mapRoles = map.data?.mapRoles?.replace(/( *- )"?eks-access:viewers"?/, `$&\n$1${name}`) ?? "";
  return { ...map, data: { ...map.data, mapRoles } };
}

describe("what an access policy allows, which only the principal itself can ask for,", () => {
  const ownReview = "kubernetes.self-subject-access-review";
  const asViewer = { cluster: "analytics", level: "peek" };
  const refusedReview = {
    type: "answer",
    status: 201,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      kind: "SelfSubjectAccessReview",
      apiVersion: "authorization.k8s.io/v1",
      status: { allowed: false },
    }),
  } as const;
  const authorizedOf = ({ lease }: AccessRequest) => lease?.proof?.authorized;
  // The waits are not waited for: on a fast machine all tries would come before the authenticator knows the entry.
  beforeEach(() => {
    side().sandbox.aws.eks.entryDelayMs = 0;
  });

  test("is asked when the worker signs in as it", async () => {
    const { given, signedIn } = await giveAndSignIn(asViewer);

    expect(authorizedOf(given)).toEqual({
      result: "not tested",
      detail: expect.stringMatching(/access policies of an IAM principal\. The worker asks when it signs in$/),
    });
    expect(findingOf(signedIn)?.result).toBe("yes");
    expect(authorizedOf(signedIn)).toEqual({
      result: "yes",
      detail: "can list pods in default, asked as the principal itself",
    });
    const [event] = await eventsOf("lease.signed-in");
    expect(event?.detail).toMatchObject({ signedIn: "yes", authorized: "yes" });
  });

  test("is asked again while EKS does not know the policy yet", async () => {
    side().sandbox.faults.plan(ownReview, refusedReview, { times: 2 });
    const { signedIn } = await giveAndSignIn(asViewer);

    expect(authorizedOf(signedIn)?.result).toBe("yes");
    expect(pauses).toEqual([250, 500]);
  });

  test("is a no where it is refused to the end", async () => {
    side().sandbox.faults.plan(ownReview, refusedReview, { times: 100 });
    const { signedIn } = await giveAndSignIn(asViewer);

    expect(findingOf(signedIn)?.result).toBe("yes");
    expect(authorizedOf(signedIn)).toEqual({
      result: "no",
      detail: "can't list pods in default, asked as the principal itself",
    });
  });

  test("promises no other look where the worker can't become the principal, and says who can ask", async () => {
    side().sandbox.aws.account.setTrust(developers, { principals: [] });
    const { signedIn } = await giveAndSignIn(asViewer);

    expect(signedIn.lease).toMatchObject({ signInDueAt: null, signInTrouble: null, reviewTrouble: null });
    expect(authorizedOf(signedIn)).toEqual({
      result: "not tested",
      detail: expect.stringMatching(/\. Only the principal can test this: kubectl auth can-i list pods -n default$/),
    });
  });

  test("is not asked where the review found it allowed", async () => {
    const before = side().sandbox.faults.calls(ownReview);
    const { signedIn } = await giveAndSignIn({ cluster: "analytics" });

    expect(authorizedOf(signedIn)?.detail).not.toContain("principal itself");
    expect(side().sandbox.faults.calls(ownReview)).toBe(before);
  });
});

describe("its result", () => {
  test("counts although a person changed the record meanwhile", async () => {
    side().sandbox.faults.plan(
      review,
      { type: "watch" },
      {
        onStrike: async () => {
          const request = await requestOf(context, "r-one");
          const lease = request.lease && { ...request.lease, warnedAt: context.now().toISOString() };
          await context.ledger.commit(aChange(revise(request, { lease })));
        },
      },
    );
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)?.result).toBe("yes");
    expect(signedIn.lease?.warnedAt).not.toBeNull();
  });

  test("is not reported for a lease that is removed meanwhile", async () => {
    const { faults } = side().sandbox;
    faults.plan(review, unauthorized, { times: 100, onStrike: onceOnly(() => revokeOnly(context, "r-one")) });
    const { signedIn } = await giveAndSignIn();

    expect(findingOf(signedIn)).toEqual({ result: "not tested", detail: "the worker is trying it" });
    expect(await eventsOf("lease.signed-in")).toEqual([]);
  });

  test("is found by the next job where the process died before it could tell", async () => {
    const cluster = clusterIn(context.config, clusterName);
    await give(context, cluster, { id: "r-one", principal: developers });
    const dead = { ...context.ledger, commit: () => Promise.reject(new Error("this process is dead")) };

    await expect(signInToCluster({ ...context, ledger: dead }, cluster)).rejects.toThrow("dead");
    await signInToCluster(context, cluster);
    await signInToCluster(context, cluster);

    expect(findingOf(await requestOf(context, "r-one"))?.result).toBe("yes");
    expect(await eventsOf("lease.signed-in")).toHaveLength(1);
  });
});

function onceOnly(act: () => Promise<void>): () => Promise<void> {
  let isDone = false;
  return async () => {
    if (!isDone) {
      isDone = true;
      await act();
    }
  };
}
