import { pino } from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import { type FleetCluster, type FleetList, sealFleetList } from "../../src/access/policy/fleet-list.ts";
import { type Config, readConfig } from "../../src/config/config.ts";
import { type FleetFollower, followFleet, keepsClusters } from "../../src/config/follow-fleet.ts";
import { type LiveConfig, liveConfig } from "../../src/config/live-config.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { aFleetCluster, fleetText } from "../builders/a-fleet.ts";
import { aLeasedRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { at, minutes } from "../builders/times.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";

function withFleet(clusters: readonly FleetCluster[], text = fleetText, now = at(minutes(1))): Config {
  const reading = readConfig(text, { clusters, now });
  if (reading.type === "invalid") throw new Error(reading.problems.join("\n"));
  return reading.config;
}

const rulesOf = (config: Config, name: string) => config.clusters.get(name)?.rules.map((rule) => rule.name);
const other = { account: "444455556666" };

describe("the clusters of a fleet", () => {
  test("take their templates and their rules by their tags, and their own account", () => {
    const dev = aFleetCluster({ ...other, eksName: "Shop_1", tags: { env: "dev" } });

    const config = withFleet([aFleetCluster(), dev]);

    expect(config.clusters.get("payments")).toMatchObject({
      eksName: "payments",
      creator: { roleArn: "arn:aws:iam::111122223333:role/cluster-creator" },
      ticket: { need: "required" },
      quiet: null,
    });
    expect(config.clusters.get("shop-1")).toMatchObject({
      eksName: "Shop_1",
      account: "444455556666",
      ticket: { need: "none" },
    });
    expect([rulesOf(config, "payments"), rulesOf(config, "shop-1")]).toEqual([["all"], ["dev", "all"]]);
    expect([...(config.fleet?.deciding ?? [])].sort()).toEqual(["eks-access", "env"]);
    expect(config.fleet?.rolesFor("444455556666")).toEqual([
      { roleArn: "arn:aws:iam::444455556666:role/eks-access-operator", externalId: "eks-access-fleet" },
    ]);
  });

  test("keep the rules of the tags in force while others wait", () => {
    const waiting = { tags: { env: "dev" }, since: at(0).toISOString() };

    expect(rulesOf(withFleet([aFleetCluster({ waiting })]), "payments")).toEqual(["all"]);
  });

  test.each([
    ["is gone", aFleetCluster({ goneSince: at(0).toISOString() }), 1, "AWS no longer shows it"],
    ["was not shown for an hour", aFleetCluster(), 61, "AWS has not shown it for an hour"],
  ])("one that %s takes no requests", (_, cluster, passed, quiet) => {
    const text = fleetText.replace("policy:", "policy:\n  breakGlass: [{ who: [U0ONCALL], level: viewer, for: 1h }]");

    const found = withFleet([cluster], text, at(minutes(passed))).clusters.get("payments");

    expect(found?.quiet).toBe(quiet);
    expect(found?.breakGlass === null).toBe(cluster.goneSince !== null);
  });

  test("an entry that takes its account from a template wins as well", () => {
    const text = fleetText.replace("production: {", 'production: { region: eu-central-1, account: "111122223333",');

    const config = withFleet(
      [aFleetCluster()],
      `${text}\nclusters:\n  pay: { eksName: payments, template: production }\n`,
    );

    expect([[...config.clusters.keys()], config.fleet?.problems]).toEqual([["pay"], []]);
  });

  test("an entry of the file wins over the same cluster in the fleet, with its own name too", () => {
    const entry = `\nclusters:\n  pay: { eksName: payments, region: eu-central-1, account: "111122223333", approvers: [U0ONE, U0TWO] }\n`;

    const config = withFleet([aFleetCluster()], fleetText + entry);

    expect([...config.clusters.keys()]).toEqual(["pay"]);
    expect(config.clusters.get("pay")?.approvers).toEqual(["U0ONE", "U0TWO"]);
  });

  describe("of one name", () => {
    const later = aFleetCluster({ ...other, since: at(5).toISOString() });
    const named = (clusters: readonly FleetCluster[], text = fleetText) => {
      const { clusters: found, fleet } = withFleet(clusters, text);
      return { accounts: [...found.values()].map(({ account }) => account), problems: fleet?.problems };
    };

    test("the first one keeps it, in any order, and the other one is a problem", () => {
      for (const clusters of [
        [aFleetCluster(), later],
        [later, aFleetCluster()],
      ]) {
        expect(named(clusters)).toEqual({
          accounts: ["111122223333"],
          problems: [
            expect.stringMatching(
              /^fleet: the EKS cluster payments in eu-central-1 of account 444455556666 would be payments, as another cluster\. Set fleet\.name/,
            ),
          ],
        });
      }
    });

    test("none gets it if none was first", () => {
      expect(named([aFleetCluster(), aFleetCluster(other)])).toMatchObject({ accounts: [], problems: [{}, {}] });
    });

    test("an entry of the file has it already", () => {
      const entry = `\nclusters:\n  payments: { region: eu-west-1, account: "111122223333" }\n`;

      expect(named([aFleetCluster()], fleetText + entry)).toMatchObject({ accounts: ["111122223333"], problems: [{}] });
    });

    test("each gets its own with the account in fleet.name", () => {
      const text = fleetText.replace("fleet:", 'fleet:\n  name: "{name}-{account}"');

      expect([...withFleet([aFleetCluster(), later], text).clusters.keys()]).toEqual([
        "payments-111122223333",
        "payments-444455556666",
      ]);
    });
  });

  test("one that has a problem is left out, and the others are there", () => {
    const text = fleetText.replace("{ name: all,", "{ name: all, clusters: { env: production },");
    const broken = aFleetCluster({ eksName: "broken", tags: { env: "test" } });

    const { clusters, fleet } = withFleet([aFleetCluster(), broken], text);

    expect([...clusters.keys()]).toEqual(["payments"]);
    expect(fleet?.problems).toEqual([expect.stringContaining("clusters.broken.levels[0]: no rule covers viewer here")]);
  });

  test("a template that is not there is a problem of the file, whether or not a cluster takes it", () => {
    const text = fleetText.replace("production }", "test }, template: none }\n    - { clusters: { env: production }");

    expect(readConfig(text)).toMatchObject({
      type: "invalid",
      problems: [
        "fleet.templates[0].template: there is no template none. Define it under templates, or use one of production.",
      ],
    });
  });

  test.each([
    [
      "accounts",
      fleetText.replace('["111122223333", "444455556666"]', "[12]"),
      "fleet.accounts[0]: it is a number; write the 12 digits",
    ],
    [
      "roleArn",
      fleetText.replace("role/eks-access-operator", "user/operator"),
      "fleet.roleArn: use a role's ARN, with {account}",
    ],
    ["every", fleetText.replace("fleet:", "fleet:\n  every: 2h"), "fleet.every: use 10s to 30m"],
    ["name", fleetText.replace("fleet:", "fleet:\n  name: all"), "fleet.name: use {name}"],
  ])("a mistake in %s is a problem of the file", (_, text, problem) => {
    expect(readConfig(text)).toMatchObject({ type: "invalid", problems: [expect.stringContaining(problem)] });
  });
});

describe("following the list in the ledger", () => {
  let ledger: Ledger;
  let live: LiveConfig;
  let follower: FleetFollower;

  const publish = (list: FleetList, by = keys) => ledger.publishFleet(sealFleetList(list, by.preview), null);
  const listAt = (seconds: number, ...clusters: readonly FleetCluster[]): FleetList => ({
    at: at(seconds).toISOString(),
    clusters,
  });
  const names = () => [...live.current().clusters.keys()];

  beforeEach(() => {
    ledger = memoryLedger();
    const now = () => at(minutes(10));
    live = liveConfig({ text: fleetText, config: withFleet([]) }, now);
    live.refuseIf(keepsClusters(ledger), "fleet");
    follower = followFleet({ ledger, keys: keys.preview, live, log: pino({ level: "silent" }), now });
  });

  test("a new list puts its clusters into the configuration", async () => {
    await publish(listAt(1, aFleetCluster()));
    await follower.look();
    const first = live.current();
    await publish(listAt(2, aFleetCluster(), aFleetCluster({ eksName: "shop" })));
    await follower.look();

    expect([...first.clusters.keys()]).toEqual(["payments"]);
    expect(names()).toEqual(["payments", "shop"]);
  });

  test.each([
    ["an older one", () => publish(listAt(1, aFleetCluster({ tags: { env: "dev" } })))],
    ["one that no worker sealed", () => publish(listAt(9, aFleetCluster({ tags: { env: "dev" } })), otherKeys)],
  ])("%s does not count", async (_, forge) => {
    await publish(listAt(5, aFleetCluster()));
    await follower.look();

    await forge();
    await follower.look();

    expect(rulesOf(live.current(), "payments")).toEqual(["all"]);
    expect(follower.list()?.at).toBe(at(5).toISOString());
  });

  test("one without a cluster where a lease is not over does not count", async () => {
    await publish(listAt(1, aFleetCluster()));
    await follower.look();
    await ledger.commit(aChange(aLeasedRequest({}, { id: "r-1", version: 1, cluster: "payments" })));

    await publish(listAt(2));
    await follower.look();
    const during = names();
    const offer = await live.offer(
      fleetText
        .replace("fleet:", "x-fleet:")
        .replace("clusters: { env: dev }, ", "")
        .concat(`\nclusters:\n  shop: { region: eu-west-1, account: "111122223333" }\n`),
    );

    expect([during, names()]).toEqual([["payments"], ["payments"]]);
    expect(offer).toMatchObject({ problems: [expect.stringContaining("r-1 has not ended there")] });
  });

  test("beside another mistake, a cluster with a lease is named only where the text has no fleet any more", async () => {
    await publish(listAt(1, aFleetCluster()));
    await follower.look();
    await ledger.commit(aChange(aLeasedRequest({}, { id: "r-1", version: 1, cluster: "payments" })));
    const wrong = "timing: { sweepEvery: [] }\n";
    const withoutFleet = fleetText
      .replace("fleet:", "x-fleet:")
      .replace("clusters: { env: dev }, ", "")
      .concat(`\nclusters:\n  shop: { region: eu-west-1, account: "111122223333" }\n`);
    const problemsOf = async (text: string) => {
      const offer = await live.offer(text);
      return offer.type === "refused" ? offer.problems : [];
    };

    expect(await problemsOf(wrong + fleetText)).toEqual([expect.stringMatching(/^timing\.sweepEvery: /)]);
    expect(await problemsOf(wrong + fleetText.replace("accounts:", "account:"))).not.toContainEqual(
      expect.stringContaining("r-1"),
    );
    expect(await problemsOf(wrong + withoutFleet)).toEqual([
      expect.stringMatching(/^timing\.sweepEvery: /),
      expect.stringContaining("clusters.payments: it would be removed, but r-1 has not ended there"),
    ]);
  });

  test("a new text that puts a cluster of the fleet out is refused with the reason", async () => {
    await publish(listAt(1, aFleetCluster()));
    await follower.look();

    const offer = await live.offer(fleetText.replace("levels: [viewer, admin]", "levels: [viewer, none]"));

    expect(offer).toMatchObject({ type: "refused", problems: [expect.stringContaining("there is no level none")] });
    expect(names()).toEqual(["payments"]);
  });

  test("a new text that puts a cluster of the fleet out is refused with its other mistakes too", async () => {
    await publish(listAt(1, aFleetCluster()));
    await follower.look();

    const offer = await live.offer(
      fleetText
        .replace("{ name: all,", "{ name: all, clusters: { env: dev }, permanent: 1,")
        .replace("fleet:", "fleet:\n  every: 1s"),
    );

    expect(offer).toMatchObject({
      problems: [
        "fleet.every: use 10s to 30m.",
        "policy.rules[1].permanent: it is a number; write true or false.",
        expect.stringContaining("clusters.payments.levels[0]: no rule covers viewer here."),
        expect.stringContaining("clusters.payments.levels[1]: no rule covers admin here."),
      ],
    });
  });
});
