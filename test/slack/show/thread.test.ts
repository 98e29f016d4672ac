import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { decideReview } from "../../../src/access/emergency.ts";
import type { Lease } from "../../../src/access/lease/lease-record.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { threadMessage, threadOf } from "../../../src/slack/show/thread.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anEndProof, aPreviewedRequest, aProof, changed } from "../../builders/a-request.ts";
import { anEmergency, anEmergencyCluster } from "../../builders/an-emergency.ts";
import { keys } from "../../builders/keys.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { at, hours } from "../../builders/times.ts";

const namesOf = (request: AccessRequest, told: readonly string[]) =>
  threadOf(request, told, aCluster()).map(({ name }) => name);

test.each(Object.entries(states))("the thread shows of a request that is %s", (_, request) => {
  const entries = threadOf(request, [], aCluster());

  expect(entries.map(({ name, text }) => `${name}: ${text}`).join("\n")).toMatchSnapshot();
});

test.each(Object.entries({ ...states, ...longestStates }))(
  "Slack takes the thread of a request that is %s",
  (_, request) => {
    const { blocks, text } = threadMessage(threadOf(request, ["drift-2026-03-01T10:00:00.000Z"], aCluster()));

    expect(problemsOf(blocks)).toEqual([]);
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
    expect(text.length).toBeLessThanOrEqual(3_000);
  },
);

test.each(Object.entries(states))(
  "each entry has a name of its own, so that each is reported once: %s",
  (_, request) => {
    const names = namesOf(request, []);

    expect(new Set(names).size).toBe(names.length);
  },
);

test("what came about while Slack could not be reached is reported afterwards, in its order", () => {
  const names = namesOf(states.revoked ?? expect.fail("there is no such state"), []);

  expect(names).toEqual(["approved-U0APPROVER-2026-03-01T09:02:00.000Z", "active", "ending", "ended"]);
});

test("that it is active is reported with the whole proof, once signing in has been tried", () => {
  const tried = states["active, and signing in is tried"] ?? expect.fail("there is no such state");
  const lease = tried.lease && { ...tried.lease, signInDueAt: null };

  expect(namesOf(tried, [])).not.toContain("active");
  expect(namesOf(changed(tried, { lease }), [])).toContain("active");
});

test("no one with Redis calls a channel by why an approval no longer counts", () => {
  const dropped = [{ by: "U0APPROVER", at: at(0).toISOString(), why: "<!channel> <https://evil.example|Approve>" }];
  const request = aPreviewedRequest({ dropped });

  expect(JSON.stringify(threadOf(request, [], aCluster()))).not.toMatch(/<!channel|<https/);
});

test("the thread says who reviewed an emergency, and what they found", () => {
  const verdict = decideReview(
    anEmergency(),
    anEmergencyCluster(),
    { user: "U0APPROVER", memberships: [] },
    keys.decision,
    at(hours(2)),
    "restarted checkout & nothing else",
  );
  const request = verdict.type === "decided" ? verdict.after : expect.unreachable(verdict.code);

  const [said] = threadOf(request, [], aCluster()).filter(({ name }) => name === "reviewed");

  expect(said?.text).toMatch(/^Reviewed by <@U0APPROVER> <!date.*>: restarted checkout &amp; nothing else$/);
});

describe("where signing in is tried again", () => {
  const again = states["active, and signing in is tried again"] ?? expect.fail("there is no such state");
  const textOf = (lease: Partial<Lease>, told: readonly string[], name: string) =>
    threadOf(aLeasedRequest({ ...again.lease, ...lease }), told, aCluster()).find((entry) => entry.name === name)?.text;
  const done = { signInDueAt: null, signInTrouble: null };

  test("the thread shows at once that it is active, and why the proof is not whole", () => {
    expect(textOf({}, [], "active-unfinished")).toMatch(
      /signed in not tested\. .*\nRetrying:\n>AWS throttled sts:AssumeRole/,
    );
    expect(textOf({}, [], "active")).toBeUndefined();
  });

  test("it shows the rest when it is known", () => {
    const signedIn = { result: "yes", detail: "" } as const;

    expect(textOf({ ...done, proof: aProof({ signedIn }) }, ["active-unfinished"], "active")).toBe(
      "The proof is complete: ✓ mapped, ✓ authorized, ✓ signed in.",
    );
    expect(textOf({ ...done, proof: aProof({ signedIn }) }, [], "active")).toMatch(/^Active since/);
  });

  test("it does not tell of more tries where the lease is over, nor a second time where it is proved again", () => {
    expect(textOf({ state: "ended" }, [], "active-unfinished")).not.toContain("tried again");
    expect(textOf({ state: "ended" }, ["active-unfinished"], "active")).toBeUndefined();
    expect(textOf({}, ["active"], "active-unfinished")).toBeUndefined();
  });
});

describe("where the rights are asked for again", () => {
  const again = states["active, and its rights are asked for again"] ?? expect.fail("there is no such state");
  const textOf = (lease: Partial<Lease>, told: readonly string[]) =>
    threadOf(aLeasedRequest({ ...again.lease, ...lease }), told, aCluster())
      .map(({ text }) => text)
      .join("\n");

  test("the thread shows at once that it is active, and why the proof is not whole", () => {
    expect(textOf({}, [])).toMatch(/authorized not tested.*\nRetrying:\n>The API server asked us/);
  });

  test("it shows the answer when there is one", () => {
    expect(textOf({ reviewTrouble: null, proof: aProof() }, ["active-unfinished"])).toContain(
      "The proof is complete: ✓ mapped, ✓ authorized",
    );
  });

  test("it does not promise another try where the lease is over", () => {
    expect(textOf({ state: "ended" }, [])).not.toContain("asked for again");
  });
});

describe("the end", () => {
  const unproved = states["ended, and the API server does not answer"] ?? expect.fail("there is no such state");
  const textOf = (lease: Partial<Lease>, told: readonly string[]) =>
    threadOf(aLeasedRequest({ ...unproved.lease, ...lease }), told, aCluster()).find(({ name }) => name === "ended")
      ?.text;

  test("is reported with what is proved of it and what can't be", () => {
    expect(textOf({ endProof: anEndProof() }, [])).toMatch(
      /^Ended .*: the entry is gone from aws-auth\.\n✓ \*not mapped\*: not in aws-auth; new sign-ins are refused\n✓ \*not authorized\*: .*\nNot proved: /,
    );
  });

  test("is reported again when the API server answers after all", () => {
    expect(namesOf(unproved, [])).toContain("ended-unproved");
    expect(textOf({ endProof: anEndProof() }, ["ended-unproved"])).toMatch(/^Checked the end again:\n✓/);
    expect(textOf({}, ["ended"])).toBeUndefined();
  });
});

describe("an entry that another person removed", () => {
  const drift = { at: at(hours(1)).toISOString(), message: "the entry is gone" };
  const activeSince = at(180).toISOString();
  const gone = namesOf(aLeasedRequest({ activeSince, drift }), []);

  test("is reported again if it leaves a second time", () => {
    const again = { ...drift, at: at(hours(2)).toISOString() };

    expect(namesOf(aLeasedRequest({ activeSince, drift: again }), gone).filter((name) => !gone.includes(name))).toEqual(
      [`drift-${again.at}`],
    );
  });

  test("is reported to be back, once, and only where its absence was reported", () => {
    const back = namesOf(aLeasedRequest({ activeSince }), gone).filter((name) => !gone.includes(name));

    expect(back).toEqual([`repaired-${drift.at}`]);
    expect(namesOf(aLeasedRequest({ activeSince }), [...gone, ...back])).not.toContain(`repaired-${drift.at}`);
    expect(namesOf(aLeasedRequest({ activeSince }), [])).not.toContain(`repaired-${drift.at}`);
  });
});

test("the thread says of a revocation that the cluster could not remember until when it could be undone", () => {
  const ended = (isForgotten: boolean) => {
    const forgotten = isForgotten ? { isForgotten: true as const } : {};
    return aLeasedRequest({ state: "ended", endedAt: at(hours(1)).toISOString(), ...forgotten });
  };
  const textOf = (request: AccessRequest) =>
    threadOf(request, [], aCluster()).find(({ name }) => name === "ended")?.text;

  expect(textOf(ended(true))).toMatch(
    /The cluster may have no record of this revocation\. Until .*, anyone who writes to Redis could undo it\.\n/,
  );
  expect(textOf(ended(false))).not.toContain("remember");
});
