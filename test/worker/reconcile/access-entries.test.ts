import { pino } from "pino";
import { Registry } from "prom-client";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { account, arns, clusterArn, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { type Cluster, sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import { dueAt } from "../../../src/access/request.ts";
import { type AccessEntry, readHoldingTags, writeHoldingTags } from "../../../src/access-entry/index.ts";
import type { AccessEntries } from "../../../src/aws/access-entries.ts";
import { finishedCalls } from "../../../src/operations/announcements.ts";
import { createLog, FailureLog } from "../../../src/operations/log.ts";
import { createWorkerMetrics } from "../../../src/operations/metrics.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import {
  approve,
  ask,
  dyingBefore,
  give,
  later,
  modesConfig,
  type Outside,
  outsideEntries,
  outsideOf,
  requestOf,
  revokeGiven,
  revokeOnly,
} from "./both-ways.ts";
import { entriesOf } from "./entries-of.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer } = arns;
const viewers = "eks-access:viewers";
let context: WorkerContext;
let analytics: Cluster;
let outside: Outside;

function use(change?: (text: string) => string): void {
  const config = modesConfig(change);
  context = { ...side().context(memoryLedger()), config };
  analytics = clusterIn(config, "analytics");
}

beforeEach(() => {
  use();
  outside = outsideEntries(side().sandbox, analytics);
});

/** An approved request of a person whose entry is there already, and is not ours. */
async function approveForReader(): Promise<void> {
  await outside.edit(engineer, ["readers"]);
  await ask(context, analytics, { id: "r-one" });
  await approve(context, analytics, "r-one");
}

function minutesLater(minutes: number): WorkerContext {
  return { ...context, now: () => new Date(Date.now() + minutes * 60_000) };
}

/** Opens a cluster of which one kind of call to EKS never arrives, and is never answered. */
function withoutAnswer(call: "create" | "setGroups"): typeof openCluster {
  return async (...args) => {
    const open = await openCluster(...args);
    const lost = () => Promise.reject(new AccessError("aws-unreachable", "AWS did not answer"));
    return { ...open, entries: open.entries && { ...open.entries, [call]: lost } };
  };
}

describe("a level with an access policy", () => {
  test("is given for its namespaces, admitted by the cluster, and removed", async () => {
    const { sandbox } = side();
    const given = await give(context, analytics, { id: "r-one", level: "peek" });

    expect(given.preview?.diff).toContain("+policy: AmazonEKSViewPolicy in default");
    expect(await outside.given(engineer)).toEqual(["policy AmazonEKSViewPolicy in default"]);
    await expect.poll(async () => (await sandbox.getPods("U0ENGINEER", "analytics")).ok).toBe(true);
    await revokeGiven(context, analytics, "r-one");
    expect(await outside.given(engineer)).toBeNull();
  });

  test("is proved as mapped, and as not tested where a review can't see", async () => {
    const { lease } = await give(context, analytics, { id: "r-one", level: "peek" });

    expect(lease?.proof?.mapped.detail).toMatch(
      /AmazonEKSViewPolicy in default, seen in the access entries after \d+ ms$/,
    );
    expect(lease?.proof?.entryArn).toBe(engineer);
    expect(lease?.proof?.authorized).toEqual({
      result: "not tested",
      detail:
        "a review asks about a Kubernetes username, and can't see the access policies of an IAM principal. Only the principal can test this: kubectl auth can-i list pods -n default",
    });
  });

  test("keeps the scope that another lease still needs", async () => {
    await give(context, analytics, { id: "r-peek", level: "peek" });
    await give(context, analytics, { id: "r-all", level: "everywhere" });
    expect(await outside.given(engineer)).toEqual(["policy AmazonEKSViewPolicy"]);

    await reconcileCluster(context, analytics, "inspect");
    expect((await requestOf(context, "r-peek")).lease?.drift).toBeNull();
    await revokeGiven(context, analytics, "r-all");
    expect(await outside.given(engineer)).toEqual(["policy AmazonEKSViewPolicy in default"]);
  });

  test("is not given where others have the policy for some namespaces, which the end would take from them", async () => {
    const entries = entriesOf(side().sandbox, analytics);
    await outside.edit(engineer, []);
    await entries.associate(engineer, { name: "AmazonEKSViewPolicy", namespaces: ["theirs"] });

    expect((await ask(context, analytics, { id: "r-all", level: "everywhere" })).refusal?.code).toBe("policy-scope");
    await give(context, analytics, { id: "r-peek", level: "peek" });
    await revokeGiven(context, analytics, "r-peek");
    expect(await outside.given(engineer)).toEqual(["policy AmazonEKSViewPolicy in theirs"]);
  });

  test("is refused on a cluster that takes aws-auth", async () => {
    const staging = clusterIn(context.config, clusterName);

    const asked = await ask(context, staging, { id: "r-one", level: "peek" });
    expect(asked.refusal?.code).toBe("policy-in-aws-auth");
    expect(asked.refusal?.message).toMatch(/Ask for a level with groups, or an operator for its access entry\.$/);
  });
});

describe("what EKS would refuse is refused before any approver sees it:", () => {
  test("system:masters, with what to use instead", async () => {
    const { refusal } = await ask(context, analytics, { id: "r-one", level: "masters" });

    expect(refusal).toMatchObject({ code: "masters-by-entry" });
    expect(refusal?.message).toContain("AmazonEKSClusterAdminPolicy");
  });

  test("the role of nodes", async () => {
    const { refusal } = await ask(context, analytics, { id: "r-one", principal: arns.node });

    expect(refusal?.code).toBe("entry-of-node");
  });

  test("a service-linked role", async () => {
    const principal = `arn:aws:iam::${account}:role/AWSServiceRoleForAmazonEKS`;

    expect((await ask(context, analytics, { id: "r-one", principal })).refusal?.code).toBe("service-linked-role");
  });
});

describe("a cluster that reads both", () => {
  const checkout = () => clusterIn(context.config, "checkout");
  const mapOfCheckout = () =>
    side().asCreator(checkout(), async (client) => (await client.readAwsAuth())?.data.mapUsers ?? "");

  test("gives an entry to a person without one", async () => {
    const given = await give(context, checkout(), { id: "r-one" });

    expect(given.preview?.way).toBe("access-entry");
    expect(given.lease?.state).toBe("active");
    expect(await outsideEntries(side().sandbox, checkout()).given(engineer)).toEqual([viewers]);
    expect((await revokeGiven(context, checkout(), "r-one")).lease?.state).toBe("ended");
  });

  test("gives by aws-auth where the configuration says so, and to a person with an entry by that", async () => {
    use((text) => text.replaceAll("    channel:", "    way: aws-auth\n    channel:"));
    const entries = outsideEntries(side().sandbox, checkout());

    expect((await give(context, checkout(), { id: "r-one" })).preview?.way).toBe("aws-auth");
    expect(await entries.given(engineer)).toBeNull();
    await revokeGiven(context, checkout(), "r-one");
    await entries.edit(engineer, ["readers"]);
    expect((await give(context, checkout(), { id: "r-two" })).preview?.way).toBe("access-entry");
    await revokeGiven(context, checkout(), "r-two");
    expect(await entries.given(engineer)).toEqual(["readers"]);
  });

  test("announces no lease by aws-auth for a person whose access entry others make meanwhile: that counts alone", async () => {
    use((text) => text.replaceAll("    channel:", "    way: aws-auth\n    channel:"));
    const entries = outsideEntries(side().sandbox, checkout());
    const onStrike = () => entries.edit(engineer, ["readers"]);
    side().sandbox.faults.plan("kubernetes.dry-run-configmap", { type: "watch" }, { onStrike });

    const { lease, trouble } = await give(context, checkout(), { id: "r-one" });

    expect(lease?.state).toBe("scheduled");
    expect(trouble?.message).toContain(`Another writer made the access entry of ${engineer}`);
    await reconcileCluster(minutesLater(2), checkout());
    expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", voided: { by: ["U0APPROVER"] } });
    expect(await mapOfCheckout()).not.toContain(engineer);
    expect(await entries.given(engineer)).toEqual(["readers"]);
  });

  test("leaves nothing in aws-auth of a lease whose person got an access entry of others, although they strip its annotation", async () => {
    use((text) => text.replaceAll("    channel:", "    way: aws-auth\n    channel:"));
    await give(context, checkout(), { id: "r-one" });
    await outsideEntries(side().sandbox, checkout()).edit(engineer, ["readers"]);
    await side()
      .sandbox.clusters.get("checkout")
      ?.editAwsAuth((map) => ({ ...map, metadata: {} }));

    expect((await revokeGiven(context, checkout(), "r-one")).lease?.state).toBe("ended");

    expect(await mapOfCheckout()).not.toContain(engineer);
  });

  test("announces no end while aws-auth keeps its groups beside an access entry of others", async () => {
    use((text) => text.replaceAll("    channel:", "    way: aws-auth\n    channel:"));
    await give(context, checkout(), { id: "r-one" });
    await outsideEntries(side().sandbox, checkout()).edit(engineer, ["readers"]);
    side().sandbox.faults.plan("kubernetes.replace-configmap", { type: "cut-before" }, { times: 9 });

    const ending = await revokeGiven(context, checkout(), "r-one");

    expect(await mapOfCheckout()).toContain(engineer);
    expect(ending).toMatchObject({ lease: { state: "active" }, trouble: { code: "cluster-unreachable" } });
  });

  test("announces a lease by aws-auth, written once, only when EKS lists the access entries, which delays no end", async () => {
    use((text) => text.replaceAll("    channel:", "    way: aws-auth\n    channel:"));
    await give(context, checkout(), { id: "r-over", principal: arns.onCall });
    await ask(context, checkout(), { id: "r-one" });
    await approve(context, checkout(), "r-one");
    await revokeOnly(context, "r-over");
    const headers = { "x-amzn-errortype": "AccessDeniedException" };
    const refused = { type: "answer", status: 403, headers, body: "{}" } as const;
    side().sandbox.faults.plan("eks.ListAccessEntries", refused, { nth: 2 });

    await reconcileCluster(context, checkout());

    expect(await mapOfCheckout()).toContain(engineer);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("scheduled");
    expect((await requestOf(context, "r-over")).lease?.state).toBe("ended");
    await reconcileCluster(minutesLater(2), checkout());
    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
  });

  test("leaves a person in aws-auth who is mapped there: an entry would hide all of it", async () => {
    const given = await give(context, checkout(), { id: "r-one", principal: arns.admins });

    expect(given.preview?.way).toBe("aws-auth");
    expect(given.lease?.proof?.mapped.detail).toContain("system:masters");
  });
});

test("an immutable aws-auth delays no lease by an access entry", async () => {
  const checkout = clusterIn(context.config, "checkout");
  const opens = async (...args: Parameters<typeof openCluster>) => {
    const { client, ...open } = await openCluster(...args);
    const readAwsAuth = async () => {
      const configMap = await client.readAwsAuth();
      return configMap && { ...configMap, immutable: true };
    };
    return { ...open, client: { ...client, readAwsAuth } };
  };
  const here = { ...context, openCluster: opens };

  expect((await ask(here, checkout, { id: "r-two", principal: arns.admins })).refusal?.code).toBe("document-immutable");
  expect((await give(here, checkout, { id: "r-one" })).lease?.state).toBe("active");
  await revokeGiven(here, checkout, "r-one");
});

describe("a run for one lease", () => {
  test("leaves the entry of another lease unread, and an inspection sees what others did to it", async () => {
    const described: string[] = [];
    const watched: typeof openCluster = async (...args) => {
      const open = await openCluster(...args);
      const { entries } = open;
      const describe = async (arn: string) => {
        described.push(arn);
        return entries ? entries.describe(arn) : null;
      };
      return { ...open, entries: entries && { ...entries, describe } };
    };
    await give(context, analytics, { id: "r-one" });
    await outside.edit(engineer, ["readers"]);
    await ask(context, analytics, { id: "r-two", principal: arns.developers });
    await approve(context, analytics, "r-two");

    await reconcileCluster({ ...context, openCluster: watched }, analytics);
    expect((await requestOf(context, "r-two")).lease?.state).toBe("active");
    expect(described).not.toContain(engineer);
    expect((await requestOf(context, "r-one")).lease?.drift).toBeNull();
    await reconcileCluster(context, analytics, "inspect");
    expect((await requestOf(context, "r-one")).lease?.drift?.message).toContain("lacks eks-access:viewers");
  });
});

describe("a mode that changes under a lease", () => {
  const staging = () => clusterIn(context.config, clusterName);
  const switchTo = (authenticationMode: "API" | "API_AND_CONFIG_MAP") =>
    side().sandbox.aws.updateCluster(clusterArn(clusterName), { authenticationMode });
  const allowEntries = () => {
    const { aws } = side().sandbox;
    const allowed = aws.account.identity(arns.creator)?.allow ?? [];
    aws.account.setAllowed(arns.creator, [...allowed, "eks:*"]);
  };

  test("is reported as drift, and the end is an end", async () => {
    allowEntries();
    await give(context, staging(), { id: "r-one" });
    switchTo("API");

    await reconcileCluster(context, staging(), "inspect");
    expect((await requestOf(context, "r-one")).lease?.drift?.message).toContain("it is in aws-auth");
    expect((await revokeGiven(context, staging(), "r-one")).lease?.state).toBe("ended");
  });

  test("is no drift's cause where the cluster still reads aws-auth, which lost the entry, as after a rescue", async () => {
    allowEntries();
    await give(context, staging(), { id: "r-one" });
    switchTo("API_AND_CONFIG_MAP");
    side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: initialAwsAuth }));

    await reconcileCluster(context, staging(), "inspect");

    const { message } = (await requestOf(context, "r-one")).lease?.drift ?? {};
    expect(message).toBe(`the entry of ${engineer} is gone; the cluster does not say who removed it`);
  });

  test("is given again as an entry where the configuration says so", async () => {
    use((text) => text.replaceAll("    channel:", "    drift: repair\n    channel:"));
    await give(context, staging(), { id: "r-one" });
    switchTo("API");

    await reconcileCluster(context, staging(), "inspect");
    const entries = outsideEntries(side().sandbox, staging());
    expect(await entries.given(engineer)).toEqual([viewers]);
    expect((await requestOf(context, "r-one")).lease).toMatchObject({ drift: null, written: { way: "access-entry" } });
    await revokeGiven(context, staging(), "r-one");
    expect(await entries.given(engineer)).toBeNull();
  });

  test("makes an approval void that was given for the other way", async () => {
    await ask(context, staging(), { id: "r-one" });
    await approve(context, staging(), "r-one");
    switchTo("API");

    await reconcileCluster(context, staging());
    expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
  });
});

test.each(["describe", "tag"] as const)(
  "an entry that a person changes after our %s and before our write is read again, and theirs stays",
  async (call) => {
    await approveForReader();
    let isChanged = false;
    const opens = async (...args: Parameters<typeof openCluster>) => {
      const open = await openCluster(...args);
      if (!open.entries) return open;
      const { entries } = open;
      const changed = async () => {
        if (!isChanged) await outside.edit(engineer, ["readers", "writers"]);
        isChanged = true;
      };
      const describe: AccessEntries["describe"] = (arn) =>
        entries.describe(arn).finally(call === "describe" ? changed : null);
      const tag: AccessEntries["tag"] = (...given) => entries.tag(...given).finally(call === "tag" ? changed : null);
      return { ...open, entries: { ...entries, describe, tag } };
    };
    await reconcileCluster({ ...context, openCluster: opens, pause: async () => {} }, analytics);

    expect(isChanged).toBe(true);
    expect(await outside.given(engineer)).toEqual(["readers", "writers"]);
  },
);

test("a write that EKS does not show yet takes nothing from another lease of the entry", async () => {
  await give(context, analytics, { id: "r-one" });
  await ask(context, analytics, { id: "r-two", level: "admin" });
  await approve(context, analytics, "r-two");
  const stale: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const before = await open.entries?.describe(engineer);
    return { ...open, entries: open.entries && { ...open.entries, describe: async () => before ?? null } };
  };

  await reconcileCluster({ ...context, openCluster: stale, pause: async () => {} }, analytics);

  expect((await requestOf(context, "r-two")).trouble?.code).toBe("access-entry-conflict");
  expect(await outside.given(engineer)).toContain(viewers);
});

test("an end reads the entry again until EKS shows the write, which can be later", async () => {
  await ask(context, analytics, { id: "r-one" });
  await approve(context, analytics, "r-one");
  await reconcileCluster(context, analytics);
  const stale: AccessEntry[] = [];
  const opens = async (...args: Parameters<typeof openCluster>) => {
    const open = await openCluster(...args);
    if (!open.entries) return open;
    const { entries } = open;
    const remove = async (arn: string) => {
      const before = await entries.describe(arn);
      await entries.remove(arn);
      if (before) stale.push(before, before);
    };
    const describe = async (arn: string) => stale.pop() ?? entries.describe(arn);
    return { ...open, entries: { ...entries, remove, describe } };
  };
  await revokeOnly(context, "r-one");

  await reconcileCluster({ ...context, openCluster: opens, pause: async () => {} }, analytics);

  expect(stale).toEqual([]);
  expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", remains: null });
});

test("tags that a person edited are not believed, and what the record remembers ends with its lease", async () => {
  const entries = entriesOf(side().sandbox, analytics);
  await outside.edit(engineer, ["readers"]);
  await give(context, analytics, { id: "r-one" });
  const entry = await entries.describe(engineer);
  if (!entry) throw new Error("there is no entry");
  await entries.tag(entry, { "eks-access/held-00": "bm8" });

  await reconcileCluster(context, analytics, "inspect");
  const events = await context.ledger.events(1, 1000);
  expect(events.map(({ event }) => event.type)).toContain("annotation.refused");
  await revokeGiven(context, analytics, "r-one");
  expect(await outside.given(engineer)).toEqual(["readers"]);
});

test.each(["readers", null])(
  "an ended lease's tags, copied to a later entry that gives the same group, take nothing of it: before there was %s",
  async (before) => {
    const entries = entriesOf(side().sandbox, analytics);
    const afterwards = later(context, 600);
    await outside.edit(engineer, before === null ? null : [before]);
    await give(context, analytics, { id: "r-one" });
    const { tags = {} } = (await entries.describe(engineer)) ?? {};
    await revokeGiven(context, analytics, "r-one");
    if (before !== null) await outside.edit(engineer, null);
    await entries.create({ principalArn: engineer, username: "eks-access:theirs", groups: [viewers], tags });
    const made = side().sandbox.aws.cluster(clusterArn("analytics"))?.accessEntries ?? [];
    for (const each of made) if (each.principalArn === engineer) Object.assign(each, { createdAt: afterwards.now() });

    await adoptCluster(afterwards, analytics);
    await reconcileCluster(afterwards, analytics, "inspect");

    expect(await outside.given(engineer)).toEqual([viewers]);
  },
);

test.each([["readers"], null])(
  "a lease ends although a person stripped the tags of its entry, of which %s was there before",
  async (theirs) => {
    const entries = entriesOf(side().sandbox, analytics);
    const groups = theirs && [theirs].flat();
    await outside.edit(engineer, groups);
    await give(context, analytics, { id: "r-one" });
    const entry = await entries.describe(engineer);
    if (!entry) throw new Error("there is no entry");
    await entries.untag(entry, Object.keys(entry.tags));

    await reconcileCluster(context, analytics, "inspect");
    await revokeGiven(context, analytics, "r-one");

    expect(await outside.given(engineer)).toEqual(groups);
  },
);

test("a role is given access by its path, which the configuration names and no one has to type", async () => {
  use((text) => text.replaceAll("    channel:", "    accessEntries: { rolePaths: [/nowhere/, /team/] }\n    channel:"));
  const { arn } = side().sandbox.aws.account.addRole({ name: "team-developers", path: "/team/" });
  const principal = `arn:aws:iam::${account}:role/team-developers`;

  expect((await give(context, analytics, { id: "r-one", principal })).lease?.state).toBe("active");
  expect(await outside.given(arn)).toEqual([viewers]);
  await revokeGiven(context, analytics, "r-one");
  expect(await outside.given(arn)).toBeNull();
});

test("a role's lease ends although EKS does not list its access entry yet", async () => {
  use((text) => text.replaceAll("    channel:", "    accessEntries: { rolePaths: [/team/] }\n    channel:"));
  const { arn } = side().sandbox.aws.account.addRole({ name: "team-late", path: "/team/" });
  await give(context, analytics, { id: "r-one", principal: `arn:aws:iam::${account}:role/team-late` });
  const opens = async (...args: Parameters<typeof openCluster>) => {
    const open = await openCluster(...args);
    return { ...open, entries: open.entries && { ...open.entries, list: async () => [] } };
  };

  await revokeOnly(context, "r-one");
  await reconcileCluster({ ...context, openCluster: opens }, analytics);

  expect([(await requestOf(context, "r-one")).lease?.state, await outside.given(arn)]).toEqual(["ended", null]);
});

test.each(["revoked", "over"])(
  "an entry that its proof saw is looked for over a minute before its lease is %s, and again when EKS can't answer with an old list",
  async (how) => {
    await give(context, analytics, { id: "r-one" });
    const blind: typeof openCluster = async (...args) => {
      const open = await openCluster(...args);
      const { entries } = open;
      return { ...open, entries: entries && { ...entries, list: async () => [], describe: async () => null } };
    };
    const add = vi.spyOn(context.queues.clusters, "add");
    if (how === "revoked") await revokeOnly(context, "r-one");
    const states: (string | undefined)[] = [];
    const began = how === "revoked" ? 0 : 3_601;

    for (const seconds of [0, 5, 10, 15, 23, 39, 71]) {
      await reconcileCluster({ ...later(context, began + seconds), openCluster: blind }, analytics);
      states.push((await requestOf(context, "r-one")).lease?.state);
    }

    expect(states).toEqual([...Array(6).fill("active"), "ended"]);
    const looks = add.mock.calls.map(([type, , options]) => [type, options?.delay]);
    expect(looks.filter(([type]) => type === "adopt")).toEqual([
      ["adopt", 91_000],
      ["adopt", 421_000],
    ]);

    await adoptCluster(context, analytics);
    expect(await outside.given(engineer)).toBeNull();
  },
);

test("a role of Identity Center is given access by its path, which no one configures", async () => {
  const name = "AWSReservedSSO_Developer_0123456789abcdef";
  const { arn } = side().sandbox.aws.account.addRole({ name, path: "/aws-reserved/sso.amazonaws.com/eu-central-1/" });
  const principal = `arn:aws:iam::${account}:role/${name}`;

  expect((await give(context, analytics, { id: "r-one", principal })).lease?.state).toBe("active");
  expect(await outside.given(arn)).toEqual([viewers]);
});

test("an approval that is void after a run that died is asked for again, and not only when its lease is over", async () => {
  await approveForReader();
  await reconcileCluster({ ...context, openCluster: withoutAnswer("setGroups") }, analytics);
  await outside.edit(engineer, ["readers", "writers"]);

  await reconcileCluster(context, analytics, "inspect");
  expect((await requestOf(context, "r-one")).trouble?.code).toBe("access-entry-late");
  await reconcileCluster(minutesLater(8), analytics);
  expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
  expect(await outside.given(engineer)).toEqual(["readers", "writers"]);
});

test("and so it is where a person deleted the entry meanwhile, which shows no call any more", async () => {
  await approveForReader();
  await reconcileCluster({ ...context, openCluster: withoutAnswer("setGroups") }, analytics);
  await outside.edit(engineer, ["readers", "writers"]);
  await reconcileCluster(context, analytics, "inspect");
  await outside.edit(engineer, null);

  await reconcileCluster(minutesLater(5), analytics, "inspect");
  expect((await requestOf(context, "r-one")).trouble?.code).toBe("access-entry-late");
  await reconcileCluster(minutesLater(8), analytics, "inspect");
  expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
  expect(await outside.given(engineer)).toBeNull();
});

test("an approval that is void is asked for again only when what was written by it is gone", async () => {
  await approveForReader();
  await reconcileCluster(dyingBefore("lease.active", context), analytics);
  await outside.edit(engineer, [viewers, "readers", "writers"]);

  await reconcileCluster({ ...context, openCluster: withoutAnswer("setGroups") }, analytics, "adopt");
  expect(await requestOf(context, "r-one")).toMatchObject({ state: "approved", trouble: { code: "aws-unreachable" } });
  expect(await outside.given(engineer)).toContain(viewers);
  await reconcileCluster(context, analytics, "adopt");
  expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
  expect(await outside.given(engineer)).toEqual(["readers", "writers"]);
});

test("a process that stood still after it made its plan reads again before it sends anything", async () => {
  await approveForReader();
  let [looks, stoodMs] = [0, 0];
  const openCluster = outside.afterReading(engineer, async () => {
    looks += 1;
    // The first look is the plan's, and the second one right before the first call.
    if (looks === 2) stoodMs = 61_000;
  });
  const metrics = createWorkerMetrics(new Registry());
  const now = () => new Date(Date.now() + stoodMs);
  await reconcileCluster({ ...context, openCluster, metrics, now, pause: async () => {} }, analytics);

  expect((await metrics.conflicts.get()).values).toMatchObject([{ value: 1 }]);
  expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
  expect(await outside.given(engineer)).toEqual([viewers, "readers"].toSorted());
});

test.each([
  ["before it claims anything", "described", ["tag", "setGroups", "tag"]],
  ["between its claim and the call by it", "tag", ["tag", "tag", "setGroups", "tag"]],
])("a run that another one overtakes %s sends nothing more, and reads again", async (_, after, all) => {
  await approveForReader();
  const sent: string[] = [];
  let isOvertaken = false;
  const done = async (what: string) => {
    if (what !== "described") sent.push(what);
    if (what !== after || isOvertaken) return;
    isOvertaken = true;
    await context.ledger.beginRun(analytics.name);
  };
  const overtaken: typeof openCluster = async (...args) => {
    const open = await openCluster(...args);
    const { entries } = open;
    if (!entries) throw new Error("The cluster takes access entries.");
    const describe = (arn: string) => entries.describe(arn).finally(() => done("described"));
    const tag: typeof entries.tag = (...given) => entries.tag(...given).finally(() => done("tag"));
    const setGroups: typeof entries.setGroups = (...given) =>
      entries.setGroups(...given).finally(() => done("setGroups"));
    return { ...open, entries: { ...entries, describe, tag, setGroups } };
  };

  await reconcileCluster({ ...context, openCluster: overtaken, pause: async () => {} }, analytics);

  expect(sent).toEqual(all);
  expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
  expect(await outside.given(engineer)).toEqual([viewers, "readers"].toSorted());
});

test("a run that other ones overtake each time says so, and does not send people to CloudTrail", async () => {
  await approveForReader();
  const ledger = { ...context.ledger, isNewestRun: async () => false };

  await reconcileCluster({ ...context, ledger, pause: async () => {} }, analytics);

  expect((await requestOf(context, "r-one")).trouble).toMatchObject({
    code: "access-entry-conflict",
    message: expect.stringMatching(/Another run has begun .*\. Do nothing: the newer run continues\.$/),
  });
});

test("an unanswered call that changes something is sent once, and a throttled one again", async () => {
  const { faults } = side().sandbox;
  const entries = entriesOf(side().sandbox, analytics);
  const made = { principalArn: engineer, username: "somebody", groups: [], tags: {} };

  // A second try would be answered with the entry that the first one has made: its token is the same.
  faults.plan("eks.CreateAccessEntry", { type: "cut-after" });
  await expect(entries.create(made)).rejects.toMatchObject({ code: "aws-unreachable" });
  await entries.remove(engineer);
  const tooMany = { type: "answer", status: 429, headers: { "x-amzn-errortype": "ThrottlingException" } } as const;
  faults.plan("eks.CreateAccessEntry", { ...tooMany, body: JSON.stringify({ message: "Rate exceeded" }) });
  await entries.create(made);
  expect((await entries.describe(engineer))?.username).toBe("somebody");
});

test("the worker's own role makes the calls where the configuration says so", async () => {
  use((text) => text.replaceAll("    channel:", "    accessEntries: { as: worker }\n    channel:"));
  const { aws } = side().sandbox;
  const allowed = aws.account.identity(arns.worker)?.allow ?? [];
  aws.account.setAllowed(arns.worker, [...allowed, "eks:*"]);

  const asked: string[] = [];
  const stopListening = finishedCalls.subscribe(({ operation }) => void asked.push(operation));

  expect((await give(context, analytics, { id: "r-one" })).lease?.state).toBe("active");
  stopListening();
  // EKS' own answer says that it is the right account; STS is asked only to explain a refusal.
  expect(asked).not.toContain("GetCallerIdentity");
  const made = aws.calls.findLast(({ call }) => call === "eks.CreateAccessEntry");
  expect(made?.by).toContain("eks-access-worker");
  aws.account.setAllowed(arns.worker, allowed);
});

test("of a lease whose call was never answered no message says that nothing is left, while that call may still arrive", async () => {
  await ask(context, analytics, { id: "r-one" });
  await approve(context, analytics, "r-one");
  await reconcileCluster({ ...context, openCluster: withoutAnswer("create") }, analytics);
  expect((await revokeGiven(context, analytics, "r-one")).trouble?.code).toBe("access-entry-late");

  await outside.edit(engineer, null);
  await reconcileCluster(minutesLater(8), analytics);
  expect((await requestOf(context, "r-one")).lease?.state).toBe("failed");
});

test("what arrives of such a call is removed at the next look, and the lease is over only then", async () => {
  await ask(context, analytics, { id: "r-one" });
  await approve(context, analytics, "r-one");
  const late: Parameters<AccessEntries["create"]>[0][] = [];
  const slow: typeof openCluster = async (...args) => {
    const open = await openCluster(...args);
    const create: AccessEntries["create"] = (entry) => {
      late.push(entry);
      return Promise.reject(new AccessError("aws-unreachable", "no answer"));
    };
    return { ...open, entries: open.entries && { ...open.entries, create } };
  };
  await reconcileCluster({ ...context, openCluster: slow }, analytics);
  const revoked = await revokeGiven(context, analytics, "r-one");
  expect(revoked).toMatchObject({ lease: { state: "scheduled" }, trouble: { code: "access-entry-late" } });

  const entries = entriesOf(side().sandbox, analytics);
  for (const entry of late) await entries.create(entry);
  expect(await outside.given(engineer)).toEqual([viewers]);
  await reconcileCluster(minutesLater(8), analytics);

  expect(late).not.toHaveLength(0);
  expect(await outside.given(engineer)).toBeNull();
  expect(dueAt(revoked)).toBeLessThan(Date.now() + 8 * 60_000);
  expect(["ended", "failed"]).toContain((await requestOf(context, "r-one")).lease?.state);
});

test.each([
  [
    "AWS",
    "aws-unexpected",
    "eks.CreateAccessEntry",
    (message: string) => ({ status: 400, headers: { "x-amzn-errortype": "SomethingNew" }, body: { message } }),
  ],
  [
    "AWS that fails",
    "aws-failing",
    "eks.CreateAccessEntry",
    (message: string) => ({ status: 500, headers: { "x-amzn-errortype": "ServerException" }, body: { message } }),
  ],
  [
    "an API server",
    "cluster-unexpected",
    "kubernetes.get-configmap",
    (message: string) => ({
      ...{ status: 500, headers: { "content-type": "application/json" } },
      body: { kind: "Status", apiVersion: "v1", status: "Failure", reason: "InternalError", message, code: 500 },
    }),
  ],
] as const)("the log has more than the message of a long answer of %s", async (_, code, call, answer) => {
  const cluster = call === "eks.CreateAccessEntry" ? analytics : clusterIn(context.config, clusterName);
  await ask(context, cluster, { id: "r-one" });
  await approve(context, cluster, "r-one");
  const lines: string[] = [];
  const log = createLog("warn", "worker", { write: (line: string) => void lines.push(line) });
  const { body, ...rest } = answer(`odd ${"x".repeat(600)} the rest of it`);
  side().sandbox.faults.plan(call, { type: "answer", ...rest, body: JSON.stringify(body) }, { times: 9 });

  await reconcileCluster({ ...context, log, failures: new FailureLog(log) }, cluster).catch(() => {});

  const { trouble } = await requestOf(context, "r-one");
  expect(trouble).toMatchObject({ code, message: expect.stringContaining("odd xxx") });
  expect(trouble?.message).not.toContain("the rest of it");
  expect(lines.join("")).toContain("the rest of it");
});

test("what no one foresaw at a call is in the worker's log, as the message says", async () => {
  await ask(context, analytics, { id: "r-one" });
  await approve(context, analytics, "r-one");
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
  const fails: typeof openCluster = async (...args) => {
    const open = await openCluster(...args);
    const create = () => Promise.reject(new TypeError("no such thing"));
    return { ...open, entries: open.entries && { ...open.entries, create } };
  };

  await reconcileCluster({ ...context, failures: new FailureLog(log), openCluster: fails }, analytics);

  expect((await requestOf(context, "r-one")).trouble?.message).toContain("The process's log has the details");
  expect(lines.join("")).toContain("no such thing");
});

describe.each([[null], [["readers"]]])(
  "a person who may only tag takes ours away again and again, beside %s",
  (before) => {
    /** Opens the cluster so that the tags are gone whenever a worker looks at the entry. */
    const stripping: typeof openCluster = async (...about) => {
      const open = await openCluster(...about);
      if (!open.entries) return open;
      const { entries } = open;
      const describe = async (arn: string) => {
        await outside.forget(engineer);
        return entries.describe(arn);
      };
      return { ...open, entries: { ...entries, describe } };
    };
    const stripped = () => ({ ...context, openCluster: stripping, pause: async () => {} });

    test.each(["viewer", "everywhere"])("and a lease of %s begins and ends: its record remembers it", async (level) => {
      await outside.edit(engineer, before);
      await ask(context, analytics, { id: "r-one", level });
      await approve(context, analytics, "r-one");

      await reconcileCluster(stripped(), analytics);
      expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
      await reconcileCluster(stripped(), analytics, "inspect");
      expect((await requestOf(context, "r-one")).lease?.drift).toBeNull();

      const ended = await revokeGiven(stripped(), analytics, "r-one");
      expect(ended.lease?.state).toBe("ended");
      expect(await outside.given(engineer)).toEqual(before);
    });
  },
);

test.each([
  { way: "access-entry", name: "analytics", others: null },
  { way: "aws-auth", name: clusterName, others: null },
  { way: "access-entry", name: "analytics", others: ["readers"] },
  { way: "aws-auth", name: clusterName, others: ["readers"] },
] as const)(
  "what a dead worker wrote for a lease, and whose memory a person took away, goes with that lease, by $way, beside $others of others",
  async ({ way, name, others }) => {
    const cluster = clusterIn(context.config, name);
    const place = outsideOf(way, side(), cluster);
    if (others) await place.edit(engineer, others);
    for (const isProved of [true, false]) {
      const id = `r-${isProved}`;
      await ask(context, cluster, { id });
      await approve(context, cluster, id);
      await reconcileCluster(dyingBefore("lease.active", context), cluster);
      await place.forget(engineer);

      if (isProved) {
        await reconcileCluster(context, cluster, "adopt");
        expect((await requestOf(context, id)).lease?.state).toBe("active");
      }
      await revokeOnly(context, id);
      await reconcileCluster(context, cluster);
      expect(await place.given(engineer)).toEqual(others);
    }
  },
);

test("a lease whose tags a person took away ends, where EKS fails at the first try", async () => {
  await give(context, analytics, { id: "r-one" });
  await outside.forget(engineer);
  const failing: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const remove = () => Promise.reject(new AccessError("aws-failing", "EKS answered 500"));
    return { ...open, entries: open.entries && { ...open.entries, remove } };
  };
  await revokeOnly(context, "r-one");
  await reconcileCluster({ ...context, openCluster: failing }, analytics);
  expect((await requestOf(context, "r-one")).trouble?.code).toBe("aws-failing");

  await reconcileCluster(minutesLater(1), analytics);

  expect(await outside.given(engineer)).toBeNull();
  expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", remains: null });
});

test("of two leases one ends although EKS takes no more tags: the claim of a removal must not keep access", async () => {
  await give(context, analytics, { id: "r-one" });
  await give(context, analytics, { id: "r-two", level: "admin" });
  const refusing: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const tag = () => Promise.reject(new AccessError("access-entry-denied", "AWS refused eks:TagResource"));
    return { ...open, entries: open.entries && { ...open.entries, tag } };
  };
  await revokeOnly(context, "r-two");

  await reconcileCluster({ ...context, openCluster: refusing }, analytics);

  expect(await outside.given(engineer)).toEqual([viewers]);
  expect(await requestOf(context, "r-two")).toMatchObject({ trouble: { code: "access-entry-denied" } });
  await reconcileCluster(minutesLater(16), analytics);
  expect((await requestOf(context, "r-two")).lease?.state).toBe("ended");
});

test("a late call that no tag claims keeps none of the leases that it gives: each waits until it can't arrive", async () => {
  await outside.edit(engineer, ["readers"]);
  await give(context, analytics, { id: "r-one" });
  await give(context, analytics, { id: "r-two", level: "admin" });
  const late: Parameters<AccessEntries["setGroups"]>[] = [];
  const losing: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const lost = () => Promise.reject(new AccessError("aws-unreachable", "no answer"));
    const setGroups: AccessEntries["setGroups"] = (...call) => {
      late.push(call);
      return lost();
    };
    return { ...open, entries: open.entries && { ...open.entries, tag: lost, setGroups } };
  };
  await revokeOnly(context, "r-two");
  await reconcileCluster({ ...context, openCluster: losing }, analytics);
  await revokeGiven(context, analytics, "r-one");
  expect(await outside.given(engineer)).toEqual(["readers"]);

  const entries = entriesOf(side().sandbox, analytics);
  for (const call of late) await entries.setGroups(...call);
  expect(await outside.given(engineer)).toEqual([viewers, "readers"]);
  expect(await requestOf(context, "r-one")).toMatchObject({ trouble: { code: "access-entry-late" } });
  await reconcileCluster(minutesLater(9), analytics);

  expect(await outside.given(engineer)).toEqual(["readers"]);
  expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  expect((await requestOf(context, "r-two")).lease?.state).toBe("ended");
});

test("a late call for one lease gives nothing for good in the entry that a repair made again for another", async () => {
  use((text) => text.replaceAll("    channel:", "    drift: repair\n    channel:"));
  await give(context, analytics, { id: "r-one" });
  await ask(context, analytics, { id: "r-two", level: "peek" });
  await approve(context, analytics, "r-two");
  const late: Parameters<AccessEntries["associate"]>[] = [];
  const losing: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const associate: AccessEntries["associate"] = (...call) => {
      late.push(call);
      return Promise.reject(new AccessError("aws-unreachable", "no answer"));
    };
    return { ...open, entries: open.entries && { ...open.entries, associate } };
  };
  await reconcileCluster({ ...context, openCluster: losing }, analytics);
  await revokeOnly(context, "r-two");
  await outside.edit(engineer, null);
  await reconcileCluster(context, analytics, "inspect");
  expect(await outside.given(engineer)).toEqual([viewers]);

  const entries = entriesOf(side().sandbox, analytics);
  for (const call of late) await entries.associate(...call);
  await revokeGiven(context, analytics, "r-one");
  await reconcileCluster(minutesLater(9), analytics);

  expect(late).not.toHaveLength(0);
  expect(await outside.given(engineer)).toBeNull();
  expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
});

/** Records that a call which gives this active lease was sent then, and is unanswered. */
async function recordSent(id: string, at: string): Promise<void> {
  const request = await requestOf(context, id);
  if (request.lease?.state !== "active") throw new Error(`${id} is not active`);
  await context.ledger.commit(aChange(revise(request, { lease: { ...request.lease, sentAgainAt: at } })));
}

const future = "2099-01-01T00:00:00.000Z";

test("a time from the future in its record delays no end, because no call was sent then", async () => {
  await outside.edit(engineer, ["readers"]);
  await give(context, analytics, { id: "r-one" });
  await recordSent("r-one", future);

  expect((await revokeGiven(context, analytics, "r-one")).lease?.state).toBe("ended");
  expect(await outside.given(engineer)).toEqual(["readers"]);
});

test("a time from the future in an entry's tags delays no end, and hides no unanswered call", async () => {
  await outside.edit(engineer, ["readers"]);
  await give(context, analytics, { id: "r-one" });
  const { memory } = context.keys;
  const place = sealedClusterOf(analytics);
  const entries = entriesOf(side().sandbox, analytics);
  const entry = await entries.describe(engineer);
  if (!entry) throw new Error("there is no entry");
  const read = readHoldingTags(place, engineer, entry, memory);
  if (read.type !== "holding") throw new Error("the entry has no tags of ours");
  await entries.tag(entry, writeHoldingTags(place, read.holding, memory, { ...read, openSince: future }));
  await recordSent("r-one", context.now().toISOString());

  expect((await revokeGiven(context, analytics, "r-one")).trouble?.code).toBe("access-entry-late");
  await reconcileCluster(minutesLater(9), analytics);
  expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  expect(await outside.given(engineer)).toEqual(["readers"]);
});

test.each([[null], [["readers"]]])(
  "a lease whose access policy EKS refuses leaves nothing behind, beside %s",
  async (before) => {
    use((text) => text.replace("everywhere: { policy", `everywhere: { groups: [${viewers}], policy`));
    await outside.edit(engineer, before);
    await ask(context, analytics, { id: "r-one", level: "everywhere" });
    await approve(context, analytics, "r-one");
    const refusing: typeof openCluster = async (...about) => {
      const open = await openCluster(...about);
      const associate = () => Promise.reject(new AccessError("access-entry-refused", "no such policy"));
      return { ...open, entries: open.entries && { ...open.entries, associate } };
    };

    await reconcileCluster({ ...context, openCluster: refusing }, analytics);

    expect((await requestOf(context, "r-one")).lease?.failure?.code).toBe("access-entry-refused");
    expect(await outside.given(engineer)).toEqual(before);
    expect((await entriesOf(side().sandbox, analytics).describe(engineer))?.tags ?? {}).toEqual({});
  },
);

test("a lease whose access policy EKS refuses takes nothing from another lease of its principal", async () => {
  await give(context, analytics, { id: "r-one" });
  await ask(context, analytics, { id: "r-two", level: "everywhere" });
  await approve(context, analytics, "r-two");
  const refusing: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const associate = () => Promise.reject(new AccessError("access-entry-refused", "no such policy"));
    return { ...open, entries: open.entries && { ...open.entries, associate } };
  };

  await reconcileCluster({ ...context, openCluster: refusing }, analytics);

  expect((await requestOf(context, "r-two")).lease?.failure?.code).toBe("access-entry-refused");
  expect(await outside.given(engineer)).toEqual([viewers]);
  await reconcileCluster(context, analytics, "inspect");
  expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "active", drift: null });
});

test.each(["viewer", "peek"])(
  "the entry of a lease of %s that EKS makes and yet refuses is not left behind",
  async (level) => {
    await ask(context, analytics, { id: "r-one", level });
    await approve(context, analytics, "r-one");
    const refusing: typeof openCluster = async (...about) => {
      const { entries, ...open } = await openCluster(...about);
      const create: AccessEntries["create"] = async (entry) => {
        await entries?.create(entry);
        throw new AccessError("access-entry-refused", "EKS answered InvalidParameterException");
      };
      return { ...open, entries: entries && { ...entries, create } };
    };

    await reconcileCluster({ ...context, openCluster: refusing }, analytics);

    expect(await requestOf(context, "r-one")).toMatchObject({ lease: { state: "active" }, trouble: null });
    await revokeGiven(context, analytics, "r-one");
    await reconcileCluster(minutesLater(9), analytics);
    expect(await outside.given(engineer)).toBeNull();
  },
);

/** Opens a cluster whose EKS makes an entry, refuses it, and does not show it yet. */
const refusingWhatItMakes: typeof openCluster = async (...about) => {
  const { entries, ...open } = await openCluster(...about);
  const create: AccessEntries["create"] = async (entry) => {
    await entries?.create(entry);
    throw new AccessError("access-entry-refused", "EKS answered InvalidParameterException");
  };
  return { ...open, entries: entries && { ...entries, create, describe: async () => null } };
};

test("an entry that EKS makes, refuses and shows only later is removed within minutes", async () => {
  await ask(context, analytics, { id: "r-one" });
  await approve(context, analytics, "r-one");
  const add = vi.spyOn(context.queues.clusters, "add");

  await reconcileCluster({ ...context, openCluster: refusingWhatItMakes }, analytics);

  expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "failed" });
  expect(await outside.given(engineer)).not.toBeNull();
  const looks = add.mock.calls.flatMap(([type, , options]) => (type === "adopt" ? options?.delay : []));
  expect(looks).toEqual([91_000, 421_000]);
  await adoptCluster(context, analytics);
  expect(await outside.given(engineer)).toBeNull();
});

test("a look for such an entry that Redis does not take is in the log", async () => {
  await ask(context, analytics, { id: "r-one" });
  await approve(context, analytics, "r-one");
  const lines: string[] = [];
  const failures = new FailureLog(pino({ level: "warn" }, { write: (line: string) => lines.push(line) }));
  vi.spyOn(context.queues.clusters, "add").mockRejectedValueOnce(new Error("no queue"));

  await reconcileCluster({ ...context, failures, openCluster: refusingWhatItMakes }, analytics);

  expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "failed" });
  expect(lines.join("")).toContain("could not ask for another look");
});

test("a lease whose access policy EKS refuses goes on until nothing of it is left", async () => {
  use((text) => text.replace("everywhere: { policy", `everywhere: { groups: [${viewers}], policy`));
  await ask(context, analytics, { id: "r-one", level: "everywhere" });
  await approve(context, analytics, "r-one");
  const refusing: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const associate = () => Promise.reject(new AccessError("access-entry-refused", "no such policy"));
    const remove = () => Promise.reject(new AccessError("aws-failing", "EKS answered 500"));
    return { ...open, entries: open.entries && { ...open.entries, associate, remove } };
  };
  await reconcileCluster({ ...context, openCluster: refusing }, analytics);
  expect(await requestOf(context, "r-one")).toMatchObject({
    lease: { state: "scheduled" },
    trouble: { code: "access-entry-refused" },
  });

  await revokeGiven(context, analytics, "r-one");
  await reconcileCluster(minutesLater(8), analytics);

  expect((await requestOf(context, "r-one")).lease?.state).toBe("failed");
  expect(await outside.given(engineer)).toBeNull();
});

test.each(["create", "associate"] as const)(
  "what a call gives to an entry that a person made again in between is taken back: beside %s",
  async (call) => {
    use((text) => text.replace("everywhere: { policy", `everywhere: { groups: [${viewers}], policy`));
    await ask(context, analytics, { id: "r-one", level: "everywhere" });
    await approve(context, analytics, "r-one");
    const madeAgain = async () => {
      await outside.edit(engineer, null);
      await outside.edit(engineer, ["theirs"]);
    };
    let isMade = false;
    const racing: typeof openCluster = async (...about) => {
      const open = await openCluster(...about);
      if (!open.entries) return open;
      const { entries } = open;
      const once = async () => {
        if (!isMade) await madeAgain();
        isMade = true;
      };
      const create: AccessEntries["create"] = async (entry) => {
        const made = await entries.create(entry);
        if (call === "create") await once();
        return made;
      };
      const associate: AccessEntries["associate"] = async (...policy) => {
        if (call === "associate") await once();
        await entries.associate(...policy);
      };
      return { ...open, entries: { ...entries, create, associate } };
    };

    await reconcileCluster({ ...context, openCluster: racing, pause: async () => {} }, analytics);

    expect(isMade).toBe(true);
    expect(await outside.given(engineer)).toEqual(["theirs"]);
    expect((await requestOf(context, "r-one")).state).toBe("pending");
  },
);

test("the end of one lease makes nothing of another one others' access, where a person took away the tags of their entry", async () => {
  use((text) =>
    text
      .replaceAll("    channel:", "    drift: repair\n    channel:")
      .replace("everywhere: { policy", `everywhere: { groups: [${viewers}], policy`),
  );
  await give(context, analytics, { id: "r-short" });
  await give(context, analytics, { id: "r-long", level: "everywhere" });
  await outside.forget(engineer);
  await outside.edit(engineer, []);
  await revokeGiven(context, analytics, "r-short");
  await reconcileCluster(context, analytics, "inspect");
  expect(await outside.given(engineer)).toEqual([viewers, "policy AmazonEKSViewPolicy"]);

  await revokeGiven(context, analytics, "r-long");
  expect(await outside.given(engineer)).toBeNull();
});

test("a void approval waits for late calls also where a failover of Redis lost that its write began", async () => {
  await approveForReader();
  const approved = await requestOf(context, "r-one");
  await reconcileCluster({ ...context, openCluster: withoutAnswer("setGroups") }, analytics);
  const { version } = await requestOf(context, "r-one");
  await context.ledger.commit(aChange({ ...approved, version: version + 1 }));
  await outside.edit(engineer, ["readers", "others"]);

  await reconcileCluster(context, analytics);
  expect(await requestOf(context, "r-one")).toMatchObject({
    state: "approved",
    trouble: { code: "access-entry-late" },
  });
  await reconcileCluster(later(context, 8 * 60), analytics);
  expect((await requestOf(context, "r-one")).state).toBe("pending");
  expect(await outside.given(engineer)).toEqual(["others", "readers"]);
});

test("an access policy that arrives late, in an entry whose tags others took away, is taken back before the approval is void", async () => {
  use((text) => text.replace("everywhere: { policy", `everywhere: { groups: [${viewers}], policy`));
  await ask(context, analytics, { id: "r-one", level: "everywhere" });
  await approve(context, analytics, "r-one");
  const arrivals: (() => Promise<void>)[] = [];
  const slow: typeof openCluster = async (...about) => {
    const { entries, ...open } = await openCluster(...about);
    const associate: AccessEntries["associate"] = async (...policy) => {
      arrivals.push(async () => entries?.associate(...policy));
      throw new AccessError("aws-unreachable", "AWS did not answer");
    };
    return { ...open, entries: entries && { ...entries, associate } };
  };
  await reconcileCluster({ ...context, openCluster: slow }, analytics);
  await outside.forget(engineer);
  await outside.edit(engineer, [viewers, "theirs"]);

  await reconcileCluster(later(context, 2), analytics);
  expect(await outside.given(engineer)).toEqual(["theirs"]);
  expect((await requestOf(context, "r-one")).trouble?.code).toBe("access-entry-late");
  for (const arrive of arrivals) await arrive();
  await reconcileCluster(later(context, 8 * 60), analytics);
  expect(await outside.given(engineer)).toEqual(["theirs"]);
  expect((await requestOf(context, "r-one")).state).toBe("pending");
});

test("an entry that a person makes again right before our removal of it stays, and the lease ends", async () => {
  await give(context, analytics, { id: "r-one" });
  const racing: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const remove: AccessEntries["remove"] = async (principal) => {
      await outside.edit(principal, null);
      await outside.edit(principal, ["theirs"]);
      await open.entries?.remove(principal);
    };
    return { ...open, entries: open.entries && { ...open.entries, remove } };
  };

  const { lease } = await revokeGiven({ ...context, openCluster: racing, pause: async () => {} }, analytics, "r-one");

  expect(await outside.given(engineer)).toEqual(["theirs"]);
  expect(lease?.state).toBe("ended");
});

test("a run whose lease another run ends first names that run in its log, and no other writer", async () => {
  await give(context, analytics, { id: "r-one" });
  await revokeOnly(context, "r-one");
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
  let looks = 0;
  const slower: typeof openCluster = async (...about) => {
    const open = await openCluster(...about);
    const look: AccessEntries["describe"] = async (principal) => {
      looks += 1;
      if (looks === 2) await reconcileCluster(context, analytics, "end");
      return open.entries?.describe(principal) ?? null;
    };
    return { ...open, entries: open.entries && { ...open.entries, describe: look } };
  };

  const failures = new FailureLog(log);
  await reconcileCluster({ ...context, failures, openCluster: slower, pause: async () => {} }, analytics, "end");

  expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
  expect(lines.join("")).toContain("Another run has begun");
  expect(lines.join("")).not.toContain("Another writer");
});
