import { DeleteAccessEntryCommand, UpdateAccessEntryCommand, UpdateClusterConfigCommand } from "@aws-sdk/client-eks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { aClusterWithEntries, type ClusterWithEntries, clusterName } from "./a-cluster-with-entries.ts";
import { whoAmI } from "./clients.ts";

// Copies: EKS User Guide, "Set cluster authentication mode", "Create access entries", "Migrating existing aws-auth ConfigMap
// entries to access entries", "Legacy cluster access configuration".

let on: ClusterWithEntries;
beforeAll(async () => {
  on = await aClusterWithEntries();
});
beforeEach(() => on.reset());
afterAll(() => on.people.stop());

describe("an access entry", () => {
  it("lets its principal in, as the username and groups that it has", async () => {
    await on.give({ username: "dev", kubernetesGroups: ["viewers"] });

    const { core } = await on.dev();

    expect(await on.whoIsDev()).toEqual({ username: "dev", groups: ["viewers", "system:authenticated"] });
    expect((await core.listPodForAllNamespaces()).items.length).toBeGreaterThan(2);
  });

  it("names a user by its ARN and a role by its session, where it has no name of its own", async () => {
    await on.give();
    await on.give({ principalArn: on.people.ops });
    const role = await whoAmI(await on.people.as(on.people.ops, "someone@example.com"));

    expect((await on.whoIsDev())?.username).toBe(on.people.dev);
    expect(role?.username).toBe("arn:aws:sts::111122223333:assumed-role/ops/someone-example.com");
  });

  it("fills in the name of a session, raw too", async () => {
    await on.give({ principalArn: on.people.ops, username: "ops:{{SessionNameRaw}}" });

    expect((await whoAmI(await on.people.as(on.people.ops, "a@b")))?.username).toBe("ops:a@b");
  });

  it("overrides aws-auth until it is deleted", async () => {
    await on.map("by-document");
    const before = await on.whoIsDev();
    await on.give({ username: "by-entry" });
    const during = await on.whoIsDev();
    await on.eks.send(new DeleteAccessEntryCommand({ clusterName, principalArn: on.people.dev }));

    expect([before?.username, during?.username]).toEqual(["by-document", "by-entry"]);
    expect((await on.whoIsDev())?.username).toBe("by-document");
  });

  it("takes effect after a while, as do its changes and its end", async () => {
    on.people.aws.eks.entryDelayMs = 10_000;
    const principalArn = on.people.dev;

    await on.give({ username: "first" });
    const atOnce = await on.whoIsDev();
    on.people.aws.clock.pass(11);
    const later = await on.whoIsDev();
    await on.eks.send(new UpdateAccessEntryCommand({ clusterName, principalArn, username: "second" }));
    const stillFirst = await on.whoIsDev();
    on.people.aws.clock.pass(11);
    const changed = await on.whoIsDev();
    await on.eks.send(new DeleteAccessEntryCommand({ clusterName, principalArn }));
    const stillIn = await on.whoIsDev();
    on.people.aws.clock.pass(11);

    expect(atOnce).toBeUndefined();
    expect([later, stillFirst, changed, stillIn].map((each) => each?.username)).toEqual([
      "first",
      "first",
      "second",
      "second",
    ]);
    expect(await on.whoIsDev()).toBeUndefined();
  });

  it("takes effect in the order of the changes, whatever each of them takes", async () => {
    on.people.aws.eks.entryDelayMs = 10_000;
    await on.give({ username: "first" });
    on.people.aws.eks.entryDelayMs = 1_000;
    await on.eks.send(new UpdateAccessEntryCommand({ clusterName, principalArn: on.people.dev, username: "second" }));

    on.people.aws.clock.pass(2);
    const early = await on.whoIsDev();
    on.people.aws.clock.pass(10);

    expect(early).toBeUndefined();
    expect((await on.whoIsDev())?.username).toBe("second");
  });

  it("is of one principal, not of another that is made under the same ARN", async () => {
    const { account } = on.people.aws;
    const principalArn = account.addRole({ name: "short-lived" }).arn;
    await on.give({ principalArn, username: "first" });
    const first = await whoAmI(await on.people.as(principalArn));
    account.removeIdentity(principalArn);
    account.addRole({ name: "short-lived" });

    expect(first?.username).toBe("first");
    expect(await whoAmI(await on.people.as(principalArn))).toBeUndefined();
  });
});

describe("the mode", () => {
  it("CONFIG_MAP knows no entries", async () => {
    await on.give({ username: "by-entry" });
    on.mode("CONFIG_MAP");

    expect(await on.whoIsDev()).toBeUndefined();
  });

  it("API knows no document", async () => {
    await on.map("by-document");
    on.mode("API");

    expect(await on.whoIsDev()).toBeUndefined();
  });

  it("with entries lets the creator in by its entry alone", async () => {
    const { core } = await on.people.as(on.people.creator);
    const by = await whoAmI(await on.people.as(on.people.creator));
    const pods = await core.listPodForAllNamespaces();
    await on.eks.send(new DeleteAccessEntryCommand({ clusterName, principalArn: on.people.creator }));

    expect(by?.username).toBe("arn:aws:sts::111122223333:assumed-role/creator/someone-example.com");
    expect(by?.groups).toEqual(["system:authenticated"]);
    expect(pods.items.length).toBeGreaterThan(2);
    expect(await whoAmI(await on.people.as(on.people.creator))).toBeUndefined();
  });

  it("is switched without a change of the document", async () => {
    on.mode("CONFIG_MAP");
    await on.map("by-document");
    const before = on.people.cluster.awsAuth();
    const accessConfig = { authenticationMode: "API_AND_CONFIG_MAP" as const };
    await on.eks.send(new UpdateClusterConfigCommand({ name: clusterName, accessConfig }));
    on.people.aws.clock.pass(60);

    expect((await on.whoIsDev())?.username).toBe("by-document");
    expect(on.people.cluster.awsAuth()).toEqual(before);
  });
});
