import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { NewCluster } from "../../sandbox/aws/eks-clusters.ts";
import { account, arns, region } from "../../sandbox/scene.ts";
import { configurationOf } from "../../sandbox/scene-clusters.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { memoryKeys } from "../../src/access/seal.ts";
import type { AwsCredentials } from "../../src/aws/client-settings.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { type Ledger, redisLedger } from "../../src/ledger/ledger.ts";
import { finishedCalls, requestIds } from "../../src/operations/announcements.ts";
import { usualDeadlines, withinDeadline } from "../../src/operations/deadlines.ts";
import { rememberedCreation } from "../../src/worker/discover-creator.ts";
import { creatorArnFor, openCluster } from "../../src/worker/open-cluster.ts";
import { reportChain } from "../../src/worker/questions/chain.ts";
import { clusterIn, configOf } from "../builders/a-cluster.ts";
import { aSecret, keys, otherKeys } from "../builders/keys.ts";
import { creatorArns, creators } from "../creators.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { aRedis } from "../redis.ts";
import { recordOf } from "../sandbox/aws/creator-records.ts";
import { useWorkerSide } from "./worker-side.ts";

const workerSide = useWorkerSide({ scene: creators });
const clusterArn = `arn:aws:eks:${region}:${account}:cluster/research`;
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

/** A cluster of the configuration, or one like it. */
function configured(name: string, change: Partial<Cluster> = {}): Cluster {
  return { ...clusterIn(configOf(configurationOf({ scene: creators })), name), ...change };
}

/** Opens a cluster as a run does; who the API server says that we are there, and whom the run must not map. */
async function open(cluster: Cluster, ledger: Ledger = memoryLedger()) {
  const opened = await openCluster(workerSide().context(ledger), cluster, []);
  try {
    const { username } = (await opened.client.whoAmI()) ?? {};
    return { creatorArn: opened.creatorArn, username };
  } finally {
    opened.close();
  }
}

/** The cluster `research` was made at this time by this creator, and CloudTrail recorded it so. */
function createResearch(how: Partial<NewCluster> & { creatorArn: string }): void {
  const { aws, clusters } = workerSide().sandbox;
  const cluster = clusters.get("research");
  if (!cluster) throw new Error("the sandbox has no research");
  aws.removeCluster(clusterArn);
  aws.addCluster({ ...cluster, region, ...how });
}

/** Gives the worker these keys in its environment, or none, until what is returned is called. */
function becomeWorker(keys: AwsCredentials | null): () => void {
  const names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
  const before = names.map((name) => process.env[name]);
  const given = [keys?.accessKeyId, keys?.secretAccessKey, keys?.sessionToken];
  const set = (values: readonly (string | undefined)[]) =>
    names.forEach((name, at) => void vi.stubEnv(name, values[at]));
  set(given);
  return () => set(before);
}

/** STS's answer to credentials that it does not know. */
const unknownToken = {
  type: "answer",
  status: 403,
  body: "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>",
} as const;

const lookups = () => workerSide().sandbox.faults.calls("cloudtrail.LookupEvents");

afterEach(() => {
  workerSide().sandbox.aws.account.setTrust(creatorArns.hub, { principals: [arns.worker], externalId: "hub-id" });
});

test("a session comes with its identity, and no call asks for that", async () => {
  const answered: string[] = [];
  // The files of a worker share a process: a call that another one has left on its way ends here, too.
  const asked = ["AssumeRole", "GET clusters", "GetCallerIdentity"];
  const stopListening = finishedCalls.subscribe(
    ({ operation }) => asked.includes(operation) && answered.push(operation),
  );

  const opened = await openCluster(workerSide().context(), configured("staging"), []);
  opened.close();
  stopListening();

  expect(answered).toEqual(["AssumeRole", "GET clusters"]);
});

test.each([
  ["letters that AWS takes in no session", "U0<!channel>\n\u0000 ü"],
  ["one letter", "U"],
  ["no letter", ""],
  ["a prefix of AWS's own", "aws:U0ENGINEER"],
  ["letters without end", "U0".repeat(5_000)],
])(
  "a requester or an id in Redis with %s keeps no run from its cluster, and so no other lease from its end",
  async (_, text) => {
    for (const name of ["staging", "payments"]) {
      const purposes = [{ id: `r-${text}`, requester: text }];

      const opened = await openCluster(workerSide().context(), configured(name), purposes);

      opened.close();
    }
  },
);

test("a worker that AWS does not know is reported, and not that the first role refused it", async () => {
  const { faults } = workerSide().sandbox;
  // Its client asks once more, with newly read credentials.
  const twice = { times: 2 };
  const plans = ["sts.AssumeRole", "sts.GetCallerIdentity"].map((call) => faults.plan(call, unknownToken, twice));

  const failure = openCluster(workerSide().context(), configured("staging"), []);

  await expect(failure).rejects.toThrow(/sts:GetCallerIdentity.*InvalidClientTokenId/);
  for (const { cancel } of plans) cancel();
});

describe("a chain of roles", () => {
  test("leads to the creator, which the worker is to the API server", async () => {
    expect(await open(configured("payments"))).toEqual({
      creatorArn: creatorArns.chained,
      username: "kubernetes-admin",
    });
  });

  test("is reported call by call: each role with the request id that CloudTrail has", async () => {
    const awsRequests = requestIds();

    const opened = await openCluster({ ...workerSide().context(), awsRequests }, configured("payments"), []);
    opened.close();

    const events = workerSide().sandbox.aws.cloudTrail.events.filter(({ name }) => name === "AssumeRole");
    const ids = events.slice(-2).map(({ record }) => record.requestID);
    expect(awsRequests.byCall()).toMatchObject({
      "sts:AssumeRole": ids,
      "eks:DescribeCluster": [expect.any(String)],
    });
  });

  test("that is broken is reported with the role at which it breaks", async () => {
    workerSide().sandbox.aws.account.setTrust(creatorArns.hub, { principals: [] });

    await expect(open(configured("payments"))).rejects.toThrow(`sts:AssumeRole on ${creatorArns.hub}`);
  });
});

describe("a user that created the cluster", () => {
  const legacy = (creator: object) =>
    configured("legacy", { creator: { type: "user", userArn: creatorArns.user, ...creator } });

  test("is become with the keys of its profile", async () => {
    expect(await open(configured("legacy"))).toEqual({ creatorArn: creatorArns.user, username: "kubernetes-admin" });
  });

  test("is not become with another person's keys", async () => {
    const folder = mkdtempSync(join(tmpdir(), "eks-access-profile-"));
    const profiles = process.env.AWS_SHARED_CREDENTIALS_FILE ?? "";
    const { accessKeyId, secretAccessKey } = workerSide().sandbox.aws.account.addUser({ name: "impostor" });
    const text = `[other]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    writeFileSync(join(folder, "credentials"), text);
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));

    const failure = open(legacy({ profile: "other" }));

    await expect(failure).rejects.toMatchObject({
      code: "creator-mismatch",
      what: `AWS says that the worker's profile other, which should be the creator of legacy, is arn:aws:iam::${account}:user/impostor, not ${creatorArns.user}`,
    });
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", profiles);
    rmSync(folder, { recursive: true });
  });

  test("may be the worker itself", async () => {
    const { aws, clusters } = workerSide().sandbox;
    const keys = aws.account.addAccessKey(creatorArns.user);
    const cluster = clusters.get("legacy");
    if (!cluster) throw new Error("the sandbox has no legacy");
    // A region of its own: the worker's identity is looked for once in each.
    aws.addCluster({ ...cluster, region: "eu-north-1", creatorArn: creatorArns.user });
    const restore = becomeWorker(keys);

    const opened = await open({ ...legacy({}), region: "eu-north-1" });

    restore();
    expect(opened).toEqual({ creatorArn: creatorArns.user, username: "kubernetes-admin" });
  });

  test("is become by a worker that has no identity of its own, and the chain says that it needs none", async () => {
    const { aws, clusters } = workerSide().sandbox;
    const cluster = clusters.get("legacy");
    if (!cluster) throw new Error("the sandbox has no legacy");
    aws.addCluster({ ...cluster, region: "eu-west-2", creatorArn: creatorArns.user });
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    const restore = becomeWorker(null);

    const elsewhere = configured("legacy", { region: "eu-west-2" });
    const { links } = await reportChain(workerSide().context(), elsewhere, {
      user: "U0ENGINEER",
      isResponsible: false,
    });
    const needed = reportChain(workerSide().context(), configured("staging", { region: "eu-west-2" }), {
      user: "U0ENGINEER",
      isResponsible: false,
    });

    const ofRole = (await needed.finally(restore)).links;
    expect(links.slice(0, 4).map(({ result }) => result)).toEqual(["yes", "yes", "yes", "yes"]);
    expect(links[0]?.detail).toBe("it has no identity of its own and needs none for this cluster");
    expect(ofRole.slice(0, 2).map(({ result }) => result)).toEqual(["no", "not asked"]);
  });

  test("is not the worker if it is another identity, and the answer says what to do", async () => {
    await expect(open(legacy({}))).rejects.toMatchObject({
      what: expect.stringContaining("AWS says that the worker itself, which should be the creator of legacy, is arn:"),
      remedy: "Set creator.profile, with this user's keys.",
    });
  });
});

describe("a creator that to discover", () => {
  const research = (change: Partial<Cluster> = {}) => configured("research", change);

  afterEach(() => createResearch({ creatorArn: creatorArns.discovered }));

  test("is asked for once, and remembered", async () => {
    const ledger = memoryLedger();
    const before = lookups();

    const first = await open(research(), ledger);
    const second = await open(research(), ledger);

    expect([first, second]).toEqual([
      { creatorArn: creatorArns.discovered, username: "kubernetes-admin" },
      { creatorArn: creatorArns.discovered, username: "kubernetes-admin" },
    ]);
    expect(lookups() - before).toBe(1);
  });

  test("is a user where a user made it, with the keys of the configured profile", async () => {
    createResearch({ creatorArn: creatorArns.user });

    const opened = openCluster(
      workerSide().context(),
      research({ creator: { type: "discover", through: [], profile: "legacy-founder" } }),
      [],
    );

    expect((await opened).creatorArn).toBe(creatorArns.user);
    (await opened).close();
  });

  const forged = {
    eventId: "e",
    at: new Date().toISOString(),
    kind: "AssumedRole",
    arn: arns.creator,
    invokedBy: null,
  };
  test.each([
    ["without a seal", { record: forged }],
    [
      "with a seal of other keys",
      { record: forged, seal: otherKeys.memory.seal("creation", { clusterArn, ...forged }) },
    ],
    [
      "with the seal of another cluster",
      { record: forged, seal: keys.memory.seal("creation", { clusterArn: `${clusterArn}-2`, ...forged }) },
    ],
    [
      "with a seal of another purpose",
      { record: forged, seal: keys.memory.seal("written", { clusterArn, ...forged }) },
    ],
    ["that is no record at all", "arn:aws:iam::111122223333:role/cluster-creator"],
  ])("is not the one that a person wrote into Redis %s", async (_how, written) => {
    const ledger = { ...memoryLedger(), creation: async () => written };

    expect(await open(research(), ledger)).toMatchObject({ creatorArn: creatorArns.discovered });
  });

  test.each([
    ["forgot it", { type: "answer", status: 200, body: JSON.stringify({ Events: [] }) }],
    ["refuses to answer", { type: "answer", status: 400, body: JSON.stringify({ __type: "AccessDeniedException" }) }],
  ] as const)(
    "is the one that this process has seen, after an attacker with Redis took it away and CloudTrail %s",
    async (_, answer) => {
      await open(research());
      workerSide().sandbox.faults.plan("cloudtrail.LookupEvents", answer);

      expect(await open(research())).toMatchObject({ creatorArn: creatorArns.discovered });
    },
  );

  test("gets no lease beside an operator either, after an attacker with Redis took its memory away", async () => {
    const operator = { type: "role", roleArn: arns.creator, through: [] } as const;
    await open(research());

    const creatorArn = await creatorArnFor(workerSide().context(), research({ operator }), operator);

    expect(creatorArn).toBe(creatorArns.discovered);
  });

  test("outlives a rotation of the memory key, although CloudTrail forgot it", async () => {
    const ledger = memoryLedger();
    const [before, after] = [aSecret("before"), aSecret("after")];
    const openWith = async (...secrets: Parameters<typeof memoryKeys>[0]) => {
      const context = { ...workerSide().context(ledger), keys: { ...keys, memory: memoryKeys(secrets) } };
      (await openCluster(context, research(), [])).close();
      return context;
    };

    await openWith(before);
    await openWith(before, after);
    await openWith(after, before);
    const asked = lookups();
    const context = await openWith(after);

    expect(lookups()).toBe(asked);
    expect(await rememberedCreation(context, research())).toMatchObject({ arn: creatorArns.discovered });
  });

  test("opens the cluster whatever an attacker with Redis left in the place of its memory", async () => {
    const database = await aRedis();
    const { redis, close } = await connectRedis(database.url);
    await redis.set("{eks-access}:creations", "garbage");

    const opened = await open(research(), redisLedger(redis));

    expect(opened).toMatchObject({ creatorArn: creatorArns.discovered });
    await close();
    await database.close();
  });

  test("differs if the cluster was made again, even if the worker can still become the former creator", async () => {
    const ledger = memoryLedger();
    const { account: identities } = workerSide().sandbox.aws;
    const successor = identities.addRole({
      name: "research-successor",
      allow: ["eks:DescribeCluster"],
      trust: { principals: [arns.worker] },
    });
    createResearch({ creatorArn: creatorArns.discovered, createdAt: minutesAgo(60) });
    await open(research(), ledger);
    createResearch({ creatorArn: successor.arn, createdAt: minutesAgo(10) });

    const opened = await openCluster(workerSide().context(ledger), research(), []);

    opened.close();
    expect(opened.creatorArn).toBe(successor.arn);
  });

  test("differs if the cluster was made again, after the root user had made it", async () => {
    const ledger = memoryLedger();
    const { discovered } = creatorArns;
    createResearch({ creatorArn: discovered, recordedAs: recordOf("Root", discovered) });
    await expect(open(research(), ledger)).rejects.toThrow("its creator is the root user");
    createResearch({ creatorArn: discovered });

    expect(await open(research(), ledger)).toMatchObject({ creatorArn: discovered });
  });

  test("of another account than the worker's is asked about through the roles that lead there", async () => {
    const { account: identities } = workerSide().sandbox.aws;
    const worker = identities.addRole({
      name: "worker-abroad",
      account: "444455556666",
      allow: ["sts:AssumeRole", "sts:SetSourceIdentity", "cloudtrail:LookupEvents"],
    });
    const historian = identities.addRole({
      name: "historian",
      allow: ["cloudtrail:LookupEvents", "sts:SetSourceIdentity"],
      trust: { principals: [worker.arn] },
    });
    const creator = identities.addRole({
      name: "creator-abroad",
      allow: ["eks:DescribeCluster"],
      trust: { principals: [historian.arn] },
    });
    createResearch({ creatorArn: creator.arn, region: "eu-west-3" });
    const restore = becomeWorker(identities.sessionFor(worker.arn, "pod"));

    const throughThem = research({
      region: "eu-west-3",
      creator: { type: "discover", through: [{ roleArn: historian.arn }] },
    });
    const opened = await openCluster(workerSide().context(), throughThem, []).finally(restore);
    opened.close();

    expect(opened.creatorArn).toBe(creator.arn);
  });

  test("of another account is not looked for in the worker's own history", async () => {
    const elsewhere = research({ account: "999988887777" });

    await expect(open(elsewhere)).rejects.toThrow(
      `Account ${account} can't search the history of account 999988887777`,
    );
  });

  test("of another account is not assumed, so that account never sees our external id", async () => {
    const { account: identities, cloudTrail } = workerSide().sandbox.aws;
    const trust = { principals: [arns.worker] };
    const { arn: abroad } = identities.addRole({ name: "lure", account: "999988887777", trust });
    createResearch({ creatorArn: creatorArns.discovered, recordedAs: recordOf("AssumedRole", abroad) });

    await expect(open(research())).rejects.toMatchObject({
      code: "creator-unknown",
      what: `CloudTrail says about research: its creator, ${abroad}, is not of its account, ${account}`,
    });

    const attempts = cloudTrail.events.filter(({ name }) => name === "AssumeRole").map(({ record }) => record);
    expect(JSON.stringify(attempts)).not.toContain(abroad);
  });

  test.each([
    [
      "AWSService" as const,
      "CloudTrail says about research: an AWS service created it in its own name (cloudformation.amazonaws.com). Switch to API_AND_CONFIG_MAP, give a role an access entry with AmazonEKSClusterAdminPolicy, and name it as creator.",
    ],
    [
      "Root" as const,
      "CloudTrail says about research: its creator is the root user of the account, which no worker should use. Switch to API_AND_CONFIG_MAP, give a role an access entry with AmazonEKSClusterAdminPolicy, and name it as creator.",
    ],
  ])("can be no one, and then it is said what to do: %s", async (kind, message) => {
    const creatorArn = creatorArns.discovered;
    createResearch({ creatorArn, recordedAs: recordOf(kind, creatorArn) });

    await expect(open(research())).rejects.toMatchObject({ code: "creator-unknown", message });
  });

  test("may be too old for CloudTrail: the answer says what to do", async () => {
    const elsewhere = research({ region: "eu-south-1" });

    await expect(open(elsewhere)).rejects.toMatchObject({
      code: "creator-unknown",
      message:
        "CloudTrail in eu-south-1 of account 111122223333 has no record of research in its 90 days. Correct eksName, region or account, or set creator.",
    });
  });

  test("is sought in a history that is too long for a run: the answer says so, and blames no other run", async () => {
    const endless = { type: "answer", status: 200, body: JSON.stringify({ Events: [], NextToken: "more" }) } as const;
    const { cancel } = workerSide().sandbox.faults.plan("cloudtrail.LookupEvents", endless, { times: 100 });
    const unseen = { ...research(), eksName: "of-a-long-history" };

    const opening = withinDeadline("run", { ...usualDeadlines, run: 700 }, () => open(unseen));

    await expect(opening).rejects.toThrow("the total deadline of 0.7 s (run) has passed");
    cancel();
  });

  test("is asked for by many at once no faster than CloudTrail takes it: each waits for a turn that all workers share", async () => {
    const shared = memoryLedger();
    const taken: string[] = [];
    const takeTurn: Ledger["takeTurn"] = async (name, everyMs) => {
      const isTaken = await shared.takeTurn(name, everyMs);
      if (isTaken) taken.push(`${name} every ${everyMs} ms`);
      return isTaken;
    };
    const ledger = { ...shared, takeTurn, creation: async () => null };
    const before = lookups();

    await Promise.all([1, 2, 3].map(() => open(research(), ledger)));

    expect(lookups() - before).toBe(3);
    expect(taken).toEqual(Array.from({ length: 3 }, () => `cloudtrail-${account}-${region} every 550 ms`));
  });
});

test("an address of the configuration is gone to, and EKS is asked all the same whether it is the cluster meant", async () => {
  const { aws, cluster } = workerSide().sandbox;
  const arn = `arn:aws:eks:${region}:${account}:cluster/staging`;
  const { endpoint, certificateAuthority } = cluster;
  aws.updateCluster(arn, { endpoint: "https://127.0.0.1:9", certificateAuthority: "Q0E=" });

  const opened = await open(configured("staging", { endpoint, certificateAuthority }));
  const stranger = open(configured("staging", { endpoint, certificateAuthority, eksName: "nobody" }));

  expect(opened.username).toBe("kubernetes-admin");
  await expect(stranger).rejects.toMatchObject({ code: "cluster-not-found" });
  aws.updateCluster(arn, { endpoint, certificateAuthority });
});
