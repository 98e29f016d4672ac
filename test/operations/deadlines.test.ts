import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { callerIdentity } from "../../src/aws/sts.ts";
import { readConfig } from "../../src/config/config.ts";
import { workerJobs } from "../../src/ledger/jobs.ts";
import { deadlineTable, extendDeadline, usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import { openCluster } from "../../src/worker/open-cluster.ts";
import { configText } from "../builders/a-cluster.ts";
import { useWorkerSide } from "../worker/worker-side.ts";

const waits = readFileSync(new URL("../../docs/waits.md", import.meta.url), "utf8");

function deadlinesOf(text: string) {
  const reading = readConfig(`${configText}\n${text}`);
  return reading.type === "invalid" ? reading.problems : reading.config.timing.deadlines;
}

test("a deadline that the file does not name has its usual value, and one that it names has that", () => {
  const deadlines = deadlinesOf("timing: { deadlines: { awsCall: 1500ms, run: 1m } }");

  expect(deadlines).toEqual({ ...usualDeadlines, awsCall: 1_500, run: 60_000 });
});

test("eks-access.example.yml has each deadline with its usual value", () => {
  const example = readFileSync(new URL("../../eks-access.example.yml", import.meta.url), "utf8");
  const [, list = ""] = /^ {2}deadlines:\n((?: {4}.+\n)+)/m.exec(example) ?? [];

  expect(list.trim().split("\n").length).toBe(Object.keys(usualDeadlines).length);
  expect(deadlinesOf(`timing:\n  deadlines:\n${list}`)).toEqual(usualDeadlines);
});

test.each([
  ["a name that there is not", "callAws: 1s", "timing.deadlines.callAws: no such setting"],
  ["a time without a unit", "awsCall: 3", "timing.deadlines.awsCall: it is a number; write a time with its unit"],
  ["no time at all", "awsCall: 0s", "timing.deadlines.awsCall: write a time with its unit"],
])("%s is refused", (_, written, problem) => {
  expect(deadlinesOf(`timing: { deadlines: { ${written} } }`)).toEqual([expect.stringContaining(problem)]);
});

test("one call to AWS or to a cluster takes some seconds and no longer, so that no access hangs on it", () => {
  expect(Math.max(usualDeadlines.awsCall, usualDeadlines.clusterCall)).toBeLessThanOrEqual(5_000);
});

test("a run that people wait for ends within seconds, so that it does not delay others on its cluster", () => {
  expect(usualDeadlines.run).toBeLessThanOrEqual(8_000);
});

// An API server waits ten seconds for a webhook that names no time, and then can ignore it (Kubernetes docs, "Dynamic Admission Control").
test("a write takes longer than a webhook that never answers and is ignored then", () => {
  expect(usualDeadlines.clusterWrite).toBeGreaterThan(10_000);
});

test.each(["end", "inspect", "adopt"] as const)(
  "%s, which no request waits for, has time for a dry run and a write",
  (type) => {
    expect(usualDeadlines[workerJobs[type].deadline]).toBeGreaterThan(2 * usualDeadlines.clusterWrite);
  },
);

test.each(Object.entries(deadlineTable))(
  "docs/waits.md lists %s with its usual value and reason",
  (name, { ms, why }) => {
    const usual = ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;

    expect(waits.replaceAll(/\s+/g, " ")).toContain(`- \`${name}\` (\`${usual}\`): ${why} `);
  },
);

const side = useWorkerSide();
const forEver = { type: "hang" } as const;
const purpose = { id: "r-1", requester: "U0ENGINEER" };

afterEach(() => {
  vi.useRealTimers();
  side().sandbox.faults.clear();
});

describe("what is done within a deadline", () => {
  test("a call to AWS that is not answered fails when the whole run is late, and says which deadline passed", async () => {
    const { faults } = side().sandbox;
    const { struck } = faults.plan("sts.GetCallerIdentity", forEver);
    const before = faults.calls("sts.GetCallerIdentity");
    const deadlines = { ...usualDeadlines, awsCall: 600_000, run: 500 };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

    const calling = withinDeadline("run", deadlines, () => callerIdentity("default", "eu-central-1"));
    const failing = calling.catch((error: unknown) => error);
    await struck;
    vi.advanceTimersByTime(500);
    const failure = await failing;

    expect(failure).toMatchObject({ code: "aws-unreachable", retryable: true });
    expect(failure).toMatchObject({ message: expect.stringContaining("the total deadline of 0.5 s (run)") });
    expect(faults.calls("sts.GetCallerIdentity") - before).toBe(1);
  });

  test("one unanswered call ends at its own deadline, and is made again", async () => {
    const { faults } = side().sandbox;
    let awsCall = 300;
    const second = () => {
      awsCall = 600_000;
    };
    faults.plan("sts.GetCallerIdentity", forEver, { onStrike: second });
    const before = faults.calls("sts.GetCallerIdentity");
    const deadlines = {
      ...usualDeadlines,
      get awsCall() {
        return awsCall;
      },
    };

    const identity = await withinDeadline("migration", deadlines, () => callerIdentity("default", "eu-central-1"));

    expect(identity.arn).toContain("assumed-role/eks-access-worker/");
    expect(faults.calls("sts.GetCallerIdentity") - before).toBe(2);
  });

  test.each([
    ["of its own", { clusterCall: 300 }, "(TimeoutError: "],
    ["of the run", { clusterCall: 600_000, run: 300 }, "the total deadline of 0.3 s (run) has passed"],
  ])("a call to an API server that is not answered fails by the deadline %s, and says so", async (_, change, why) => {
    const { sandbox, cluster, context } = side();
    sandbox.faults.plan("kubernetes.get-configmap", forEver);
    const { client, close } = await openCluster(context(), cluster, [purpose]);

    const reading = withinDeadline("run", { ...usualDeadlines, ...change }, () => client.readAwsAuth());
    const failure = await reading.catch((error: unknown) => error);
    close();

    expect(failure).toMatchObject({ code: "cluster-unreachable", retryable: true });
    expect(failure).toMatchObject({ message: expect.stringContaining(why) });
  });

  test("what finds much to do asks for more time", async () => {
    side().sandbox.faults.plan("sts.GetCallerIdentity", { type: "delay", ms: 400 });

    const identity = await withinDeadline("run", { ...usualDeadlines, run: 200 }, () => {
      extendDeadline(60_000);
      return callerIdentity("default", "eu-central-1");
    });

    expect(identity.account).toBe("111122223333");
  });

  test("without a run there is no deadline of a run", async () => {
    const identity = await callerIdentity("default", "eu-central-1");

    expect(identity.account).toBe("111122223333");
  });
});
