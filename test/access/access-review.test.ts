import { describe, expect, test } from "vitest";
import { AccessReview, accessCsv, type ReviewScope } from "../../src/access/access-review.ts";
import type { AuditEvent } from "../../src/access/audit-event.ts";
import { anEvent } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";
import { cpuTimeOf } from "../cpu-time.ts";

const always: ReviewScope = { from: null, to: null, clusters: null };

function rowsOf(events: readonly Partial<AuditEvent>[], scope = always) {
  const review = new AccessReview(scope);
  for (const event of events) review.take(anEvent({ request: "r-1", cluster: "staging", detail: {}, ...event }));
  return review.summary().rows;
}

const asked = {
  type: "request.created",
  actor: "U0ALICE",
  detail: { principal: "arn", level: "viewer", groups: ["a", "b"], reason: "look", ticket: "OPS-1", until: null },
} as const;
const approved = { type: "request.approved", actor: "U0B", detail: { approvers: ["U0A", "U0B"] } } as const;
const active = (hour = 1) => ({ type: "lease.active", actor: "worker", at: at(hours(hour)).toISOString() }) as const;
const ended = (hour = 2) => {
  return {
    type: "lease.ended",
    actor: "worker",
    at: at(hours(hour)).toISOString(),
    detail: { cause: "revoked" },
  } as const;
};

describe("a row of the review", () => {
  test("shows who had what access, who approved it and who ended it", () => {
    const ending = { type: "lease.ending", actor: "U0A" } as const;

    expect(rowsOf([asked, approved, active(), active(1.5), ending, ended()])).toEqual([
      {
        ...{ request: "r-1", cluster: "staging", requester: "U0ALICE", askedBy: "", principal: "arn", level: "viewer" },
        ...{ groups: "a b", reason: "look", ticket: "OPS-1", approvedBy: "U0A U0B", emergency: "", reviewedBy: "" },
        ...{ began: active().at, ended: ended().at, endedBy: "revoked by U0A" },
      },
    ]);
  });

  test("names the person who asked for another", () => {
    const forBob = { ...asked, detail: { ...asked.detail, requester: "U0BOB" } };

    expect(rowsOf([forBob, active()])).toMatchObject([{ requester: "U0BOB", askedBy: "U0ALICE" }]);
  });

  test("marks emergency access, and who reviewed it", () => {
    const taken = { ...asked, type: "emergency.taken" } as const;

    expect(rowsOf([taken, active(), { type: "emergency.reviewed", actor: "U0A" }])).toMatchObject([
      { requester: "U0ALICE", emergency: "emergency", approvedBy: "", reviewedBy: "U0A", ended: "" },
    ]);
  });

  test("leaves out an approval that became void", () => {
    expect(rowsOf([asked, approved, { type: "approval.void" }, active()])).toMatchObject([{ approvedBy: "" }]);
  });

  test("is absent for a request that gave no access", () => {
    expect(rowsOf([asked, approved, { type: "lease.failed" }])).toEqual([]);
  });
});

describe("the time of a review", () => {
  const lease = [asked, active(1), ended(2)];
  const within = (from: number, to: number) => rowsOf(lease, { ...always, from: at(hours(from)), to: at(hours(to)) });

  test("has what began before its end and ended after its beginning", () => {
    expect(
      [within(0, 1), within(0, 1.1), within(1.5, 1.6), within(2, 3), within(2.1, 3)].map((rows) => rows.length),
    ).toEqual([0, 1, 1, 1, 0]);
  });

  test("has what has not ended", () => {
    expect(rowsOf([asked, active(1)], { ...always, from: at(hours(9)) })).toHaveLength(1);
  });

  test("is of one cluster, if it is named", () => {
    expect(rowsOf(lease, { ...always, clusters: ["production"] })).toEqual([]);
  });
});

test("a lease that only the cluster remembered is a row from its recovery", () => {
  const people = { requester: "U0BOB", askedBy: "U0ALICE", approvers: ["U0APPROVER"], emergency: false };
  const recovered = { ...active(1), type: "lease.recovered", detail: { principal: "arn", ...people } } as const;

  expect(rowsOf([recovered, ended()])).toMatchObject([
    {
      ...{ requester: "U0BOB", askedBy: "U0ALICE", principal: "arn", approvedBy: "U0APPROVER", emergency: "" },
      ...{ began: active(1).at, ended: ended().at },
    },
  ]);
});

test("keeps only the newest of many rows, and counts all", () => {
  const review = new AccessReview(always, 2);
  const events = [3, 1, 2, 5, 4].flatMap((hour) =>
    [{ ...asked, actor: `U${hour % 2}` }, active(hour), ended(hour + 1)].map((event) => ({
      ...event,
      request: `r-${hour}`,
    })),
  );
  for (const event of events) review.take(anEvent({ cluster: "staging", detail: {}, ...event }));

  const { rows, count, people } = review.summary();

  expect([rows.map(({ request }) => request), count, people]).toEqual([["r-4", "r-5"], 5, 2]);
});

test("a cell of the CSV is quoted, and calculates nothing in a spreadsheet", () => {
  const [row = expect.fail("no row")] = rowsOf([
    { ...asked, detail: { ...asked.detail, reason: '=HYPERLINK("x"), "y"\nz' } },
    active(),
  ]);

  const [head = "", ...lines] = accessCsv([row]).split("\r\n");
  const cell = (reason: string) =>
    accessCsv([{ ...row, reason }])
      .split(",")
      .at(-8);

  expect(head).toMatch(/^request,cluster,requester,/);
  expect(["a;=1", "\uff1d1", " =1", "\ta", "a-b; c"].map(cell)).toEqual([
    "a;'=1",
    "'\uff1d1",
    "' =1",
    "'\ta",
    "a-b; c",
  ]);
  expect(lines.join("\r\n")).toContain('"\'=HYPERLINK(""x""), ""y""\nz"');
});

test("a reason of a hundred thousand lines, which Redis can have, keeps no review", () => {
  const emptied = new AccessReview({ from: null, to: null, clusters: null });
  emptied.take(anEvent({ type: "emergency.taken", detail: { reason: `${"\n".repeat(100_000)}x` } }));
  emptied.take(anEvent({ type: "lease.active" }));

  const took = cpuTimeOf(() => expect(accessCsv(emptied.summary().rows)).toContain("\nx"));

  expect(took).toBeLessThan(500);
});
