import { describe, expect, test } from "vitest";
import { initialAwsAuth } from "../../../sandbox/scene.ts";
import { judgeRevoke } from "../../../src/access/lease/revoke.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { aChange } from "../../builders/an-event.ts";
import { aDirectScene } from "../../fault/direct-scene.ts";
import { wishes } from "../../fault/reconcile-scene.ts";

const driftOf = async ({ ledger }: Awaited<ReturnType<typeof aDirectScene>>) =>
  (await ledger.get(wishes.long.id))?.lease?.drift?.message ?? null;

test("a lease is reported not to be in force where a person deleted the ConfigMap", async () => {
  const scene = await aDirectScene(initialAwsAuth);
  await reconcileCluster(scene.context(), scene.cluster);
  scene.aws.remove();

  await reconcileCluster(scene.context(), scene.cluster, "inspect");

  expect(await driftOf(scene)).toBe("there is no ConfigMap aws-auth");
});

test.each(["report", "repair"] as const)(
  "a lease is reported not to be in force where its section can't be read, and to be again when it can: %s",
  async (drift) => {
    const scene = await aDirectScene(initialAwsAuth, drift);
    await reconcileCluster(scene.context(), scene.cluster);
    const whole = scene.aws.awsAuth()?.data?.mapUsers ?? "";
    scene.aws.editMapUsers((text) => `${text}  - : [\n`);

    await reconcileCluster(scene.context(), scene.cluster, "inspect");
    const broken = await driftOf(scene);
    scene.aws.editMapUsers(() => whole);
    await reconcileCluster(scene.context(), scene.cluster, "inspect");

    expect(broken).toContain("mapUsers");
    expect(broken).toContain("line 6");
    expect(broken).not.toMatch(/\.$/);
    expect(await driftOf(scene)).toBeNull();
  },
);

test.each(["report", "repair"] as const)(
  "a lease is reported not to be in force in an immutable ConfigMap without its entry: %s",
  async (drift) => {
    const scene = await aDirectScene(initialAwsAuth, drift);
    await reconcileCluster(scene.context(), scene.cluster);
    scene.aws.editMapUsers(() => initialAwsAuth.mapUsers ?? "");
    scene.aws.freeze();

    await reconcileCluster(scene.context(), scene.cluster, "inspect");

    expect(await driftOf(scene)).toMatch(
      /^the entry of .* is gone; .*; the worker does not restore it: The ConfigMap aws-auth of .* is immutable\b.*[^.]$/,
    );
  },
);

test("a lease in an immutable ConfigMap that still gives it is in force, and its end waits for the repair", async () => {
  const scene = await aDirectScene(initialAwsAuth, "repair");
  await reconcileCluster(scene.context(), scene.cluster);
  scene.aws.freeze();
  scene.clock.ms += 2 * 60_000;

  await reconcileCluster(scene.context(), scene.cluster);

  expect(await driftOf(scene)).toBeNull();
  expect(await scene.ledger.get(wishes.short.id)).toMatchObject({
    trouble: { code: "document-immutable" },
    lease: { state: "active", end: { cause: "expired" } },
  });
});

test.each([
  ["the entry", () => initialAwsAuth.mapUsers ?? ""],
  ["the lease's group", (text: string) => text.replace(/^.*eks-access:viewers.*\n/m, "")],
])("a due lease ends in an immutable ConfigMap that has lost %s", async (_, edit) => {
  const scene = await aDirectScene(initialAwsAuth);
  await reconcileCluster(scene.context(), scene.cluster);
  scene.aws.editMapUsers(edit);
  scene.aws.freeze();
  const before = scene.aws.awsAuth()?.data;
  scene.clock.ms += 2 * 60_000;

  await reconcileCluster(scene.context(), scene.cluster);

  expect(before?.mapUsers ?? "").not.toContain("eks-access:viewers");
  expect(await scene.ledger.get(wishes.short.id)).toMatchObject({ trouble: null, lease: { state: "ended" } });
  expect(await scene.ledger.get(wishes.long.id)).toMatchObject({ trouble: null, lease: { state: "active" } });
  expect(scene.aws.awsAuth()?.data).toEqual(before);
});

test("an entry that others put into the other section is not reported as gone where that one can't be read", async () => {
  const scene = await aDirectScene(initialAwsAuth);
  await reconcileCluster(scene.context(), scene.cluster);
  const entry = (scene.aws.awsAuth()?.data?.mapUsers ?? "").slice((initialAwsAuth.mapUsers ?? "").length);
  scene.aws.editMapUsers(() => "");
  scene.aws.editMapRoles((text) => `${text}${entry.replace("userarn", "rolearn")}`);
  await reconcileCluster(scene.context(), scene.cluster, "inspect");
  const moved = await driftOf(scene);
  scene.aws.editMapRoles((text) => `${text}  - : [\n`);

  await reconcileCluster(scene.context(), scene.cluster, "inspect");

  expect(moved).toBeNull();
  expect(await driftOf(scene)).toMatch(/^mapRoles can't be read from line \d+ on$/);
});

test("an entry that others gave another ARN keeps the lease's groups, and the drift and the end say how to remove them", async () => {
  const scene = await aDirectScene(initialAwsAuth);
  await reconcileCluster(scene.context(), scene.cluster);
  scene.aws.editMapUsers((text) => text.replace("user/engineer", "user/renamed"));

  await reconcileCluster(scene.context(), scene.cluster, "inspect");
  const drift = await driftOf(scene);
  await revokeLong(scene);
  await reconcileCluster(scene.context(), scene.cluster);

  const how =
    "arn:aws:iam::111122223333:user/renamed has its username and eks-access:admins: if others changed its ARN, remove eks-access:admins there by hand";
  expect(drift).toMatch(new RegExp(`^the entry of .* is gone; .*; ${how}$`));
  expect((await scene.ledger.get(wishes.long.id))?.lease?.endProof?.mapped.detail).toBe(`not in aws-auth, but ${how}`);
  expect(scene.aws.awsAuth()?.data?.mapUsers).toContain("user/renamed");
});

describe("where the ConfigMap is gone and is not created again", () => {
  test("a due lease ends once, and one with time left is reported as drifted", async () => {
    const scene = await aDirectScene(initialAwsAuth);
    await reconcileCluster(scene.context(), scene.cluster);
    scene.aws.remove();
    scene.clock.ms += 2 * 60_000;

    await reconcileCluster(scene.context(), scene.cluster);
    const short = await scene.ledger.get(wishes.short.id);
    await reconcileCluster(scene.context(), scene.cluster);

    expect(short).toMatchObject({ trouble: null, lease: { state: "ended", remains: null } });
    expect(short?.lease?.isForgotten).toBe(false);
    expect(await scene.ledger.get(wishes.short.id)).toEqual(short);
    expect(await driftOf(scene)).toBe("there is no ConfigMap aws-auth");
  });

  test("a revocation says that the cluster does not remember it", async () => {
    const scene = await aDirectScene(initialAwsAuth);
    await reconcileCluster(scene.context(), scene.cluster);
    scene.aws.remove();
    await revokeLong(scene);

    await reconcileCluster(scene.context(), scene.cluster);

    expect((await scene.ledger.get(wishes.long.id))?.lease).toMatchObject({ state: "ended", isForgotten: true });
  });
});

test("a user's lease ends while the roles can't be read, and their text stays as it is, to the byte", async () => {
  const broken = '- rolearn: arn:aws:iam::111122223333:role/ops\n  username: "ops\n';
  const scene = await aDirectScene({ ...initialAwsAuth });
  await reconcileCluster(scene.context(), scene.cluster);
  scene.aws.editMapRoles(() => broken);
  scene.clock.ms += 2 * 3_600_000;

  await reconcileCluster(scene.context(), scene.cluster);

  expect((await scene.ledger.get(wishes.long.id))?.lease).toMatchObject({ state: "ended", remains: null });
  expect(scene.aws.awsAuth()?.data).toEqual({ ...initialAwsAuth, mapRoles: broken });
});

describe("what another writer undoes right after our write", () => {
  test("is not announced as active: the read-back decides, not the answer of the write", async () => {
    const scene = await aDirectScene(initialAwsAuth);

    await reconcileCluster(editedAfterWrites(scene, initialAwsAuth.mapUsers ?? ""), scene.cluster);

    expect((await scene.ledger.get(wishes.long.id))?.lease?.state).toBe("scheduled");
    expect(await eventsOf(scene)).not.toContain("lease.active");
  });

  test("is not announced as ended", async () => {
    const scene = await aDirectScene(initialAwsAuth);
    await reconcileCluster(scene.context(), scene.cluster);
    const given = scene.aws.awsAuth()?.data?.mapUsers ?? "";
    scene.clock.ms += 2 * 3_600_000;

    await reconcileCluster(editedAfterWrites(scene, given), scene.cluster);

    expect((await scene.ledger.get(wishes.long.id))?.trouble?.code).toBe("cluster-conflict");
    expect(await eventsOf(scene)).not.toContain("lease.ended");
  });
});

type Scene = Awaited<ReturnType<typeof aDirectScene>>;

const eventsOf = async ({ ledger }: Scene) => (await ledger.events(1, 1_000)).map(({ event }) => event.type);

/** A context in which someone puts this text into the document right after each write of ours. */
function editedAfterWrites({ aws, context }: Scene, text: string) {
  const usual = context();
  const openCluster: typeof usual.openCluster = async (...asked) => {
    const opened = await usual.openCluster(...asked);
    const writeAwsAuth: typeof opened.client.writeAwsAuth = async (...write) => {
      const written = await opened.client.writeAwsAuth(...write);
      aws.editMapUsers(() => text);
      return written;
    };
    return { ...opened, client: { ...opened.client, writeAwsAuth } };
  };
  return { ...usual, openCluster };
}

async function revokeLong({ ledger, cluster, clock }: Awaited<ReturnType<typeof aDirectScene>>): Promise<void> {
  const request = await ledger.get(wishes.long.id);
  const by = { user: "U0APPROVER", memberships: [] };
  const revoked = request && judgeRevoke(request, cluster, by, "", new Date(clock.ms));
  if (revoked?.type !== "decided") throw new Error("It can't be revoked.");
  await ledger.commit(aChange(revoked.after, "lease.ending"));
}
