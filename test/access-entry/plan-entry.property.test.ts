import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entryTarget } from "../../src/access/lease/holding.ts";
import type { Holding, Share } from "../../src/access/lease/lease-record.ts";
import { accessPolicies, covers, kubernetesGroups, policyTexts } from "../../src/access/policy/policy-text.ts";
import {
  type AccessEntry,
  identityOfEntry,
  readHoldingTags,
  writeHoldingTags,
} from "../../src/access-entry/entry-tags.ts";
import { type EntryCall, isAsPlanned, planEntry, refuseEntry } from "../../src/access-entry/plan-entry.ts";
import { aShare } from "../builders/a-share.ts";
import { keys } from "../builders/keys.ts";
import { at, minutes } from "../builders/times.ts";
import { stories } from "../form.ts";
import { afterCall, principalArn, throughCalls } from "./entry-model.ts";

const cluster = "analytics";
const username = "eks-access:111122223333:engineer";

/** Few groups and policies, so that leases and others often give the same. */
const gifts = [
  "readers",
  "writers",
  "admins",
  "policy AmazonEKSViewPolicy",
  "policy AmazonEKSViewPolicy in payments",
  "policy AmazonEKSViewPolicy in search",
  "policy AmazonEKSEditPolicy in payments",
] as const;

const someGifts = (minLength: number) => fc.subarray([...gifts], { minLength });

/** The leases before and after. What each gives stays the same. */
const leases = fc
  .array(fc.record({ groups: someGifts(1), isBefore: fc.boolean(), isAfter: fc.boolean() }), { maxLength: 5 })
  .map((all) => {
    const shares = all.map((each, index) => ({
      ...each,
      share: aShare({ id: `r-${index}`, groups: each.groups.sort() }),
    }));
    const sharesOf = (some: typeof shares): readonly Share[] => some.map(({ share }) => share);
    return {
      before: sharesOf(shares.filter(({ isBefore }) => isBefore)),
      after: sharesOf(shares.filter(({ isAfter }) => isAfter)),
    };
  });

/** An entry of others; null: none. */
const others = fc.option(someGifts(0), { freq: 3 }).map((given): AccessEntry | null => {
  if (!given) return null;
  const [groups, policies] = [kubernetesGroups(given), accessPolicies(given)];
  return { principalArn, arn: "entry", type: "STANDARD", username: "theirs", groups, policies, tags: { team: "sre" } };
});

/** A run's plan: our part by the tags, and the calls to the wanted entry. */
function planned(entry: AccessEntry | null, wanted: readonly Share[], now = at(0)) {
  const { held, openSince } = claimIn(entry);
  const target = entryTarget(principalArn, identityOfEntry(entry, held), held, wanted, username);
  const situation = { cluster, principalArn, entry, held, openSince, now };
  const calls = planEntry(situation, target, keys.memory);
  return {
    calls,
    states: throughCalls(entry, calls),
    isRefused: refuseEntry(principalArn, entry, target) !== null,
    isAsPlanned: (found: AccessEntry | null) => isAsPlanned(situation, target, keys.memory, found),
  };
}

/** Late enough that no earlier call can still arrive. */
const later = at(minutes(10));

function claimIn(entry: AccessEntry | null): { readonly held: Holding | undefined; readonly openSince: string | null } {
  const reading = entry && readHoldingTags(cluster, principalArn, entry, keys.memory);
  if (reading?.type === "untrusted") throw new Error(reading.message);
  if (reading?.type !== "holding") return { held: undefined, openSince: null };
  return { held: reading.holding, openSince: reading.openSince };
}

const lastOf = (states: readonly (AccessEntry | null)[]) => states.at(-1) ?? null;
const givenBy = (entry: AccessEntry | null) => (entry ? [...entry.groups, ...entry.policies.flatMap(policyTexts)] : []);
const groupsOfAll = (all: readonly Share[]) => all.flatMap(({ groups }) => groups);

/** An entry of others, leases, others' edits of our part, and later leases. */
const situations = fc
  .record({ first: others, leased: leases, added: someGifts(0), taken: someGifts(0) })
  .map(({ first, leased: { before, after }, added, taken }) => {
    const given = planned(first, before);
    const { start, theirs } = edited(
      lastOf(given.states),
      givenBy(first),
      kubernetesGroups(added),
      kubernetesGroups(taken),
    );
    const next = planned(start, after);
    const isRefused = given.isRefused || next.isRefused;
    return {
      start,
      theirs,
      after,
      before,
      hadEntry: first !== null,
      calls: next.calls,
      states: next.states,
      isAsPlanned: next.isAsPlanned,
      isRefused,
    };
  })
  .filter(({ isRefused }) => !isRefused);

/** Others add new parts, and remove some of ours. */
function edited(
  entry: AccessEntry | null,
  theirs: readonly string[],
  added: readonly string[],
  taken: readonly string[],
): { readonly start: AccessEntry | null; readonly theirs: readonly string[] } {
  if (!entry) return { start: null, theirs };
  const left = entry.groups.filter((group) => theirs.includes(group) || !taken.includes(group));
  const more = added.filter((group) => !entry.groups.includes(group));
  return { start: { ...entry, groups: [...left, ...more] }, theirs: [...theirs, ...more] };
}

/** What an entry gives, in any order. */
const given = (entry: AccessEntry | null) =>
  entry && { groups: entry.groups.toSorted(), policies: accessPolicies(entry.policies.flatMap(policyTexts)) };

/** The parts of an entry that count, whenever it was made. */
const summary = (entry: AccessEntry | null) => {
  if (!entry) return null;
  const tags = Object.keys(entry.tags).toSorted();
  return { ...given(entry), username: entry.username, tags, claim: claimIn(entry) };
};

/** What neither others gave nor a lease claims in the tags. */
function unclaimedIn(entry: AccessEntry | null, theirs: readonly string[]): readonly string[] {
  const { held } = claimIn(entry);
  const ours = givenBy(entry).filter((each) => !covers(theirs, each));
  const isClaimed = (each: string) => covers(held?.added ?? [], each) && covers(groupsOfAll(held?.shares ?? []), each);
  return ours.filter((each) => !isClaimed(each));
}

const runs = stories({ short: 100, long: 500 });

/** The tags of another run while its calls are under way. */
const claimed = (entry: AccessEntry) => {
  const claim = { arn: principalArn, entryAdded: true, added: ["readers"], shares: [aShare({ id: "r-other" })] };
  return {
    ...entry,
    tags: {
      ...entry.tags,
      ...writeHoldingTags(cluster, claim, keys.memory, { madeAt: at(0).toISOString(), openSince: at(0).toISOString() }),
    },
  };
};

describe("with any entries of others, and any leases that begin and end", () => {
  test("the entry is as planned after the last call, and not before it, nor where another run claims something", () => {
    fc.assert(
      fc.property(situations, ({ states, isAsPlanned }) => {
        const end = lastOf(states);

        expect(states.map((state) => isAsPlanned(state))).toEqual(
          states.map((_, index) => index === states.length - 1),
        );
        if (end) expect(isAsPlanned(claimed(end))).toBe(false);
        if (end) expect(isAsPlanned({ ...end, tags: { ...end.tags, theirs: "too" } })).toBe(true);
      }),
      runs,
    );
  });

  test("an entry has what others gave and what its leases give, and nothing else", () => {
    fc.assert(
      fc.property(situations, ({ states, theirs, after, hadEntry }) => {
        const end = lastOf(states);
        const wanted = [...theirs, ...groupsOfAll(after)];

        expect(new Set(end?.groups)).toEqual(new Set(kubernetesGroups(wanted)));
        expect(accessPolicies(givenBy(end))).toEqual(accessPolicies(wanted));
        if (hadEntry) expect(end).toMatchObject({ username: "theirs", tags: { team: "sre" } });
        else expect(end === null).toBe(wanted.length === 0);
      }),
      runs,
    );
  });

  test("each call keeps what others gave", () => {
    fc.assert(
      fc.property(situations, ({ states, theirs }) => {
        for (const entry of states) expect(theirs.filter((each) => !covers(givenBy(entry), each))).toEqual([]);
      }),
      runs,
    );
  });

  test("the tags claim everything of ours before it is there, until it is gone", () => {
    fc.assert(
      fc.property(situations, ({ states, theirs }) => {
        for (const entry of states) expect(unclaimedIn(entry, theirs)).toEqual([]);
      }),
      runs,
    );
  });

  test("an entry that is already as wanted needs no call", () => {
    fc.assert(
      fc.property(situations, ({ states, after }) => {
        expect(planned(lastOf(states), after).calls).toEqual([]);
      }),
      runs,
    );
  });

  test("a plan that stops anywhere, again and again, ends like an uninterrupted one", () => {
    fc.assert(
      fc.property(situations, fc.array(fc.nat(8), { maxLength: 3 }), ({ start, states, after }, cuts) => {
        const left = cuts.reduce<AccessEntry | null>((entry, cut) => {
          const { states: some } = planned(entry, after);
          return some[Math.min(cut, some.length - 1)] ?? null;
        }, start);

        expect(givenBy(lastOf(planned(left, after).states)).toSorted()).toEqual(givenBy(lastOf(states)).toSorted());
        expect(summary(lastOf(planned(left, after, later).states))).toEqual(summary(lastOf(states)));
      }),
      runs,
    );
  });

  test("a call that arrives after other runs leaves nothing unclaimed, and is removed in the end", () => {
    fc.assert(
      fc.property(situations, fc.nat(8), ({ start, states, calls, theirs, before }, cut) => {
        const unanswered = calls[cut];
        const meanwhile = lastOf(planned(states[cut] ?? start, before, at(minutes(1))).states);
        const isOfWhatIsGiven = (call: EntryCall) => /^(?:set-groups|associate|disassociate)$/.test(call.type);
        fc.pre(meanwhile !== null && unanswered !== undefined && isOfWhatIsGiven(unanswered));
        const arrived = unanswered ? afterCall(meanwhile, unanswered) : meanwhile;
        const wanted = lastOf(planned(start, before).states);

        expect(unclaimedIn(arrived, theirs)).toEqual([]);
        expect(summary(lastOf(planned(arrived, before, later).states))).toEqual(summary(wanted));
      }),
      runs,
    );
  });

  test("the tags without a lease are empty", () => {
    fc.assert(
      fc.property(situations, ({ states, after }) => {
        if (after.length === 0) expect(claimIn(lastOf(states)).held).toBeUndefined();
        else expect(claimIn(lastOf(states)).held?.shares).toEqual(after);
      }),
      runs,
    );
  });
});

test("the call that makes an entry claims the calls after it as open: a worker can die between them", () => {
  const [first] = planned(null, [aShare({ groups: ["readers", "policy AmazonEKSViewPolicy"] })]).calls;

  const tags = first?.type === "create" ? first.entry.tags : {};
  expect(
    claimIn({ principalArn, arn: "entry", type: "STANDARD", username, groups: [], policies: [], tags }),
  ).toMatchObject({ openSince: at(0).toISOString() });
});
