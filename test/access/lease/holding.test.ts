import { describe, expect, test } from "vitest";
import { baseOf, changeInDocument, entryTarget } from "../../../src/access/lease/holding.ts";
import type { MappedIdentity } from "../../../src/access/lease/lease-record.ts";
import { engineerArn as arn } from "../../builders/a-request.ts";
import { aHolding, aShare } from "../../builders/a-share.ts";

const username = "eks-access:111122223333:engineer";
const viewers = aShare();
const admins = aShare({ id: "r-2", groups: ["eks-access:admins"] });

/** The entry that a target leaves in the document. */
function entryAfter({ change }: ReturnType<typeof entryTarget>): MappedIdentity | null {
  return change.type === "unmap" ? null : { username: change.username, groups: change.groups };
}

describe("a lease", () => {
  test("for a principal without an entry adds one, which is ours", () => {
    const target = entryTarget(arn, null, undefined, [viewers], username);

    expect(target).toEqual({
      change: { type: "map", arn, username, groups: ["eks-access:viewers"] },
      holding: { arn, entryAdded: true, added: ["eks-access:viewers"], shares: [viewers] },
    });
  });

  test("for a principal with an entry keeps its username and its groups, in their order", () => {
    const entry = { username: "dev", groups: ["z", "a"] };

    const target = entryTarget(arn, entry, undefined, [viewers], username);

    expect(entryAfter(target)).toEqual({ username: "dev", groups: ["z", "a", "eks-access:viewers"] });
    expect(target.holding).toMatchObject({ entryAdded: false, added: ["eks-access:viewers"] });
  });

  test("of what the entry already has adds nothing that an end could remove", () => {
    const entry = { username: "dev", groups: ["eks-access:viewers"] };

    const target = entryTarget(arn, entry, undefined, [viewers], username);

    expect(entryAfter(target)).toEqual(entry);
    expect(target.holding).toMatchObject({ added: [], shares: [viewers] });
  });
});

describe("leases that overlap", () => {
  const first = entryTarget(arn, null, undefined, [viewers], username);
  const both = entryTarget(arn, entryAfter(first), first.holding ?? undefined, [viewers, admins], username);

  test("give the union of their groups", () => {
    expect(entryAfter(both)?.groups).toEqual(["eks-access:viewers", "eks-access:admins"]);
  });

  test("end apart: the end of one leaves the other's groups", () => {
    const rest = entryTarget(arn, entryAfter(both), both.holding ?? undefined, [admins], username);

    expect(entryAfter(rest)).toEqual({ username, groups: ["eks-access:admins"] });
    expect(rest.holding?.added).toEqual(["eks-access:admins"]);
    expect(changeInDocument(rest, both.holding ?? undefined)).toMatchObject({ isPartly: true });
    expect(changeInDocument(first, undefined)).toMatchObject({ isPartly: true });
  });

  test("with the same group keep it until the last of them ends", () => {
    const again = aShare({ id: "r-3" });
    const two = entryTarget(arn, entryAfter(first), first.holding ?? undefined, [viewers, again], username);

    const one = entryTarget(arn, entryAfter(two), two.holding ?? undefined, [again], username);
    const none = entryTarget(arn, entryAfter(one), one.holding ?? undefined, [], username);

    expect(entryAfter(one)?.groups).toEqual(["eks-access:viewers"]);
    expect(entryAfter(none)).toBeNull();
  });
});

describe("the end", () => {
  test("of an entry that is ours removes it, but not the groups that others added to it", () => {
    const foreign = { username, groups: ["eks-access:viewers", "from-terraform"] };

    const alone = entryTarget(arn, { username, groups: ["eks-access:viewers"] }, aHolding(), [], username);
    const shared = entryTarget(arn, foreign, aHolding(), [], username);

    expect(alone).toEqual({ change: { type: "unmap", arn }, holding: null });
    expect(entryAfter(shared)).toEqual({ username, groups: ["from-terraform"] });
  });

  test("of an entry of others takes our groups alone, also where that leaves it without groups", () => {
    const holding = aHolding({ entryAdded: false });

    const target = entryTarget(arn, { username: "dev", groups: ["eks-access:viewers"] }, holding, [], username);

    expect(entryAfter(target)).toEqual({ username: "dev", groups: [] });
  });

  test("of an entry that others removed meanwhile has nothing to do", () => {
    expect(entryAfter(entryTarget(arn, null, aHolding(), [], username))).toBeNull();
  });

  test.each([
    ["without groups, for a binding to its name", []],
    ["with the lease's group", ["eks-access:viewers"]],
  ])("keeps an entry that others made in the place of ours, %s", (_, groups) => {
    const target = entryTarget(arn, { username: "alice", groups }, aHolding(), [], username);

    expect(entryAfter(target)).toEqual({ username: "alice", groups: [] });
  });

  test("removes our entry too after others had a group in it for a while", () => {
    const withTheirs = { username, groups: ["eks-access:viewers", "theirs"] };
    const shares = [viewers, admins];
    const while_ = entryTarget(arn, withTheirs, aHolding(), shares, username);
    const withoutTheirs = { username, groups: ["eks-access:viewers", "eks-access:admins"] };

    const end = entryTarget(arn, withoutTheirs, while_.holding ?? undefined, [], username);

    expect(entryAfter(end)).toBeNull();
  });
});

describe("the base", () => {
  test("is the entry where nothing of it is ours", () => {
    const entry = { username: "dev", groups: ["a", "a", "b"] };

    expect(baseOf(entry, undefined)).toEqual(entry);
  });

  test("is nothing where there is no entry, or the whole entry is ours", () => {
    expect(baseOf(null, undefined)).toBeNull();
    expect(baseOf(null, aHolding())).toBeNull();
    expect(baseOf({ username, groups: ["eks-access:viewers"] }, aHolding())).toBeNull();
  });
});
