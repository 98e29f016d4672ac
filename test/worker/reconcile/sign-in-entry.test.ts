import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { allAnnotationsBytes, leasesAnnotation } from "../../../src/access/lease/annotation.ts";
import { signInShare } from "../../../src/access/lease/lease.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import type { AccessEntries } from "../../../src/aws/access-entries.ts";
import { parseDocument } from "../../../src/aws-auth/index.ts";
import type { ClusterClient } from "../../../src/kubernetes/cluster-client.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { signInTargets } from "../../../src/worker/reconcile/sign-in-place.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
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
  openingWith,
  requestOf,
  revokeGiven,
  revokeOnly,
} from "./both-ways.ts";
import { entriesOf, type OutsideEntries } from "./entries-of.ts";

const side = useWorkerSide({ everyMode: true });
const account = arns.engineer.split(":")[4] ?? "";
const set = "AWSReservedSSO_Developer_0123456789abcdef";
const role = `arn:aws:iam::${account}:role/${set}`;
const session = (name: string) => `arn:aws:sts::${account}:assumed-role/${set}/${name}`;
const [alice, carol] = [session("alice@example.com"), session("carol@example.com")];
const username = `eks-access:${account}:${set}:{{SessionNameRaw}}`;

interface Entry {
  readonly username: string;
  readonly groups: readonly string[];
}

/** Where a cluster names the people who sign in, as an administrator sees it. */
interface Place {
  readonly entry: () => Promise<Entry | null>;
  /** Makes the role's entry be this; null: there is none. */
  readonly edit: (entry: Entry | null) => Promise<void>;
  /** Everything that is there. */
  readonly all: () => Promise<string>;
  /** Strips the place's own memory. */
  readonly forget: () => Promise<void>;
  /** Keeps the place's own memory; the result writes it back. */
  readonly keep: () => Promise<() => Promise<void>>;
}

function documentPlace(): Place {
  const { cluster } = side().sandbox;
  const data = () => cluster.awsAuth()?.data ?? {};
  return {
    entry: async () => parseDocument(data()).entries.find(({ arn }) => arn === role) ?? null,
    edit: async (entry) => {
      const text = `- rolearn: ${role}\n  username: "${entry?.username}"\n  groups: [${entry?.groups.join(", ")}]\n`;
      const mapRoles = `${initialAwsAuth.mapRoles}${entry ? text : ""}`;
      await cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth, mapRoles } }));
    },
    all: async () => {
      const memory = cluster.awsAuth()?.metadata.annotations?.[leasesAnnotation] ?? "{}";
      return JSON.stringify([data(), JSON.parse(memory).held ?? []]);
    },
    forget: async () => {
      await cluster.editAwsAuth(({ metadata: { annotations: _, ...metadata }, ...map }) => ({ ...map, metadata }));
    },
    keep: async () => {
      const { annotations = {} } = cluster.awsAuth()?.metadata ?? {};
      return async () => cluster.editAwsAuth((map) => ({ ...map, metadata: { ...map.metadata, annotations } }));
    },
  };
}

function entriesPlace(entries: OutsideEntries): Place {
  const read = () => entries.describe(role);
  return {
    entry: read,
    edit: async (entry) => {
      if (await read()) await entries.remove(role);
      if (entry) await entries.create({ principalArn: role, ...entry, tags: {} });
    },
    all: async () => {
      const all = await Promise.all((await entries.list()).map((arn) => entries.describe(arn)));
      return JSON.stringify(all.map((entry) => entry && { ...entry, arn: "" }));
    },
    forget: async () => {
      const entry = await read();
      if (entry) await entries.untag(entry, Object.keys(entry.tags));
    },
    keep: async () => {
      const { tags = {} } = (await read()) ?? {};
      return async () => {
        const entry = await read();
        if (entry) await entries.tag(entry, tags);
      };
    },
  };
}

const places = [
  { way: "aws-auth", name: clusterName },
  { way: "access-entry", name: "analytics" },
] as const;

beforeAll(() => {
  side().sandbox.aws.account.addRole({ name: set });
});

describe.each(places)("by $way, the entry by which a person signs in", ({ way, name }) => {
  let context: WorkerContext;
  let cluster: Cluster;
  let place: Place;
  let before: string;

  const contextWith = (drift: "report" | "repair" = "report"): WorkerContext => {
    const config = modesConfig((text) =>
      text
        .replaceAll("    channel:", `    drift: ${drift}\n    channel:`)
        .replace(/levels: \[viewer, admin/g, "levels: [own, edits, viewer, admin")
        .replace(
          /^levels:\n/m,
          `levels:
  own: { bind: [{ clusterRole: view, in: all }], maxDuration: 8h, verify: [{ verb: list, resource: pods }] }
  edits: { bind: [{ clusterRole: edit, in: [default] }], maxDuration: 8h }
`,
        ),
    );
    cluster = clusterIn(config, name);
    return { ...side().context(memoryLedger()), config };
  };
  const bindings = () => side().asCreator(cluster, (client) => client.listLeaseBindings());
  const inMinutes = (minutes: number) => later(context, minutes * 60);
  const dying = openingWith(() => ({ createBinding: () => Promise.reject(new Error("killed")) }));
  const giveTo = (principal: string, id: string, level = "own") => give(context, cluster, { id, principal, level });

  beforeEach(async () => {
    context = contextWith();
    place = way === "aws-auth" ? documentPlace() : entriesPlace(entriesOf(side().sandbox, cluster));
    before = await place.all();
  });

  test("is added without groups where the person can't sign in yet, and goes with the lease, without a trace", async () => {
    const given = await giveTo(alice, "r-one");

    expect(given.preview?.warnings.join()).toMatch(/New entry: .*without groups.*Developer.*without rights/);
    expect(given.preview?.diff).toContain(username);
    expect(given.lease).toMatchObject({ state: "active", proof: { authorized: { result: "yes" } } });
    expect(given.lease?.proof?.mapped.detail).toContain("alice@example.com");
    expect(await place.entry()).toMatchObject({ username, groups: [] });
    const ended = await revokeGiven(context, cluster, "r-one");
    expect(ended.lease).toMatchObject({ state: "ended", remains: null, endProof: { authorized: { result: "no" } } });
    expect(await bindings()).toEqual([]);
    expect(await place.all()).toBe(before);
  });

  test("is one name for everyone where the role's people choose their sessions' names: a shared lease, and called that", async () => {
    const given = await giveTo(arns.developers, "r-all");

    expect(given.preview?.warnings.join()).toMatch(
      /New entry: .* lets everyone who can assume developers authenticate/,
    );
    expect(given.preview?.diff).toContain(`eks-access:${account}:role/developers`);
    expect(given.lease).toMatchObject({ state: "active", proof: { authorized: { result: "yes" } } });
    expect(given.lease?.proof?.authorized.detail).not.toContain("another session");
    const [, approved] = [await revokeGiven(context, cluster, "r-all"), await requestOf(context, "r-all")];
    expect(approved.lease).toMatchObject({ state: "ended", remains: null, endProof: { authorized: { result: "no" } } });
    expect(await place.all()).toBe(before);
  });

  test("is shared by two people, and the end of one lease locks the other one out of nothing", async () => {
    await giveTo(alice, "r-alice");
    const second = await giveTo(carol, "r-carol");
    expect(second.preview?.warnings.join()).toContain("Entry kept: ");

    await revokeGiven(context, cluster, "r-alice");
    expect(await place.entry()).toMatchObject({ username, groups: [] });
    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-carol")).lease).toMatchObject({ state: "active", drift: null });
    await revokeGiven(context, cluster, "r-carol");
    expect(await place.all()).toBe(before);
  });

  test("is shared with a lease of groups, whichever ends first", async () => {
    for (const [first, second] of [
      ["r-own", "r-role"],
      ["r-role", "r-own"],
    ] as const) {
      context = contextWith();
      await giveTo(alice, "r-own");
      await give(context, cluster, { id: "r-role", principal: role, level: "viewer" });
      expect((await place.entry())?.groups).toEqual(["eks-access:viewers"]);

      await revokeGiven(context, cluster, first);
      expect((await place.entry())?.groups).toEqual(first === "r-own" ? ["eks-access:viewers"] : []);
      expect((await requestOf(context, second)).lease?.state).toBe("active");
      await revokeGiven(context, cluster, second);
      expect(await place.all()).toBe(before);
    }
  });

  test("that others make with another name while its binding is written announces no lease: its approvers decide again", async () => {
    const editing = openingWith((client) => ({
      createBinding: async (...binding) => {
        const made = await client.createBinding(...binding);
        await place.edit({ username: "people:{{SessionNameRaw}}", groups: [] });
        return made;
      },
    }));
    await place.edit({ username: "sso:{{SessionNameRaw}}", groups: [] });
    await ask(context, cluster, { id: "r-one", principal: alice, level: "own" });
    await approve(context, cluster, "r-one");

    await reconcileCluster({ ...context, openCluster: editing }, cluster);

    expect((await requestOf(context, "r-one")).lease?.state).toBe("scheduled");
    expect(await bindings()).toEqual([]);
    await reconcileCluster(inMinutes(2), cluster);
    expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null, voided: {} });
  });

  test("that others made is never written, and stays", async () => {
    await place.edit({ username: "sso:{{SessionNameRaw}}", groups: [] });
    const theirs = await place.all();
    const given = await giveTo(alice, "r-one");

    expect(given.lease?.proof?.mapped.detail).toContain("sso:alice@example.com");
    expect(await place.all()).toBe(theirs);
    await revokeGiven(context, cluster, "r-one");
    expect(await place.all()).toBe(theirs);
  });

  test("that others made and remove is drift, and none is made in its place, whatever the configuration says", async () => {
    for (const drift of ["report", "repair"] as const) {
      context = contextWith(drift);
      await place.edit({ username: "sso:{{SessionNameRaw}}", groups: [] });
      await giveTo(alice, `r-${drift}`);
      await place.edit(null);

      await reconcileCluster(context, cluster, "inspect");
      expect((await requestOf(context, `r-${drift}`)).lease?.drift?.message).toContain("sign in any more");
      expect(await place.entry()).toBeNull();
      await revokeGiven(context, cluster, `r-${drift}`);
    }
  });

  test("in a section that can't be read is not called gone", async () => {
    await place.edit({ username: "sso:{{SessionNameRaw}}", groups: [] });
    await giveTo(alice, "r-one");
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, mapRoles: "- rolearn: [" } }));

    await reconcileCluster(context, cluster, "inspect");

    const message = (await requestOf(context, "r-one")).lease?.drift?.message;
    expect(message).toBe(way === "aws-auth" ? "mapRoles can't be read from line 2 on" : undefined);
  });

  test("of ours that others remove is drift, and is restored if the configuration says so", async () => {
    for (const drift of ["report", "repair"] as const) {
      context = contextWith(drift);
      await giveTo(alice, `r-${drift}`);
      await place.edit(null);

      await reconcileCluster(context, cluster, "inspect");
      const message = (await requestOf(context, `r-${drift}`)).lease?.drift?.message ?? null;
      expect(message).toEqual(drift === "repair" ? null : expect.stringContaining("sign in any more"));
      expect(await place.entry()).toEqual(drift === "repair" ? expect.objectContaining({ username }) : null);
      await revokeGiven(context, cluster, `r-${drift}`);
      await reconcileCluster(inMinutes(8), cluster);
      expect((await requestOf(context, `r-${drift}`)).lease?.state).toBe("ended");
      expect(await place.all()).toBe(before);
    }
  });

  test("of ours that others replace by their own is theirs from then on", async () => {
    await giveTo(alice, "r-one");
    await place.edit({ username: "sso:{{SessionNameRaw}}", groups: [] });

    await revokeGiven(context, cluster, "r-one");
    expect(await place.entry()).toMatchObject({ username: "sso:{{SessionNameRaw}}", groups: [] });
  });

  test("is ours also where a person strips what the place remembers: the record of the lease says so", async () => {
    await giveTo(alice, "r-one");
    await place.forget();

    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-one")).lease?.drift).toBeNull();
    await revokeGiven(context, cluster, "r-one");
    expect(await place.all()).toBe(before);
  });

  test("is for nothing that was not approved: where another's entry is gone before the write, the approvers are asked again", async () => {
    await place.edit({ username: `eks-access:${account}:${set}:{{SessionNameRaw}}`, groups: [] });
    await ask(context, cluster, { id: "r-one", principal: alice, level: "own" });
    await approve(context, cluster, "r-one");
    await place.edit(null);

    await reconcileCluster(context, cluster);
    expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending", lease: null });
    expect(await place.all()).toBe(before);
  });

  test("is found again after the ledger was lost, and goes with its lease", async () => {
    await giveTo(alice, "r-one");
    context = contextWith();

    expect(await adoptCluster(context, cluster)).toEqual({ recovered: ["r-one"], ended: [] });
    expect(await requestOf(context, "r-one")).toMatchObject({ principal: alice, level: "own" });
    await revokeGiven(context, cluster, "r-one");
    expect(await place.all()).toBe(before);
  });

  test("goes when its time is over while the ledger was lost", async () => {
    await give(context, cluster, { id: "r-one", principal: alice, level: "own", durationSeconds: 300 });
    context = contextWith();
    await adoptCluster(inMinutes(6), cluster);

    expect(await bindings()).toEqual([]);
    expect(await place.all()).toBe(before);
  });

  test("goes when its time is over while the ledger was lost, also if others deleted its bindings", async () => {
    await give(context, cluster, { id: "r-one", principal: alice, level: "own", durationSeconds: 300 });
    context = contextWith();
    await side().asCreator(cluster, async (client) => {
      for (const binding of await client.listLeaseBindings()) await client.deleteBinding(binding);
    });

    await adoptCluster(inMinutes(6), cluster);

    expect(await place.all()).toBe(before);
  });

  test("of a worker that dies right after the entry was made is used by the next run", async () => {
    await ask(context, cluster, { id: "r-one", principal: alice, level: "own" });
    await approve(context, cluster, "r-one");
    await reconcileCluster({ ...dyingBefore("lease.delayed", context), openCluster: dying }, cluster).catch(() => {});
    expect(await place.entry()).toMatchObject({ username });
    expect(await bindings()).toEqual([]);

    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
    await revokeGiven(context, cluster, "r-one");
    await reconcileCluster(inMinutes(8), cluster);
    expect(await place.all()).toBe(before);
  });

  test.each([
    { where: "the lease is revoked then", and: async () => {} },
    { where: "others strip its memory, too", and: () => place.forget() },
  ])("of a worker that dies right after the entry was made goes where $where", async ({ and }) => {
    await ask(context, cluster, { id: "r-one", principal: alice, level: "own" });
    await approve(context, cluster, "r-one");
    await reconcileCluster({ ...dyingBefore("lease.delayed", context), openCluster: dying }, cluster).catch(() => {});
    await and();
    await revokeOnly(context, "r-one");

    await reconcileCluster(context, cluster);
    await reconcileCluster(inMinutes(8), cluster);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("failed");
    expect(await place.all()).toBe(before);
  });

  test("goes where Redis lost the last changes, so that no lease leads there", async () => {
    const records = new Map<string, AccessRequest>();
    context = { ...context, ledger: memoryLedger(records) };
    const asked = await ask(context, cluster, { id: "r-one", principal: alice, level: "own" });
    await approve(context, cluster, "r-one");
    await reconcileCluster({ ...dyingBefore("lease.delayed", context), openCluster: dying }, cluster).catch(() => {});
    expect(await place.entry()).toMatchObject({ username });
    records.set("r-one", asked);

    await adoptCluster(inMinutes(8), cluster);
    expect(await requestOf(context, "r-one")).toMatchObject({ state: "pending" });
    expect(await place.all()).toBe(before);
  });

  test("goes at once where the cluster refuses the bindings for which it was made", async () => {
    await ask(context, cluster, { id: "r-one", principal: alice, level: "own" });
    await approve(context, cluster, "r-one");
    const refusing = openingWith(() => {
      const createBinding = () => Promise.reject(new AccessError("binding-forbidden", "the cluster says no"));
      return { createBinding };
    });
    await reconcileCluster({ ...context, openCluster: refusing }, cluster);

    expect((await requestOf(context, "r-one")).lease?.state).toBe("failed");
    expect(await place.all()).toBe(before);
  });

  test("stays for the next try where others delete the bindings before the worker sees them, and goes with the lease", async () => {
    await ask(context, cluster, { id: "r-one", principal: alice, level: "own" });
    await approve(context, cluster, "r-one");
    const racing = openingWith((client) => {
      const createBinding: ClusterClient["createBinding"] = async (...made) => {
        const binding = await client.createBinding(...made);
        await client.deleteBinding(binding);
        return binding;
      };
      return { createBinding };
    });
    await reconcileCluster({ ...context, openCluster: racing }, cluster);
    await reconcileCluster(later(context, 5), cluster);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("active");

    await revokeGiven(inMinutes(3), cluster, "r-one");
    await reconcileCluster(inMinutes(10), cluster);
    expect((await requestOf(context, "r-one")).lease?.state).toBe("ended");
    expect(await place.all()).toBe(before);
  });

  test("loses the share of an ended lease that came back, with the next run", async () => {
    await giveTo(alice, "r-alice");
    await giveTo(carol, "r-carol");
    const comesBack = await place.keep();
    await revokeGiven(context, cluster, "r-alice");
    await comesBack();
    expect(await place.all()).toContain("r-alice");

    await reconcileCluster(context, cluster, "inspect");
    expect(await place.all()).not.toContain("r-alice");
    expect((await requestOf(context, "r-carol")).lease).toMatchObject({ state: "active", drift: null });
    await comesBack();
    await revokeGiven(context, cluster, "r-carol");
    expect(await place.all()).toBe(before);
  });

  test.each(["report", "repair"] as const)(
    "of a revoked lease came back without its revocation, and then Redis: it counts as revoked again; drift: %s",
    async (drift) => {
      context = contextWith(drift);
      await giveTo(carol, "r-carol");
      await giveTo(alice, "r-alice");
      const old = await requestOf(context, "r-alice");
      const comesBack = await place.keep();
      const { version } = await revokeGiven(context, cluster, "r-alice");
      await comesBack();
      await side().asCreator(cluster, async (client) => client.writeWithdrawals(await client.readWithdrawals(), {}));
      await adoptCluster(context, cluster);
      expect(await place.all()).not.toContain("r-alice");

      await context.ledger.commit(aChange({ ...old, version: version + 1 }));
      await reconcileCluster(context, cluster);
      await reconcileCluster(context, cluster, "inspect");

      expect((await requestOf(context, "r-alice")).lease).toMatchObject({ state: "ended", end: { cause: "replayed" } });
      await revokeGiven(context, cluster, "r-carol");
      expect(await place.all()).toBe(before);
    },
  );

  test("never keeps the share of a lease that ends while a run writes it for another one", async () => {
    await giveTo(alice, "r-alice");
    await ask(context, cluster, { id: "r-carol", principal: carol, level: "own" });
    await approve(context, cluster, "r-carol");
    const endsMeanwhile: typeof openCluster = async (...about) => {
      const open = await openCluster(...about);
      const ending =
        <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
        async (...args: A) => {
          if (await isActive("r-alice")) await revokeOnly(context, "r-alice");
          return call(...args);
        };
      const entries = open.entries && { ...open.entries, tag: ending(open.entries.tag) };
      return { ...open, entries, client: { ...open.client, writeAwsAuth: ending(open.client.writeAwsAuth) } };
    };
    const isActive = async (id: string) => {
      const { lease } = await requestOf(context, id);
      return lease?.state === "active" && lease.end === null;
    };
    await reconcileCluster({ ...context, openCluster: endsMeanwhile }, cluster);

    expect(await isActive("r-carol")).toBe(true);
    // A run with an older aws-auth is refused, and the end's own run follows. EKS has no versions: this run looks again.
    if (way === "access-entry") expect(await place.all()).not.toContain("r-alice");
    await reconcileCluster(inMinutes(4), cluster);
    expect(await place.all()).not.toContain("r-alice");
    expect((await requestOf(context, "r-alice")).lease?.state).toBe("ended");
    expect((await requestOf(context, "r-carol")).lease?.state).toBe("active");
    await revokeGiven(context, cluster, "r-carol");
    expect(await place.all()).toBe(before);
  });

  // A run by aws-auth itself removes a share whose time is over. In access entries only others remove one.
  test.each([
    { others: "strip its memory", remove: () => place.forget() },
    { others: "delete it", remove: () => place.edit(null) },
  ])("is written for another lease without the share of one that is over, where others $others", async ({ remove }) => {
    await give(context, cluster, { id: "r-alice", principal: alice, level: "own", durationSeconds: 300 });
    await giveTo(carol, "r-carol");
    await ask(context, cluster, { id: "r-dave", principal: session("dave@example.com"), level: "own" });
    await approve(context, cluster, "r-dave");
    if (way === "access-entry") await remove();
    const written: string[] = [];
    const watched: typeof openCluster = async (opening, ...about) => {
      const open = await openCluster({ ...opening, now: () => new Date() }, ...about);
      const watching =
        <A extends readonly unknown[], R>(call: (...args: A) => R) =>
        (...args: A) => {
          written.push(JSON.stringify(args.at(-1)));
          return call(...args);
        };
      const { entries, client } = open;
      return {
        ...open,
        entries: entries && { ...entries, create: watching(entries.create), tag: watching(entries.tag) },
        client: { ...client, writeAwsAuth: watching(client.writeAwsAuth) },
      };
    };
    await reconcileCluster({ ...inMinutes(6), openCluster: watched }, cluster);

    // Another run can end the lease at that moment: its share would stay until the next run.
    expect(written.filter((text) => text.includes("r-alice"))).toEqual([]);
    expect(written.filter((text) => text.includes("r-dave"))).not.toEqual([]);
    expect((await requestOf(context, "r-dave")).lease?.state).toBe("active");
    // The call that made the entry again can still arrive.
    await reconcileCluster(inMinutes(14), cluster);
    expect((await requestOf(context, "r-alice")).lease?.state).toBe("ended");
    await revokeGiven(context, cluster, "r-carol");
    await revokeGiven(context, cluster, "r-dave");
    expect(await place.all()).toBe(before);
  });

  test("stays for a lease that only its record remembers, where the last other one ends", async () => {
    await giveTo(alice, "r-alice");
    await giveTo(carol, "r-carol");
    await side().asCreator(cluster, async (client) => {
      const [first] = (await client.listLeaseBindings()).filter((binding) => binding.name.includes("r-alice"));
      if (first) await client.deleteBinding(first);
    });
    await place.forget();
    await revokeGiven(context, cluster, "r-carol");

    expect((await requestOf(context, "r-carol")).lease?.state).toBe("ended");
    expect((await requestOf(context, "r-alice")).lease?.state).toBe("active");
    expect(await place.entry()).toMatchObject({ username, groups: [] });
    await revokeGiven(context, cluster, "r-alice");
    expect(await place.all()).toBe(before);
  });

  test("keeps a lease open while the call that gives it a share can still arrive", async () => {
    await giveTo(alice, "r-alice");
    await ask(context, cluster, { id: "r-carol", principal: carol, level: "own" });
    await approve(context, cluster, "r-carol");
    const unanswered: typeof openCluster = async (...about) => {
      const open = await openCluster(...about);
      const no = () => Promise.reject(new AccessError("cluster-unreachable", "no answer"));
      const entries = open.entries && { ...open.entries, tag: no };
      return { ...open, entries, client: { ...open.client, writeAwsAuth: no } };
    };
    await reconcileCluster({ ...context, openCluster: unanswered }, cluster);
    await revokeOnly(context, "r-carol");
    await reconcileCluster(context, cluster);

    expect((await requestOf(context, "r-carol")).lease?.state).toBe("scheduled");
    await reconcileCluster(inMinutes(4), cluster);
    const { lease, trouble } = await requestOf(context, "r-carol");
    // The document's fence refuses a late write, so only a binding was waited for.
    if (way === "aws-auth") expect(lease?.state).toBe("failed");
    else expect([lease?.state, trouble?.code]).toEqual(["scheduled", "access-entry-late"]);
    await reconcileCluster(inMinutes(8), cluster);
    expect((await requestOf(context, "r-carol")).lease?.state).toBe("failed");
    await revokeGiven(context, cluster, "r-alice");
    expect(await place.all()).toBe(before);
  });

  // Only a document is written whole, and read back.
  if (way === "aws-auth") {
    test("is added to an aws-auth that the worker creates, where the configuration says so", async () => {
      const config = modesConfig((text) =>
        text
          .replaceAll("    channel:", "    createAwsAuth: true\n    channel:")
          .replace(/levels: \[viewer, admin/g, "levels: [own, viewer, admin")
          .replace(/^levels:\n/m, "levels:\n  own: { bind: [{ clusterRole: view, in: all }], maxDuration: 8h }\n"),
      );
      cluster = clusterIn(config, name);
      context = { ...context, config, pause: async () => {} };
      await side().sandbox.cluster.deleteAwsAuth();
      await giveTo(alice, "r-one");

      expect(await place.entry()).toMatchObject({ username, groups: [] });
      expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
      expect((await revokeGiven(context, cluster, "r-one")).lease?.state).toBe("ended");
      expect(await place.entry()).toBeNull();
    });

    test("takes as many leases as the place has room for: another one is refused, and says why", async () => {
      await giveTo(alice, "r-alice");
      for (const id of ["r-carol", "r-dave"]) {
        await ask(context, cluster, { id, principal: session(id), level: "own" });
        await approve(context, cluster, id);
      }
      await side().sandbox.cluster.editAwsAuth(({ metadata, ...map }) => {
        const { annotations = {} } = metadata;
        const forOneMore = (annotations[leasesAnnotation]?.length ?? 0) + 75;
        const bytes = allAnnotationsBytes - 16 * 1024 - leasesAnnotation.length - forOneMore - 1;
        return { ...map, metadata: { ...metadata, annotations: { ...annotations, x: "x".repeat(bytes) } } };
      });
      await reconcileCluster(context, cluster);

      const leases = await Promise.all(["r-carol", "r-dave"].map((id) => requestOf(context, id)));
      expect(leases.map(({ lease }) => lease?.failure?.code ?? lease?.state).toSorted()).toEqual([
        "active",
        "annotation-full",
      ]);
      expect((await requestOf(context, "r-alice")).lease?.state).toBe("active");
      expect((await ask(context, cluster, { id: "r-late", principal: carol, level: "own" })).refusal?.code).toBe(
        "annotation-full",
      );
    });

    test("that is still there after its removal keeps the lease open, and goes with a later run", async () => {
      await giveTo(alice, "r-one");
      await revokeOnly(context, "r-one");
      const withoutEffect = openingWith(() => ({ writeAwsAuth: async (read) => read }));
      await reconcileCluster({ ...context, openCluster: withoutEffect }, cluster);

      const { lease, trouble } = await requestOf(context, "r-one");
      expect(await bindings()).toEqual([]);
      expect([lease?.state, trouble?.code]).toEqual(["active", "cluster-conflict"]);
      await reconcileCluster(inMinutes(4), cluster);
      expect((await requestOf(context, "r-one")).lease).toMatchObject({ state: "ended", remains: null });
      expect(await place.all()).toBe(before);
    });
  }

  if (way === "access-entry") {
    test("for a role that does not exist fails the lease at once, and says what to check", async () => {
      const absent = alice.replace("Developer", "Deleted");
      await ask(context, cluster, { id: "r-one", principal: absent, level: "own" });
      await approve(context, cluster, "r-one");
      await reconcileCluster(context, cluster);

      const { state, failure } = (await requestOf(context, "r-one")).lease ?? {};
      expect({ state, code: failure?.code }).toEqual({ state: "failed", code: "access-entry-refused" });
      expect(failure?.message).toMatch(/invalid principal\)\. Check that this path exists \(--role, /);
      expect([await bindings(), await place.all()]).toEqual([[], before]);
    });

    test("that EKS makes, whose tags it refuses and which it keeps, fails no lease", async () => {
      await ask(context, cluster, { id: "r-one", principal: alice, level: "own" });
      await approve(context, cluster, "r-one");
      const refusing: typeof openCluster = async (...about) => {
        const { entries, ...open } = await openCluster(...about);
        const create: AccessEntries["create"] = async (entry) => {
          const made = await entries?.create(entry);
          return { arn: made?.arn ?? "", createdAt: new Date(Date.now() + 3_600_000).toISOString() };
        };
        const no = () => Promise.reject(new AccessError("access-entry-refused", "EKS answered 400"));
        return { ...open, entries: entries && { ...entries, create, tag: no, remove: no } };
      };
      await reconcileCluster({ ...context, openCluster: refusing }, cluster);

      expect((await requestOf(context, "r-one")).lease?.state).toBe("scheduled");
      await reconcileCluster(context, cluster, "inspect");
      expect((await requestOf(context, "r-one")).lease?.state).toBe("active");
    });
  }

  test("that can't be written gives nothing, and delays no lease that needs no entry", async () => {
    await ask(context, cluster, { id: "r-own", principal: alice, level: "own" });
    await approve(context, cluster, "r-own");
    const refusing: typeof openCluster = async (...about) => {
      const open = await openCluster(...about);
      const no = () => Promise.reject(new AccessError("cluster-unreachable", "no answer"));
      const entries = open.entries && { ...open.entries, create: no };
      return { ...open, entries, client: { ...open.client, writeAwsAuth: no } };
    };
    await reconcileCluster({ ...context, openCluster: refusing }, cluster);

    expect(await bindings()).toEqual([]);
    expect(await requestOf(context, "r-own")).toMatchObject({
      lease: { state: "scheduled" },
      trouble: expect.anything(),
    });
    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, "r-own")).lease?.state).toBe("active");
  });
});

test("the write for one lease keeps the entry for another that only the ledger remembers, and brings its share back with its own write", () => {
  const [mine, lost] = ["r-mine", "r-lost"].map((id) => signInShare({ id, endsAt: "2026-03-01T10:00:00.000Z" }));
  if (!mine || !lost) throw new Error("There are two.");
  const holding = { arn: role, entryAdded: true, added: [], shares: [lost, mine] };
  const place = {
    holdings: new Map([[role.toLowerCase(), holding]]),
    identityOf: () => ({ username, groups: [] }),
    ...{ lost: new Set([lost.id]), changed: new Map<string, string>() },
  };
  const written = (...of: Parameters<typeof signInTargets>) =>
    [...signInTargets(...of).values()].map(({ change, holding }) => [change.type, holding?.shares ?? null]);

  expect(written(place, [], { over: new Set([mine.id]) })).toEqual([["map", null]]);
  expect(written(place, [{ principal: carol, share: { ...mine, id: "r-new" } }])).toEqual([
    ["map", [mine, { ...mine, id: "r-new" }]],
  ]);
  expect(written(place, [{ principal: alice, share: lost }])).toEqual([["map", [lost, mine]]]);
  expect(written(place, [], { over: new Set([mine.id, lost.id]) })).toEqual([["unmap", null]]);
});
