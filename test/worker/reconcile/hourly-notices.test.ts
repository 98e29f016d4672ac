import { afterEach, expect, test, vi } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import { readNotice } from "../../../src/access/shared-lists.ts";
import { adoptByTheClock } from "../../../src/worker/reconcile/adopt.ts";
import { keys } from "../../builders/keys.ts";
import { roleEntry } from "../../builders/why-facts.ts";
import { directEntries } from "../../fault/direct-entries.ts";
import { aDirectScene } from "../../fault/direct-scene.ts";

const roleOf = (suffix: string) => `arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_${suffix.repeat(16)}`;

afterEach(() => void vi.useRealTimers());

test("the hourly look reports to the operators once a permission set with two roles, sealed, with the next step, also after a failure", async () => {
  const mapRoles = `${initialAwsAuth.mapRoles}${roleEntry(roleOf("a"))}${roleEntry(roleOf("b"))}`;
  const { context, cluster, ledger } = await aDirectScene({ ...initialAwsAuth, mapRoles });
  const addNotice = () => Promise.reject(new Error("no Redis"));

  await adoptByTheClock({ ...context(), ledger: { ...ledger, addNotice } }, cluster);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  await adoptByTheClock(context(), cluster);
  await adoptByTheClock(context(), cluster);

  const notices = (await ledger.notices()).map((stored) => readNotice(stored, keys));
  expect(notices).toEqual([
    expect.objectContaining({
      title: "staging names a role that no longer exists",
      lines: [expect.stringContaining(roleOf("a")), expect.stringContaining("/eks-access repair staging <that ARN>")],
    }),
  ]);
});

test("the hourly look reports to the operators once an access entry that is older than its role", async () => {
  const { context, cluster, ledger, clock } = await aDirectScene(initialAwsAuth);
  const eks = directEntries(clock);
  const times = { [roleOf("a")]: "2026-03-02T10:00:00.000Z", [roleOf("b")]: "2026-02-01T10:00:00.000Z" };
  const rest = { arn: "theirs", type: "STANDARD", username: "dev", groups: ["readers"], policies: [], tags: {} };
  for (const principalArn of Object.keys(times))
    eks.edit(principalArn, () => ({ ...rest, principalArn, createdAt: "2026-03-01T10:00:00.000Z" }));
  const point = async () => {};
  const opens = eks.openFor({ point }, { point, join: (act) => void act() }, []);
  const openCluster: typeof opens = async (...about) => {
    const open = await opens(...about);
    const roleMadeAt = async (arn: string) => times[arn] ?? null;
    return { ...open, roleMadeAt };
  };

  await adoptByTheClock({ ...context(), openCluster }, cluster);
  await adoptByTheClock({ ...context(), openCluster }, cluster);

  const notices = (await ledger.notices()).map((stored) => readNotice(stored, keys));
  expect(notices.filter((notice) => notice?.title.includes("made again"))).toEqual([
    expect.objectContaining({
      title: "staging has an access entry of a role that was made again",
      lines: [
        expect.stringContaining(roleOf("a")),
        expect.stringContaining(`/eks-access repair staging ${roleOf("a")}`),
      ],
    }),
  ]);
});

test("a cluster whose roles are all alive is no news", async () => {
  const { context, cluster, ledger } = await aDirectScene(initialAwsAuth);

  await adoptByTheClock(context(), cluster);

  expect(await ledger.notices()).toEqual([]);
});
