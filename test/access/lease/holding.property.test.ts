import fc from "fast-check";
import { expect, test } from "vitest";
import { baseOf, entryTarget } from "../../../src/access/lease/holding.ts";
import type { Holding, MappedIdentity, Share } from "../../../src/access/lease/lease-record.ts";
import { engineerArn as arn } from "../../builders/a-request.ts";
import { aShare } from "../../builders/a-share.ts";

/** The document's entry, our memory of it, and the entry as it would be without us. */
interface World {
  entry: MappedIdentity | null;
  holding: Holding | undefined;
  shares: readonly Share[];
  theirs: MappedIdentity | null;
}

type Step = (world: World) => World;

const username = "eks-access:111122223333:engineer";
const group = fc.constantFrom("a", "b", "c", "d", "e");
const groups = fc.uniqueArray(group, { maxLength: 3 });

/** One run of the worker: the entry becomes its target. */
function reconcile(world: World, shares: readonly Share[]): World {
  const { change, holding } = entryTarget(arn, world.entry, world.holding, shares, username);
  const entry = change.type === "unmap" ? null : { username: change.username, groups: change.groups };
  return { ...world, entry, holding: holding ?? undefined, shares };
}

const lease = fc.record({ id: fc.constantFrom("r-1", "r-2", "r-3", "r-4"), groups }).map(
  (share): Step =>
    (world) =>
      reconcile(world, [...world.shares.filter((each) => each.id !== share.id), aShare(share)]),
);

const end = fc.constantFrom("r-1", "r-2", "r-3", "r-4").map(
  (id): Step =>
    (world) =>
      reconcile(
        world,
        world.shares.filter((each) => each.id !== id),
      ),
);

/** Others add a group that the entry does not have: it is theirs from then on. */
const foreignGroup = group.map(
  (added): Step =>
    (world) => {
      if (!world.entry || world.entry.groups.includes(added)) return world;
      const theirs = world.theirs ?? { username: world.entry.username, groups: [] };
      return {
        ...world,
        entry: { ...world.entry, groups: [...world.entry.groups, added] },
        theirs: { ...theirs, groups: [...theirs.groups, added] },
      };
    },
);

/** Others remove a group of their own again. */
const foreignRemoval = (hadEntry: boolean) =>
  group.map(
    (removed): Step =>
      (world) => {
        if (!world.entry || !world.theirs?.groups.includes(removed)) return world;
        const without = (each: MappedIdentity) => ({ ...each, groups: each.groups.filter((one) => one !== removed) });
        const theirs = without(world.theirs);
        const entry = without(world.entry);
        // Once all our leases have ended, what is left of the entry is theirs, an empty one too, also under later leases.
        const isGone = theirs.groups.length === 0 && !hadEntry && world.holding?.entryAdded === true;
        const after = { ...world, entry, theirs: isGone ? null : theirs };
        // A reader of the document can't tell an empty entry that we once added from nothing.
        return isGone && entry.groups.length === 0 ? reconcile(after, after.shares) : after;
      },
  );

const start = fc.option(groups.map((own) => ({ username: "dev", groups: own })));

const story = start.chain((entry) =>
  fc.tuple(
    fc.constant(entry),
    fc.array(fc.oneof(lease, lease, end, foreignGroup, foreignRemoval(entry !== null)), { maxLength: 12 }),
  ),
);

function play([entry, steps]: readonly [MappedIdentity | null, readonly Step[]]): World {
  const world: World = { entry, holding: undefined, shares: [], theirs: entry };
  return steps.reduce((now, step) => step(now), world);
}

test("after each run an entry is its base and the union of its leases' groups, without any group twice", () => {
  fc.assert(
    fc.property(story, (played) => {
      const before = play(played);

      const after = reconcile(before, before.shares);

      const wanted = new Set([...(after.theirs?.groups ?? []), ...after.shares.flatMap((share) => share.groups)]);
      expect([...(after.entry?.groups ?? [])].sort()).toEqual([...wanted].sort());
    }),
    { numRuns: 500 },
  );
});

test("when all leases have ended the entry is exactly what it would be if we had never been", () => {
  fc.assert(
    fc.property(story, (played) => {
      const world = play(played);

      const after = reconcile(world, []);

      expect(after.entry).toEqual(world.theirs);
      expect(after.holding).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test("in whatever order leases end, the same is left after each of them", () => {
  fc.assert(
    fc.property(start, fc.array(groups, { minLength: 2, maxLength: 4 }), (entry, wishes) => {
      const shares = wishes.map((wish, index) => aShare({ id: `r-${index}`, groups: wish }));
      const world = reconcile({ entry, holding: undefined, shares: [], theirs: entry }, shares);

      const forwards = shares.reduce((now, { id }) => reconcile(now, without(now.shares, id)), world);
      const backwards = shares.reduceRight((now, { id }) => reconcile(now, without(now.shares, id)), world);

      expect(forwards.entry).toEqual(entry);
      expect(backwards.entry).toEqual(entry);
    }),
  );
});

test("a run that is repeated changes nothing", () => {
  fc.assert(
    fc.property(story, (played) => {
      const world = play(played);
      const once = reconcile(world, world.shares);

      expect(reconcile(once, once.shares)).toEqual(once);
    }),
  );
});

test("the base, on which the digest rests, does not depend on what others were given", () => {
  fc.assert(
    fc.property(story, (played) => {
      const before = play(played);
      const world = reconcile(before, before.shares);

      expect(baseOf(world.entry, world.holding)?.groups ?? null).toEqual(world.theirs?.groups ?? null);
    }),
  );
});

function without(shares: readonly Share[], id: string): readonly Share[] {
  return shares.filter((share) => share.id !== id);
}
