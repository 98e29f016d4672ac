import fc from "fast-check";
import { expect, test } from "vitest";
import { sealWritten, withLedgerMemory } from "../../../src/access/lease/holding.ts";
import type { Holding } from "../../../src/access/lease/lease-record.ts";
import { sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import type { ApprovedRequest } from "../../../src/access/record.ts";
import { sealDecision } from "../../../src/access/seals.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLease, anApprovedRequest, digestNow, engineerArn } from "../../builders/a-request.ts";
import { keys } from "../../builders/keys.ts";
import { at, hours, minutes } from "../../builders/times.ts";
import { settled } from "./settling.ts";

/** Ahead of the worker's clock, in seconds: behind it, a little ahead, and years. */
const skew = fc.oneof(
  fc.integer({ min: -minutes(30), max: 0 }),
  fc.integer({ min: 0, max: 120 }),
  fc.integer({ min: hours(1), max: hours(24 * 365 * 50) }),
);

/** What a person makes of the record before a run: an attacker with Redis, or with the Slack process. */
const edit = fc.record({
  afterSeconds: fc.integer({ min: 1, max: hours(3) }),
  /** Approved once more, with a true seal, at a time of their own. */
  approvedAgain: fc.option(skew),
  durationSeconds: fc.option(fc.integer({ min: 60, max: hours(8) })),
  endsAt: fc.option(skew),
  isScheduled: fc.boolean(),
  isStripped: fc.boolean(),
});
type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

const asked = fc.record({ approvedAhead: skew, durationSeconds: fc.integer({ min: 60, max: hours(8) }) });

function approvedAt(record: ApprovedRequest, when: Date): ApprovedRequest {
  const [first] = record.approvals;
  if (!first) throw new Error("The builder's request is not approved.");
  const { seal: _, ...decision } = { ...first, at: when.toISOString(), digest: digestNow(record) };
  return { ...record, approvals: [sealDecision(decision, record.id, keys.decision)] };
}

const later = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1000);

function edited(record: ApprovedRequest, { approvedAgain, durationSeconds, endsAt, isScheduled }: Edit, now: Date) {
  const { lease } = record;
  const longer = durationSeconds === null ? record : { ...record, durationSeconds };
  const again = approvedAgain === null ? longer : approvedAt(longer, later(now, approvedAgain));
  const state = isScheduled ? ("scheduled" as const) : ("active" as const);
  return {
    ...again,
    lease: aLease(lease, { state, endsAt: endsAt === null ? lease.endsAt : later(now, endsAt).toISOString() }),
  };
}

const place = sealedClusterOf(aCluster());

test("a lease ends no later than its sealed duration after its first write, whatever the record says", () => {
  fc.assert(
    fc.property(asked, fc.array(edit, { maxLength: 6 }), ({ approvedAhead, durationSeconds }, edits) => {
      let now = at(minutes(5));
      let record = approvedAt(anApprovedRequest({ durationSeconds }), later(now, approvedAhead));
      let holdings: readonly Holding[] = [];
      let mapUsers: string | undefined;
      let mostEnd = Number.POSITIVE_INFINITY;
      const run = (open: ApprovedRequest, remembered: readonly Holding[]) => {
        const known = withLedgerMemory(place, remembered, [open], keys.memory);
        const memory = { holdings: [...known.holdings.values()], lost: known.lost };
        const there = mapUsers === undefined ? {} : { mapUsers };
        const { data, holdings: after, leased } = settled({ open: [open], ...there, ...memory, drift: "repair", now });
        if (holdings.length === 0 && leased.length > 0) mostEnd = now.getTime() + open.durationSeconds * 1000;
        [holdings, mapUsers] = [after, data.mapUsers];
        // As a run records what it gave: whoever edited the record before it finds the edit in there.
        const [holding] = leased.length > 0 ? after : [];
        if (!holding || !open.lease) return;
        const written = sealWritten(place, open, holding, keys.memory, "aws-auth");
        record = { ...open, lease: aLease(open.lease, { state: "active", written }) };
      };

      run(record, []);
      for (const each of edits) {
        now = later(now, each.afterSeconds);
        // Who also strips the cluster's memory is an administrator of it.
        const isHonest = each.approvedAgain === null && !each.isScheduled;
        run(edited(record, each, now), each.isStripped && isHonest ? [] : holdings);

        for (const { endsAt } of holdings.flatMap(({ shares }) => shares)) {
          expect(Date.parse(endsAt)).toBeLessThanOrEqual(mostEnd);
        }
        if (now.getTime() >= mostEnd && holdings.length === 0) expect(mapUsers ?? "").not.toContain(engineerArn);
        if (holdings.length === 0) mostEnd = Number.POSITIVE_INFINITY;
      }
    }),
  );
});
