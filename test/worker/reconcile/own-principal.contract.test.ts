import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName } from "../../../sandbox/scene.ts";
import { sealIdentities } from "../../../src/access/found-identities.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { sealLink } from "../../../src/access/seals.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { approve, ask, modesConfig, requestOf, revokeGiven } from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });

describe.each([
  { way: "aws-auth", name: clusterName },
  { way: "access-entry", name: "analytics" },
])("by $way, of an approval by a person who is linked with the principal", ({ name }) => {
  let context: WorkerContext;
  let cluster: Cluster;

  beforeEach(async () => {
    const config = modesConfig();
    cluster = clusterIn(config, name);
    context = { ...side().context(memoryLedger()), config };
    await ask(context, cluster, { id: "r-one" });
    await approve(context, cluster, "r-one");
  });

  const link = async (arn: string, sealing = keys.decision, by: string | null = "U0APPROVER") => {
    const at = context.now().toISOString();
    const seal = sealLink("U0APPROVER", arn, { by, at }, sealing);
    await context.ledger.linkPrincipal("U0APPROVER", { arn, seal });
  };

  test("nothing is written, and the approvers are asked again", async () => {
    await link(arns.engineer);

    await reconcileCluster(context, cluster);

    expect(await requestOf(context, "r-one")).toMatchObject({
      state: "pending",
      approvals: [],
      voided: { message: "its approver uses the principal that gets access" },
    });
  });

  test.each<[string, string, typeof keys.decision, string | null]>([
    ["with another principal", arns.developers, keys.decision, "U0APPROVER"],
    ["by nobody who may say so", arns.engineer, otherKeys.decision, "U0APPROVER"],
    ["by a request of their own for it alone", arns.engineer, keys.decision, null],
  ])("linked %s, it counts", async (_, arn, sealing, by) => {
    await link(arn, sealing, by);

    await reconcileCluster(context, cluster);

    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
  });

  test.each<[string, typeof keys, object]>([
    [
      "a worker found out",
      keys,
      { state: "pending", voided: { message: expect.stringContaining("its approver uses") } },
    ],
    ["another hand says", otherKeys, { state: "approved" }],
  ])("an approver whose role it is, as %s", async (_, { preview }, outcome) => {
    const settings = { region: "eu-central-1", instanceArn: "", identityStoreId: "", roleArn: "" };
    const identities = { sources: [{ type: "identity-center" as const, settings }], keepSeconds: 900 };
    const looking = { ...context, config: { ...context.config, identities } };
    await ask(looking, cluster, { id: "r-role", principal: arns.developers });
    await approve(looking, cluster, "r-role");
    const person = { userName: "approver", permissionSets: ["Developer"], roles: [arns.developers] };
    const about = { user: "U0APPROVER", email: "approver@example.com" };
    const found = { ...about, at: context.now().toISOString(), person, why: null };
    await context.ledger.rememberIdentities(sealIdentities(found, cluster, preview));

    await reconcileCluster(looking, cluster);

    expect(await requestOf(looking, "r-role")).toMatchObject(outcome);
    for (const id of ["r-one", "r-role"]) {
      if ((await requestOf(looking, id)).lease?.state === "active") await revokeGiven(looking, cluster, id);
    }
  });
});
