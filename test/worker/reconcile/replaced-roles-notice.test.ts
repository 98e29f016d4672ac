import { expect, test } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import { readNotice } from "../../../src/access/audit/notice.ts";
import { adoptByTheClock } from "../../../src/worker/reconcile/adopt.ts";
import { keys } from "../../builders/keys.ts";
import { roleEntry } from "../../builders/why-facts.ts";
import { aDirectScene } from "../../fault/direct-scene.ts";

const roleOf = (suffix: string) => `arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_${suffix.repeat(16)}`;

test("the hourly look tells the operators once of a permission set with two roles, sealed, with the next step", async () => {
  const mapRoles = `${initialAwsAuth.mapRoles}${roleEntry(roleOf("a"))}${roleEntry(roleOf("b"))}`;
  const { context, cluster, ledger } = await aDirectScene({ ...initialAwsAuth, mapRoles });

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

test("a cluster whose roles are all alive is no news", async () => {
  const { context, cluster, ledger } = await aDirectScene(initialAwsAuth);

  await adoptByTheClock(context(), cluster);

  expect(await ledger.notices()).toEqual([]);
});
