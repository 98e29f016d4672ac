import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FaultAnswer } from "../../../sandbox/faults.ts";
import { arns, clusterName, externalId } from "../../../sandbox/scene.ts";
import type { AuditEvent } from "../../../src/access/audit-event.ts";
import { dueAt } from "../../../src/access/request.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { signInToCluster } from "../../../src/worker/sign-in/sign-in-cluster.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { aStatus } from "../../kubernetes/api-server.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { give, modesConfig, requestOf, revokeGiven, revokeOnly } from "../reconcile/both-ways.ts";
import { useWorkerSide } from "../worker-side.ts";

const side = useWorkerSide();
const { developers } = arns;
const trust = { principals: [arns.worker], externalId, requireSourceIdentity: true };
const review = "kubernetes.self-subject-review";
const serverError = { type: "answer", status: 503, body: "{}" } as const;
const cut = { type: "cut-before" } as const;
/** The SDK itself makes three attempts of one call, and a job eight of the API server. */
const [ofSdk, ofJob] = [3, 8];

let context: WorkerContext;
/** How much later it is for the worker. */
let laterMs: number;

beforeEach(() => {
  laterMs = 0;
  const now = () => new Date(Date.now() + laterMs);
  context = { ...side().context(memoryLedger()), config: modesConfig(), now, pause: async () => {} };
});

afterEach(() => side().sandbox.aws.account.setTrust(developers, trust));

const cluster = () => clusterIn(context.config, clusterName);
const record = () => requestOf(context, "r-one");
const leaseNow = async () => (await record()).lease ?? expect.fail("there is no lease");
const finding = async () => (await leaseNow()).proof?.signedIn;

function strikeAt(call: string, answer: FaultAnswer, times: number): void {
  side().sandbox.faults.plan(call, answer, { times });
}

/** STS as it answers the worker when it becomes the principal: before that it has become the creator. */
function whenItBecomesThePrincipal(answer: FaultAnswer): void {
  side().sandbox.faults.plan("sts.AssumeRole", answer, { nth: 2, times: ofSdk });
}

/** A lease that was proved but for signing in, then something is wrong, and it is tried for the first time. */
async function giveAndSignIn(strike: () => void): Promise<void> {
  await give(context, cluster(), { id: "r-one", principal: developers });
  strike();
  await signInToCluster(context, cluster());
}

/** What another worker does once the next try is due. */
async function signInWhenDue(): Promise<void> {
  const due = dueAt(await record()) ?? expect.fail("nothing is due");
  laterMs = Math.max(laterMs, due - Date.now());
  await signInToCluster({ ...context }, cluster());
}

async function eventsOf(type: string): Promise<readonly AuditEvent["detail"][]> {
  const events = (await context.ledger.events(1, 1000)).map(({ event }) => event);
  return events.filter((event) => event.type === type).map(({ detail }) => detail);
}

const throttled = {
  type: "answer",
  status: 400,
  headers: { "content-type": "text/xml" },
  body: "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
} as const;

describe("what passes is tried again, and then reported:", () => {
  test.each<[string, () => void, string]>([
    ["STS that throttles", () => whenItBecomesThePrincipal(throttled), "aws-throttled"],
    ["STS that fails", () => whenItBecomesThePrincipal(serverError), "aws-failing"],
    ["STS that cuts the connection", () => whenItBecomesThePrincipal(cut), "aws-unreachable"],
    ["a cluster that can't be described", () => strikeAt("eks.DescribeCluster", serverError, ofSdk), "aws-failing"],
    ["an API server that fails", () => strikeAt(review, serverError, ofJob), "cluster-unexpected"],
    ["an API server that cuts the connection", () => strikeAt(review, cut, ofJob), "cluster-unreachable"],
  ])("%s", async (_, strike, code) => {
    await giveAndSignIn(strike);
    const before = await leaseNow();
    await signInWhenDue();

    expect(before).toMatchObject({
      state: "active",
      proof: { signedIn: { result: "not tested", detail: "the worker is trying it" } },
      signInTrouble: { code, attempts: 1 },
    });
    expect(before.signInDueAt).toBe(before.signInTrouble?.retryAt);
    expect(await leaseNow()).toMatchObject({
      signInDueAt: null,
      signInTrouble: null,
      proof: { signedIn: { result: "yes" } },
    });
    expect(await eventsOf("lease.sign-in-delayed")).toMatchObject([{ code, attempts: 1 }]);
    expect(await eventsOf("lease.signed-in")).toMatchObject([{ signedIn: "yes" }]);
  });
});

test("a worker that dies between two tries loses nothing, and the next one does not try before it is due", async () => {
  const { faults } = side().sandbox;
  await giveAndSignIn(() => whenItBecomesThePrincipal(serverError));
  const asked = faults.calls("sts.AssumeRole");

  await signInToCluster({ ...context }, cluster());
  const early = faults.calls("sts.AssumeRole");
  const dead = { ...context.ledger, commit: () => Promise.reject(new Error("this process is dead")) };
  laterMs += 2_000;
  await expect(signInToCluster({ ...context, ledger: dead }, cluster())).rejects.toThrow("dead");
  const unfinished = await leaseNow();
  await signInToCluster({ ...context }, cluster());

  expect(early).toBe(asked);
  expect(unfinished.signInTrouble).toMatchObject({ attempts: 1 });
  expect((await finding())?.result).toBe("yes");
});

test("what does not pass is tried with growing gaps for about half an hour, and then given up with its cause and how often it was tried", async () => {
  // The SDK makes one attempt of such a call.
  await giveAndSignIn(() => strikeAt("eks.DescribeCluster", { ...serverError, status: 400 }, 1_000));
  const gaps: number[] = [];
  while (gaps.length < 20) {
    const { signInTrouble } = await leaseNow();
    if (!signInTrouble) break;
    gaps.push((Date.parse(signInTrouble.retryAt) - Date.parse(signInTrouble.at)) / 1000);
    await signInWhenDue();
  }

  expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300]);
  expect(await finding()).toEqual({
    result: "not tested",
    detail: expect.stringMatching(
      /^no answer after 15 tries\. Run kubectl get pods.*\. The last try: AWS failed at eks:DescribeCluster on /,
    ),
  });
  expect(await leaseNow()).toMatchObject({ state: "active", signInDueAt: null });
  expect((await eventsOf("lease.sign-in-delayed")).map(({ attempts }) => attempts)).toEqual([1, 2, 4, 8]);
  expect(await eventsOf("lease.signed-in")).toMatchObject([{ signedIn: "not tested" }]);
});

test("a try in which the API server answered the principal is reported each time, so that an event names what it did", async () => {
  await giveAndSignIn(() => strikeAt("kubernetes.list-pods", serverError, 3 * ofJob));
  await signInWhenDue();
  await signInWhenDue();

  const told = await eventsOf("lease.sign-in-delayed");
  expect(told.map(({ attempts }) => attempts)).toEqual([1, 2, 3]);
  for (const { auditIds } of told) {
    expect(auditIds).toMatchObject({ "POST selfsubjectreviews": { length: ofJob } });
  }
});

describe("what is definite is not tried again:", () => {
  test("a role that does not trust the worker, also after tries that came to nothing", async () => {
    await giveAndSignIn(() => whenItBecomesThePrincipal(serverError));
    side().sandbox.aws.account.setTrust(developers, { principals: [] });

    await signInWhenDue();

    expect(await finding()).toMatchObject({ result: "not tested" });
    expect((await finding())?.detail).toMatch(/^AWS refused sts:AssumeRole on \S+developers \(AccessDenied: /);
    expect(await leaseNow()).toMatchObject({ signInDueAt: null, signInTrouble: null });
  });

  test("a token that the API server refuses", async () => {
    await giveAndSignIn(() =>
      strikeAt(
        review,
        { type: "answer", status: 401, body: JSON.stringify(aStatus(401, "Unauthorized", "Unauthorized")) },
        ofJob,
      ),
    );

    expect(await finding()).toMatchObject({ result: "no" });
    expect(await leaseNow()).toMatchObject({ signInDueAt: null, signInTrouble: null });
  });
});

test("a lease that is taken back between two tries ends at once, and is not tried again", async () => {
  const { faults } = side().sandbox;
  await giveAndSignIn(() => whenItBecomesThePrincipal(serverError));
  await revokeOnly(context, "r-one");
  const asked = faults.calls("sts.AssumeRole");
  laterMs += 5_000;

  await signInToCluster(context, cluster());
  const tried = faults.calls("sts.AssumeRole") - asked;
  const ended = await revokeGiven(context, cluster(), "r-one");

  expect(tried).toBe(0);
  expect(ended.lease?.state).toBe("ended");
  expect(dueAt(ended)).toBeNull();
});

test("another lease is given, proved and ended between two tries", async () => {
  await giveAndSignIn(() => whenItBecomesThePrincipal(serverError));

  const other = await give(context, cluster(), { id: "r-two", principal: arns.engineer });
  const ended = await revokeGiven(context, cluster(), "r-two");

  expect([other.lease?.state, ended.lease?.state]).toEqual(["active", "ended"]);
  expect((await leaseNow()).signInTrouble).toMatchObject({ attempts: 1 });
});
