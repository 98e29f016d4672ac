import { describe, expect, test } from "vitest";
import { problemsOfView } from "../../../sandbox/slack/block-limits.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { type HomeContent, homeView, maxRows, unknownHomeView } from "../../../src/slack/look/home-view.ts";
import { explainToPerson } from "../../../src/slack/show/message.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aPlannedMigration, theLongestMigration } from "../../builders/a-migration.ts";
import { aLeasedRequest, aPreviewedRequest, aRequest, engineerArn } from "../../builders/a-request.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { at, hours } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const listOf = (...requests: AccessRequest[]) => ({ requests, total: requests.length });

function aHome(change: Partial<HomeContent> = {}): HomeContent {
  const none = listOf();
  return {
    user: "U0ENGINEER",
    identities: [engineerArn],
    looksUp: false,
    toDecide: none,
    migrationsToDecide: [],
    toReview: none,
    access: none,
    requests: none,
    migrations: [],
    clusterOf: () => aCluster(),
    isRepeatable: () => true,
    recent: none,
    decides: false,
    emergency: false,
    ...change,
  };
}

test("nobody can be nudged before the worker has checked the cluster", () => {
  const home = homeView(aHome({ requests: listOf(aRequest()) }));

  expect(textOfBlocks(home)).toContain("[Details] [Cancel]");
});

test("App Home shows what waits, what is held with its end, and what was asked for, each with its buttons", () => {
  const content = aHome({
    toDecide: listOf(aPreviewedRequest({ id: "r-2", requester: "U0ONCALL" })),
    toReview: listOf(states["broken glass"] ?? expect.fail("there is no such state")),
    access: listOf(aLeasedRequest({}), aLeasedRequest({ state: "scheduled" }, { id: "r-3" })),
    requests: listOf(aPreviewedRequest({ id: "r-4" })),
    recent: listOf(aPreviewedRequest({ id: "r-5", state: "expired" })),
    decides: true,
    emergency: true,
  });

  expect(textOfBlocks(homeView(content))).toMatchSnapshot();
});

test("App Home says why a request waits and when the next try is, and what the approver who denied one said", () => {
  const failing = aRequest({ trouble: aTrouble() });
  const applying = aLeasedRequest({ state: "scheduled" }, { id: "r-3", trouble: aTrouble() });
  const content = aHome({
    requests: listOf(failing),
    access: listOf(applying),
    recent: listOf(states.denied ?? expect.fail("there is no such state")),
  });

  const text = textOfBlocks(homeView(content));

  const why = ":warning: I can't work on `staging` now. Tried once; next try <!date^1772355720";
  expect(text).not.toContain("Checking the cluster");
  expect(text).toContain(`Not checked yet\n${why}`);
  expect(text).toContain(`Applying\n${why}`);
  expect(text).toMatch(/Denied by <@U0APPROVER> [^:]*:[^:]*:[^:]*: use `\*staging-2\*`/);
});

test("App Home shows migrations before requests, and counts both together", () => {
  const waiting = { migration: aPlannedMigration(), acts: ["approve", "deny", "stop"] as const };
  const content = aHome({
    migrationsToDecide: [waiting],
    toDecide: listOf(aPreviewedRequest({ id: "r-2", requester: "U0ONCALL" })),
    migrations: [{ migration: aPlannedMigration({ state: "running" }), acts: ["stop"] }],
  });

  const text = textOfBlocks(homeView(content));

  expect(text).toMatch(/\*Waiting for your decision\* \(2\)\n\*Migration of `staging`[^[]*\[Review\] \[Stop\]\n.*r-2/);
  expect(text).toMatch(
    /\*Your requests and migrations\* \(1\)\n.*`migration-staging-1`[^[]*Running[^[]*\[Details\] \[Stop\]/,
  );
});

test("access that a person asked for another one has no Extend, which only its holder can use", () => {
  const forBob = aLeasedRequest({}, { requester: "U0BOB", askedBy: "U0ENGINEER" });

  const textOf = (home: Partial<HomeContent>) => textOfBlocks(homeView(aHome(home)));

  expect(textOf({ user: "U0BOB", access: listOf(forBob) })).toContain("[Extend] [I'm done] [Details]");
  expect(textOf({ requests: listOf(forBob) })).toContain("\n[End their access] [Details]");
});

test("what waits for a person with many identities is not below them all", () => {
  const identities = Array.from({ length: 40 }, (_, index) => `arn:aws:iam::${111122223333 + index}:role/developers`);

  const { blocks } = homeView(aHome({ identities }));

  expect(textOfBlocks({ blocks: blocks.slice(1, 2) })).toMatch(
    /^<@U0ENGINEER>, your AWS identities are `.{1,140}, 3\d more\.$/,
  );
});

test("App Home asks for no link where a worker finds people", () => {
  const { blocks } = homeView(aHome({ identities: [], looksUp: true }));

  expect(textOfBlocks({ blocks: blocks.slice(1, 2) })).toBe("`/eks-access whoami &lt;cluster&gt;` finds yours.");
});

test("App Home of a new person says how to begin", () => {
  expect(textOfBlocks(homeView(aHome({ identities: [] })))).toMatchInlineSnapshot(`
    "header
    No linked AWS identity. Run \`/eks-access link &lt;arn&gt;\`.
    [Ask for access]
    divider
    *Your access*: none
    divider
    *Your requests*: none
    divider
    *Recent*: none"
  `);
});

test("what is too much for App Home is counted, with a way to all of it", () => {
  const requests = Array.from({ length: maxRows }, (_, index) => aPreviewedRequest({ id: `r-${index}` }));

  const text = textOfBlocks(homeView(aHome({ toDecide: { requests, total: 37 } })));

  expect(text).toContain("*Waiting for your decision* (37)");
  expect(text).toContain("[29 more]");
});

describe("Slack takes App Home", () => {
  test.each(Object.entries({ ...states, ...longestStates }))("full of requests that are %s", (_, request) => {
    const requests = Array.from({ length: maxRows }, (_, index) => ({ ...request, id: `r-${index}` }));
    const full = { requests, total: 1_000_000 };

    const view = homeView(
      aHome({
        toDecide: full,
        toReview: full,
        access: full,
        requests: full,
        recent: full,
        identities: Array.from({ length: 40 }, () => request.principal),
      }),
    );

    expect(problemsOfView(view)).toEqual([]);
    // https://docs.slack.dev/reference/views: a view has at most 250,000 characters.
    expect(JSON.stringify(view).length).toBeLessThan(250_000);
  });

  test("full of the longest migrations counts the rest", () => {
    const acts = ["approve", "deny", "retry", "stop"] as const;
    const migrations = Array.from({ length: 30 }, (_, index) => ({
      migration: theLongestMigration({ id: `migration-c-${index}` }),
      acts,
    }));
    const full = {
      requests: Array.from({ length: maxRows }, (_, index) => aPreviewedRequest({ id: `r-${index}` })),
      total: 50,
    };

    const view = homeView(
      aHome({
        migrationsToDecide: migrations,
        toDecide: full,
        toReview: full,
        access: full,
        requests: full,
        migrations,
      }),
    );

    expect(problemsOfView(view)).toEqual([]);
    expect(textOfBlocks(view)).toContain("*Waiting for your decision* (80)");
    expect(textOfBlocks(view)).toContain("[72 more]");
  });

  test("that can't be shown", () => {
    const view = unknownHomeView(explainToPerson(new AccessError("ledger-unreachable", "Redis did not answer")));

    expect(problemsOfView(view)).toEqual([]);
    expect(textOfBlocks(view)).toContain(":warning: I can't reach my records now. Reopen in a minute.");
  });
});

test("the time left is a date of Slack, so it is right whenever a person opens App Home", () => {
  const lease = aLeasedRequest({ endsAt: at(hours(4)).toISOString() });

  const text = textOfBlocks(homeView(aHome({ access: listOf(lease) })));

  expect(text).toContain("Ends <!date^1772370000^{date_short_pretty} {time}, {ago}|2026-03-01 13:00:00 UTC>");
});

test("each part that is empty says so; only approvers read that nothing waits for them", () => {
  const [approver, engineer] = [aHome({ decides: true }), aHome()].map((home) => textOfBlocks(homeView(home)));

  expect(approver).toContain("*Waiting for your decision*: none");
  expect(engineer).not.toContain("Waiting for your decision");
  expect(engineer).toContain("*Recent*: none");
  expect(`${approver}${engineer}`).not.toContain("Emergency access");
});
