import { describe, expect, test } from "vitest";
import {
  approvedShare,
  dueWork,
  hasDueWork,
  idsOf,
  isOverInCluster,
  isTooOldToBegin,
  lastUnanswered,
  orphanedShares,
  sealedEnd,
  sharesToKeep,
} from "../../../src/access/lease/cluster-leases.ts";
import type { Share } from "../../../src/access/lease/lease-record.ts";
import type { ApprovedRequest } from "../../../src/access/record.ts";
import { aLeasedRequest, anApprovedRequest, engineerArn } from "../../builders/a-request.ts";
import { aHolding, aShare } from "../../builders/a-share.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const end = at(minutes(2) + hours(4));
const now = at(minutes(3));
const aRescue = { level: "rescue", emergency: { review: null, remindAt: "", reminders: 0, as: [] } } as const;
const revoked = { cause: "revoked", by: "U0ONCALL", at: now.toISOString(), why: "" } as const;

/** The one of the three lists that has a request. */
function placeOf(request: ApprovedRequest, when = now): string {
  const { beginning, ending, inForce } = dueWork([request], when);
  const places = { arriving: beginning, leaving: ending, staying: inForce };
  return Object.entries(places)
    .filter(([, requests]) => requests.length > 0)
    .map(([name]) => name)
    .join(" and ");
}

describe("of the open requests of a cluster", () => {
  test.each<[string, ApprovedRequest, Date, string]>([
    ["an approved one arrives", anApprovedRequest(), now, "arriving"],
    ["an approved one that came too late leaves", anApprovedRequest(), end, "leaving"],
    ["an active one stays until its end", aLeasedRequest({ state: "active" }), new Date(end.getTime() - 1), "staying"],
    ["an active one leaves at its end", aLeasedRequest({ state: "active" }), end, "leaving"],
    ["a revoked one leaves at once", aLeasedRequest({ state: "active", end: revoked }), now, "leaving"],
    ["a rescue is in no document", { ...aLeasedRequest({ state: "active" }), ...aRescue }, end, ""],
    ["one revoked before it was written leaves", aLeasedRequest({ state: "scheduled", end: revoked }), now, "leaving"],
  ])("%s", (_, request, when, place) => {
    expect(placeOf(request, when)).toBe(place);
  });

  test("a lease with an end changed in Redis ends when its sealed approval says", () => {
    const moved = aLeasedRequest({ state: "active", endsAt: at(hours(1_000)).toISOString() });

    expect(placeOf(moved, end)).toBe("leaving");
  });
});

describe("a run has nothing to do", () => {
  test("while all that is due is postponed", () => {
    const postponed = { ...anApprovedRequest(), trouble: aTrouble({ retryAt: at(minutes(5)).toISOString() }) };

    const before = hasDueWork(dueWork([postponed], now), now);
    const then = hasDueWork(dueWork([postponed], now), at(minutes(5)));

    expect(before).toBe(false);
    expect(then).toBe(true);
  });

  test("for active leases", () => {
    expect(hasDueWork(dueWork([aLeasedRequest({ state: "active" })], now), now)).toBe(false);
  });
});

describe("an approval of which nothing has been written", () => {
  const approvedAt = minutes(2);
  const isTooOld = (passed: number, goodFor: number) =>
    isTooOldToBegin(anApprovedRequest({ durationSeconds: hours(48) }), goodFor, at(approvedAt + passed));

  test("is too old when it is no longer good", () => {
    expect([isTooOld(hours(1), hours(1)), isTooOld(hours(1) + 1, hours(1))]).toEqual([false, true]);
  });

  test("is too old after eight hours however long it is good: its approvers may have left", () => {
    expect([isTooOld(hours(8), hours(24)), isTooOld(hours(8) + 1, hours(24))]).toEqual([false, true]);
  });
});

describe("the end of a lease", () => {
  test("counts from the approval", () => {
    expect(sealedEnd(anApprovedRequest())).toBe(end.toISOString());
  });

  test("counts from the newest approval, in whatever order Redis has them", () => {
    const request = anApprovedRequest();
    const later = request.approvals.map((each) => ({ ...each, at: at(minutes(9)).toISOString() }));

    for (const approvals of [
      [...request.approvals, ...later],
      [...later, ...request.approvals],
    ])
      expect(sealedEnd({ ...request, approvals })).toBe(at(minutes(9) + hours(4)).toISOString());
  });

  test("without an approval is the beginning: nothing was ever given", () => {
    expect(sealedEnd({ ...anApprovedRequest(), approvals: [] })).toBe(at(0).toISOString());
  });

  test("is what the cluster itself remembers, where that is earlier than what Redis says", () => {
    const active = aLeasedRequest({ state: "active" });
    const over = aHolding({ shares: [aShare({ endsAt: now.toISOString() })] });

    const isOver = isOverInCluster(new Map([[engineerArn.toLowerCase(), over]]), active, now);

    expect(isOver).toBe(true);
  });

  test("is not that of another lease, which is over", () => {
    const over = aShare({ id: "r-0", endsAt: now.toISOString() });
    const of = (...shares: readonly Share[]) => new Map([[engineerArn.toLowerCase(), aHolding({ shares })]]);

    for (const holdings of [of(over), of(over, aShare({ endsAt: end.toISOString() }))])
      expect(isOverInCluster(holdings, aLeasedRequest({ state: "active" }), now)).toBe(false);
  });

  test("stays what the approval says where the cluster remembers the same", () => {
    const active = aLeasedRequest({ state: "active" });
    const held = aHolding({ shares: [approvedShare(active, now)] });

    const isOver = isOverInCluster(new Map([[engineerArn.toLowerCase(), held]]), active, now);

    expect(isOver).toBe(false);
  });
});

describe("a share that only the cluster remembers", () => {
  const holding = aHolding({ shares: [aShare({ id: "r-1" }), aShare({ id: "r-lost" })] });

  test("has no open request", () => {
    expect(orphanedShares(holding, idsOf([anApprovedRequest()])).map(({ id }) => id)).toEqual(["r-lost"]);
  });

  test("is kept until its end, and not one moment longer", () => {
    const orphans = [aShare({ id: "r-lost", endsAt: end.toISOString() })];

    expect(sharesToKeep(orphans, new Set(), new Date(end.getTime() - 1))).toEqual(orphans);
    expect(sharesToKeep(orphans, new Set(), end)).toEqual([]);
  });

  test("is not kept where the ledger knows that it is over", () => {
    expect(sharesToKeep([aShare({ id: "r-1" })], new Set(["r-1"]), now)).toEqual([]);
  });
});

test("a share says whose it is, who asked, and whether it is an emergency", () => {
  const asked = anApprovedRequest({ askedBy: "U0ONCALL" });

  expect(approvedShare(asked, now)).toMatchObject({ requester: "U0ENGINEER", askedBy: "U0ONCALL", emergency: false });
  expect(approvedShare(anApprovedRequest(), now)).not.toHaveProperty("askedBy");
  expect(approvedShare(anEmergency(), now)).toMatchObject({ requester: "U0ENGINEER", emergency: true });
});

test("a lease ends at most its duration after its first write, also where the worker's clock is behind", () => {
  const first = approvedShare(anApprovedRequest(), at(minutes(1.5)));

  expect(first.endsAt).toBe(at(minutes(1.5) + hours(4)).toISOString());
  expect(approvedShare(anApprovedRequest(), now, first).endsAt).toBe(first.endsAt);
});

describe("the lease of an extension", () => {
  const until = at(hours(5)).toISOString();
  const extension = anApprovedRequest({ extends: "r-0", until, durationSeconds: hours(5) });

  test("ends at its own time, however late it is approved or written", () => {
    const [approval] = extension.approvals;
    const late = { ...extension, approvals: approval ? [{ ...approval, at: at(hours(4)).toISOString() }] : [] };

    expect(sealedEnd(extension)).toBe(until);
    expect(sealedEnd(late)).toBe(until);
    expect(approvedShare(late, at(hours(4) + 59)).endsAt).toBe(until);
    expect(extension.lease?.endsAt).toBe(until);
  });

  test("ends at its own time where the worker's clock is behind that of the Slack process", () => {
    expect(approvedShare(extension, at(-50)).endsAt).toBe(until);
  });

  test("is over when its time has passed", () => {
    expect(placeOf(extension, at(hours(5)))).toBe("leaving");
    expect(placeOf(extension, at(hours(5) - 1))).toBe("arriving");
  });

  test("is never longer than its duration from the approval, whatever its end says", () => {
    const forged = { ...extension, until: at(hours(10_000)).toISOString() };

    expect(sealedEnd(forged)).toBe(at(minutes(2) + hours(5)).toISOString());
  });
});

const future = "2099-01-01T00:00:00.000Z";

describe("the last unanswered call of a lease", () => {
  const endedInFuture = { ...revoked, at: future };

  test.each<[string, ApprovedRequest, Date | null]>([
    ["is none, where none was sent again", aLeasedRequest({ state: "active" }), null],
    ["is that of its record", aLeasedRequest({ state: "active", sentAgainAt: now.toISOString() }), now],
    ["is none, where its record names the future", aLeasedRequest({ state: "active", sentAgainAt: future }), null],
    ["is none, where no write began", aLeasedRequest({ state: "scheduled" }), null],
    ["is its revocation", aLeasedRequest({ state: "scheduled", writeBegan: at(60).toISOString(), end: revoked }), now],
    ["is its end, at the latest", aLeasedRequest({ state: "scheduled", writeBegan: now.toISOString() }), end],
    ["began in no future", aLeasedRequest({ state: "scheduled", writeBegan: future }), end],
    [
      "is its sealed end, where its record ends it in the future",
      aLeasedRequest({ state: "scheduled", writeBegan: now.toISOString(), end: endedInFuture }),
      end,
    ],
  ])("%s", (_, request, last) => {
    expect(lastUnanswered(request, new Date(end.getTime() + 3_600_000))).toEqual(last);
  });
});
