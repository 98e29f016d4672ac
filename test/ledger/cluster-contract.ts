import { beforeEach, describe, expect, test } from "vitest";
import type { ClusterLedger } from "../../src/ledger/clusters.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { at } from "../builders/times.ts";

/** The ledger's memory of clusters. */
export function clusterContract(ledgerNow: () => ClusterLedger): void {
  let ledger: ClusterLedger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("a cluster that can't be worked on", () => {
    const trouble = { ...aTrouble(), since: at(0).toISOString(), configuration: "one", overAt: null };

    test("is remembered with its reason and its next try, next to usable ones", async () => {
      await ledger.setClusterTrouble("staging", trouble);

      expect(await ledger.clusterTroubles(["staging", "other"])).toEqual(new Map([["staging", trouble]]));
      expect(await ledger.clusterTroubles([])).toEqual(new Map());
    });

    test("is forgotten once it can", async () => {
      await ledger.setClusterTrouble("staging", trouble);

      await ledger.setClusterTrouble("staging", null);

      expect(await ledger.clusterTroubles(["staging"])).toEqual(new Map());
    });
  });

  test("an outage that operators heard of is the first one's until it ends, which one process learns", async () => {
    const first = { since: at(0).toISOString(), request: "r-1" };
    const begun = await ledger.beginOutage("staging", first);
    const again = await ledger.beginOutage("staging", { since: at(60).toISOString(), request: "r-2" });
    const during = await ledger.outages();

    const ended = await Promise.all([ledger.endOutage("staging"), ledger.endOutage("staging")]);

    expect([begun, again, during]).toEqual([first, first, new Map([["staging", first]])]);
    expect(ended.toSorted()).toEqual([false, true]);
    expect(await ledger.outages()).toEqual(new Map());
  });

  test("each zone has the time when it last had a worker, also the one without a name", async () => {
    await ledger.noteZone("eu-private", at(0));
    await ledger.noteZone(null, at(10));
    await ledger.noteZone("eu-private", at(60));

    const seen = await ledger.zonesSeen();

    expect([seen.get("eu-private"), seen.get(null), seen.get("other")]).toEqual([at(60), at(10), undefined]);
  });

  test("each kind of key has the one that a process last named", async () => {
    await ledger.noteKey("decision", "aaaaaaaa");
    await ledger.noteKey("preview", "bbbbbbbb");
    await ledger.noteKey("decision", "cccccccc");

    const inUse = await ledger.keysInUse();

    expect([inUse.get("decision"), inUse.get("preview"), inUse.get("memory")]).toEqual([
      "cccccccc",
      "bbbbbbbb",
      undefined,
    ]);
  });

  test("the last revert of each cluster is remembered", async () => {
    await ledger.noteReverted("staging", at(0));
    await ledger.noteReverted("staging", at(60));

    expect(await ledger.revertedAt(["staging", "other"])).toEqual(new Map([["staging", at(60)]]));
    expect(await ledger.revertedAt([])).toEqual(new Map());
  });

  test("the ledger remembers the newest sufficient approvers of each level", async () => {
    await ledger.rememberApprovers(new Map());
    await ledger.rememberApprovers(
      new Map([
        ["staging viewer", "one"],
        ["staging admin", "two"],
      ]),
    );
    await ledger.rememberApprovers(new Map([["staging viewer", "three"]]));

    expect(await ledger.approversKnown()).toEqual(
      new Map([
        ["staging viewer", "three"],
        ["staging admin", "two"],
      ]),
    );
  });

  test("of several processes with a new configuration one learns that it is new", async () => {
    const first = await ledger.exchangeConfiguration("worker", "one");
    const others = await Promise.all([1, 2, 3].map(() => ledger.exchangeConfiguration("worker", "two")));

    expect(first).toBeNull();
    expect(others.filter((before) => before === "one")).toHaveLength(1);
    expect(await ledger.exchangeConfiguration("slack", "two")).toBeNull();
  });

  test("a process that refuses its configuration is known until it follows one, or is silent for minutes", async () => {
    const refusal = (since: string, secondsAgo: number) => ({
      kind: "worker",
      since,
      seenAt: new Date(Date.now() - secondsAgo * 1000).toISOString(),
      problems: ["policy.rules[0].approvals: it is text; write a number."],
    });
    const one = refusal("2026-03-01T09:00:00Z", 60);
    await ledger.noteRefusal("worker one", one);
    await ledger.noteRefusal("worker two", refusal("2026-03-01T09:01:00Z", 0));
    await ledger.noteRefusal("worker gone", refusal("2026-03-01T08:00:00Z", 600));

    await ledger.noteRefusal("worker two", null);

    expect(await ledger.refusals(new Date())).toEqual([one]);
  });

  test("the ledger knows which clusters' own memories it has read", async () => {
    await ledger.markAdopted("staging");

    expect(await ledger.adopted(["production", "staging"])).toEqual(new Set(["staging"]));
    expect(await ledger.adopted([])).toEqual(new Set());
  });

  test("the ledger remembers when an API server last accepted an identity", async () => {
    const before = await ledger.lastAcceptedAt("https://a.example arn");

    await ledger.rememberAccepted("https://a.example arn", at(1));
    await ledger.rememberAccepted("https://a.example arn", at(2));

    expect(before).toBeNull();
    expect(await ledger.lastAcceptedAt("https://a.example arn")).toEqual(at(2));
    expect(await ledger.lastAcceptedAt("https://b.example arn")).toBeNull();
  });

  test("the ledger remembers the newest record of a cluster's creation", async () => {
    const arn = "arn:aws:eks:eu-central-1:111122223333:cluster/staging";
    const creator = "arn:aws:iam::111122223333:role/creator";
    const record = { eventId: "e-1", at: at(0).toISOString(), kind: "AssumedRole", arn: creator, invokedBy: null };
    const before = await ledger.creation(arn);
    await ledger.rememberCreation(arn, { record, seal: "one" });

    await ledger.rememberCreation(arn, { record: { ...record, eventId: "e-2" }, seal: "two" });

    expect(before).toBeNull();
    expect(await ledger.creation(arn)).toEqual({ record: { ...record, eventId: "e-2" }, seal: "two" });
    expect(await ledger.creation(`${arn}-2`)).toBeNull();
  });

  test("the ledger remembers the namespaces that a worker published last, for each cluster", async () => {
    const list = { cluster: "staging", at: at(0).toISOString(), names: ["shop"], seal: "one" };
    await ledger.rememberNamespaces(list);
    await ledger.rememberNamespaces({ ...list, names: ["shop", "payments"] });

    expect(await ledger.namespacesOf("staging")).toEqual({ ...list, names: ["shop", "payments"] });
    expect(await ledger.namespacesOf("production")).toBeNull();
  });

  test("the ledger remembers the worker's newest identity", async () => {
    const identity = { arn: "arn:aws:iam::111122223333:role/worker", account: "111122223333", at: at(0).toISOString() };
    const before = await ledger.workerIdentity();

    await ledger.setWorkerIdentity(identity);

    expect(before).toBeNull();
    expect(await ledger.workerIdentity()).toEqual(identity);
  });
}
