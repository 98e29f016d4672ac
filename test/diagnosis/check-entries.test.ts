import { describe, expect, test } from "vitest";
import type { ApprovedRequest } from "../../src/access/record.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { type EntriesFacts, readingOrder, summarizeEntries } from "../../src/diagnosis/check-entries.ts";
import { openLeasesAround, type ReadEntry } from "../../src/diagnosis/leases.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aLeasedRequest, aProof, engineerArn } from "../builders/a-request.ts";
import { aHolding, aShare, aWrittenEntry } from "../builders/a-share.ts";
import { aReadEntry } from "../builders/an-entry.ts";
import { at, hours, minutes } from "../builders/times.ts";
import { developers, roleEntry } from "../builders/why-facts.ts";

const written = aWrittenEntry();
const leased = aLeasedRequest({ written });
const team = "arn:aws:iam::111122223333:role/team/developers";
const admin = [{ name: "AmazonEKSClusterAdminPolicy", namespaces: null }];

/** With leases that nothing was recorded of while the cluster was read. */
type Change = Partial<Omit<EntriesFacts, "leased">> & { readonly leased?: readonly ApprovedRequest[] };

function factsOf(read: readonly ReadEntry[], { leased = [], ...change }: Change = {}): EntriesFacts {
  return {
    cluster: aCluster(),
    creatorArn: "arn:aws:iam::111122223333:role/cluster-creator",
    listed: read.map(({ entry }) => entry.principalArn),
    read,
    document: null,
    boundGroups: new Set(["eks-access:viewers", "readers"]),
    leased: openLeasesAround(leased, leased),
    asker: { user: "U0ONCALL", principal: null, isResponsible: true },
    roles: { madeAt: new Map(), absent: new Set(), why: null },
    now: at(hours(1)),
    ...change,
  };
}

const tell = (read: readonly ReadEntry[], change: Change = {}) => summarizeEntries(factsOf(read, change)).groups;
const codes = (read: readonly ReadEntry[], change: Change = {}) => tell(read, change).map(({ code }) => code);

describe("the report on access entries", () => {
  test("counts those that were read by their type, the most first, and all that are there", () => {
    const node = aReadEntry({ principalArn: `${developers}-node`, type: "EC2_LINUX", groups: ["system:nodes"] });
    const facts = factsOf([node, aReadEntry(), aReadEntry({ principalArn: developers })], {
      listed: [...Array(3000).keys()].map((index) => `${developers}-${index}`),
    });

    expect(summarizeEntries(facts)).toEqual({
      counts: { error: 0, warning: 0, notice: 0 },
      groups: [],
      left: 0,
      listed: 3000,
      types: [
        { type: "STANDARD", count: 2 },
        { type: "EC2_LINUX", count: 1 },
      ],
      knowsBindings: true,
    });
  });

  test("reports an entry that gives neither groups nor access policies", () => {
    const [problem] = tell([aReadEntry({ groups: [] })]);

    expect(problem).toMatchObject({ code: "entry-without-rights", severity: "warning", places: [engineerArn] });
    expect(problem?.message).toContain("only a binding of `engineer` gives rights");
    expect(codes([aReadEntry({ groups: [], type: "EC2" })])).toEqual([]);
    expect(codes([aReadEntry({ groups: [], policies: [{ name: "AmazonEKSViewPolicy", namespaces: ["a"] }] })])).toEqual(
      [],
    );
  });

  test("reports a group that no binding names, once for all entries, and nothing where RBAC was not asked", () => {
    const read = ["one", "two"].map((name) =>
      aReadEntry({ principalArn: `${developers}-${name}`, groups: ["readers", "nobodys"] }),
    );

    expect(tell(read)).toMatchObject([{ code: "group-unbound", severity: "warning", count: 2 }]);
    expect(tell(read)[0]?.message).toContain("names `nobodys`.");
    expect(summarizeEntries(factsOf(read, { boundGroups: null }))).toMatchObject({ groups: [], knowsBindings: false });
  });

  test("names administrators of the whole cluster, but not its creator nor those of some namespaces", () => {
    const some = [{ name: "AmazonEKSClusterAdminPolicy", namespaces: ["payments"] }];

    expect(tell([aReadEntry({ policies: admin })])).toMatchObject([{ code: "cluster-admin", severity: "notice" }]);
    expect(codes([aReadEntry({ policies: some })])).toEqual([]);
    const creator = "arn:aws:iam::111122223333:role/team/cluster-creator";
    expect(codes([aReadEntry({ principalArn: creator, policies: admin })])).toEqual([]);
  });

  test("says that the operator is still an administrator, which it is only during its bootstrap", () => {
    const roleArn = "arn:aws:iam::111122223333:role/team/operator";
    const cluster = aCluster({ operator: { type: "role", roleArn, through: [] } });

    const [problem, ...others] = tell([aReadEntry({ principalArn: roleArn, policies: admin })], { cluster });

    expect(problem).toMatchObject({ code: "operator-admin", severity: "error" });
    expect(others).toEqual([]);
  });
});

describe("of what is ours in an entry it", () => {
  test("says nothing while tags, entry and ledger agree", () => {
    expect(codes([aReadEntry({}, aHolding())], { leased: [leased] })).toEqual([]);
  });

  test("reports tags that were copied from another entry", () => {
    const { entry } = aReadEntry({}, aHolding());

    const read = aReadEntry({ principalArn: developers, tags: entry.tags });

    expect(tell([read])).toMatchObject([{ code: "tags-untrusted", severity: "error", places: [developers] }]);
    expect(tell([read])[0]?.message).toContain("the seal of the tags of");
  });

  test("reports a lease that is there minutes after its end, and none that just ended", () => {
    const read = aReadEntry({}, aHolding({ shares: [aShare({ endsAt: at(hours(4)).toISOString() })] }));

    expect(codes([read], { leased: [leased], now: at(hours(4) + minutes(9)) })).toEqual([]);
    expect(tell([read], { leased: [leased], now: at(hours(4) + minutes(11)) })).toMatchObject([
      { code: "lease-overdue", severity: "error", places: [engineerArn] },
    ]);
  });

  test("reports a rescue that is there after its end", () => {
    const rescue = { id: "r-9", by: "U0ONCALL", as: engineerArn, endsAt: at(0).toISOString() };

    expect(codes([{ ...aReadEntry(), rescue }])).toEqual(["lease-overdue"]);
  });

  test("reports a claim of a lease that is not active in the ledger, unless calls by it may still arrive", () => {
    const open = aReadEntry({}, aHolding(), at(hours(1) - 30).toISOString());

    expect(tell([aReadEntry({}, aHolding())])).toMatchObject([
      { code: "claim-unknown", severity: "warning", remedy: expect.stringContaining("`eks-access recover` at once") },
    ]);
    expect(codes([open])).toEqual([]);
  });

  test("knows a lease that began or ended while the entries were read, and misses neither", () => {
    const early = openLeasesAround([], [leased]);
    const late = openLeasesAround([leased], []);
    const claimed = factsOf([aReadEntry({}, aHolding())]);
    const gone = factsOf([]);

    for (const around of [early, late]) {
      expect(summarizeEntries({ ...claimed, leased: around }).groups).toEqual([]);
      expect(summarizeEntries({ ...gone, leased: around }).groups).toEqual([]);
    }
  });

  test("does not take an entry that is emptied before it goes for one that gives nothing", () => {
    expect(codes([aReadEntry({ groups: [] }, aHolding({ shares: [] }))])).toEqual([]);
  });

  test("reports a part of a lease that others removed, and an entry that is gone", () => {
    const lacking = tell([aReadEntry({ groups: [] }, aHolding())], { leased: [leased] });
    const gone = tell([], { leased: [leased] });

    expect(lacking).toMatchObject([{ code: "lease-part-removed", severity: "error", places: [engineerArn] }]);
    expect(lacking[0]?.message).toContain(
      `\`r-1\` is active, but its access is missing: the entry of ${engineerArn} lacks`,
    );
    expect(gone[0]?.message).toContain(`the entry of ${engineerArn} is gone`);
  });

  test("claims nothing about a lease with an unread entry, in aws-auth, or near its end", () => {
    const ends = { cause: "revoked", by: "U0ENGINEER", at: at(0).toISOString(), why: "" } as const;

    expect(codes([], { leased: [leased], listed: [engineerArn] })).toEqual([]);
    expect(codes([], { leased: [aLeasedRequest({ written: { ...written, way: "aws-auth" } })] })).toEqual([]);
    expect(codes([], { leased: [aLeasedRequest({ written, end: ends })] })).toEqual([]);
  });

  test("shows people who do not answer for the cluster only their own leases", () => {
    const stranger = { user: "U0OTHER", principal: null, isResponsible: false };
    const [others] = tell([], { leased: [leased], asker: stranger });
    const [own] = tell([], { leased: [leased], asker: { ...stranger, user: "U0ENGINEER" } });
    const theirs = { ...leased, id: "r-2", requester: "U0COLLEAGUE", principal: developers };
    const [both] = tell([], { leased: [theirs, leased], asker: { ...stranger, user: "U0ENGINEER" } });

    expect(others).toMatchObject({ code: "lease-part-removed", places: ["another person's"] });
    expect(JSON.stringify(others)).not.toMatch(/engineer|r-1/);
    expect(own?.places).toEqual([engineerArn]);
    expect(both).toMatchObject({
      places: [engineerArn, "another person's"],
      message: expect.stringContaining("`r-1`"),
    });
  });
});

describe("an item of aws-auth behind an access entry", () => {
  const behind = (mapRoles: string) => ({ document: parseDocument({ mapRoles }) });
  const entry = { principalArn: team, username: "developer", groups: ["readers"] };

  test("is reported where the username is another one", () => {
    const [problem] = tell([aReadEntry({ ...entry, username: "dev:{{SessionName}}" })], behind(roleEntry(developers)));

    expect(problem).toMatchObject({ code: "entry-hides-item", severity: "warning", places: [team] });
    expect(problem?.message).toBe(
      `The access entry of ${team} overrides mapRoles line 1 of aws-auth. It says \`dev:{{SessionName}}\` in \`readers\`; aws-auth says \`developer\` in \`readers\`.`,
    );
  });

  test("is reported with the groups that are lost", () => {
    const [problem] = tell([aReadEntry(entry)], behind(roleEntry(developers, ["readers", "writers"])));

    expect(problem?.message).toContain("of aws-auth and loses `writers`.");
  });

  test.each([
    ["gives groups besides", { ...entry, groups: ["readers", "eks-access:viewers"] }],
    ["gives an access policy besides", { ...entry, policies: [{ name: "AmazonEKSViewPolicy", namespaces: null }] }],
    ["is one of nodes", { ...entry, type: "EC2_LINUX", groups: ["system:nodes"] }],
  ])("is reported where the entry %s", (_, change) => {
    expect(codes([aReadEntry(change)], behind(roleEntry(developers)))).toEqual(["entry-hides-item"]);
  });

  test.each([
    ["word for word", roleEntry(developers), entry],
    ["as an administrator", roleEntry(developers, ["system:masters"]), { ...entry, groups: [], policies: admin }],
    ["but for a group that everybody is in", roleEntry(developers, ["readers", "system:authenticated"]), entry],
    [
      "with the account written out",
      roleEntry(developers, ["readers"], '"{{AccountID}}:dev:{{SessionName}}"'),
      { ...entry, username: "111122223333:dev:{{SessionName}}" },
    ],
  ])("is not reported where both say the same, %s", (_, mapRoles, change) => {
    expect(codes([aReadEntry(change)], behind(mapRoles))).not.toContain("entry-hides-item");
  });

  test("is not reported for what a lease adds to the entry", () => {
    const holding = aHolding({ arn: developers, entryAdded: false });
    const read = aReadEntry({ ...entry, groups: ["readers", "eks-access:viewers"] }, holding);

    const given = aLeasedRequest({ written }, { principal: developers });
    expect(codes([read], { ...behind(roleEntry(developers)), leased: [given] })).toEqual([]);
  });

  test("is an error if nodes sign in through it and the entry is for people", () => {
    const nodes = roleEntry(
      developers,
      ["system:bootstrappers", "system:nodes"],
      '"system:node:{{EC2PrivateDNSName}}"',
    );

    const [problem] = tell([aReadEntry(entry)], behind(nodes));
    expect(problem).toMatchObject({ code: "entry-hides-nodes", severity: "error" });
    expect(problem?.remedy).toContain("--cluster-name staging-eks --type EC2_LINUX --principal-arn arn:");
    expect(codes([aReadEntry({ ...entry, type: "EC2_LINUX", groups: ["system:nodes"] })], behind(nodes))).toEqual([]);
    const [hybrid] = tell([aReadEntry({ ...entry, type: "HYBRID_LINUX", groups: ["system:nodes"] })], behind(nodes));
    expect(hybrid).toEqual(problem);
  });

  test("is reported where nodes lose a group by an entry of theirs", () => {
    const nodes = roleEntry(developers, ["system:nodes", "our-nodes"], '"system:node:{{EC2PrivateDNSName}}"');

    const [problem] = tell([aReadEntry({ ...entry, type: "EC2_LINUX" })], behind(nodes));

    expect(problem?.message).toContain("loses `our-nodes`.");
    expect(problem?.remedy).toBe("Delete it.");
    const windows = roleEntry(
      developers,
      ["system:nodes", "eks:kube-proxy-windows"],
      '"system:node:{{EC2PrivateDNSName}}"',
    );
    const [other] = tell([aReadEntry({ ...entry, type: "EC2_LINUX" })], behind(windows));
    expect(other?.message).toContain("loses `eks:kube-proxy-windows`.");
    const command = `aws eks create-access-entry --region eu-central-1 --cluster-name staging-eks --type EC2_WINDOWS --principal-arn ${team}`;
    expect(other?.remedy).toBe(`Delete it and create one for nodes: \`${command}\`.`);
  });
});

test("of many entries those of leases are read first, then those of principals in aws-auth, each once", () => {
  const listed = ["a", "b", "c"].map((name) => `arn:aws:iam::111122223333:role/x/${name}`);
  const document = parseDocument({ mapRoles: roleEntry(developers) + roleEntry("arn:aws:iam::111122223333:role/B") });

  const order = readingOrder([...listed, team, engineerArn], [leased], document);

  expect(order).toEqual([engineerArn, team, listed[1], listed[0], listed[2]]);
});

describe("an entry that no longer fits its principal", () => {
  const refused = aLeasedRequest({
    written: { ...written, entryAdded: false },
    proof: aProof({ signedIn: { result: "no", detail: "refused" } }),
  });

  test("is outdated if the cluster refused its principal although it existed before the lease", () => {
    const problems = tell([aReadEntry({ createdAt: at(0).toISOString() })], { leased: [refused] });

    const [dead] = problems.filter(({ code }) => code === "entry-dead");
    expect(dead?.message).toContain(`The cluster refused ${engineerArn} with the lease \`r-1\``);
    expect(dead?.remedy).toContain("aws iam get-user --user-name engineer");
  });

  test("is not where the lease made it, or the principal got in", () => {
    const own = aLeasedRequest({ written, proof: refused.lease.proof });
    const leased = aLeasedRequest({ written: { ...written, entryAdded: false } });

    expect(codes([aReadEntry()], { leased: [own] })).not.toContain("entry-dead");
    expect(codes([aReadEntry()], { leased: [leased] })).not.toContain("entry-dead");
  });

  const entry = aReadEntry({ principalArn: team, createdAt: at(hours(1)).toISOString() });
  const madeAt = (time: Date) => ({
    madeAt: new Map([[team, time.toISOString()]]),
    absent: new Set<string>(),
    why: null,
  });

  test("is outdated if IAM made its role later, before any refusal", () => {
    const problems = tell([entry], { roles: madeAt(at(hours(2))) });

    const [dead] = problems.filter(({ code }) => code === "entry-dead");
    expect(dead?.message).toMatch(/entry of \S+role\/developers` lets no one in: IAM made this role later, at \S+/);
    expect(dead?.remedy).toContain("/eks-access repair staging arn:aws:iam::111122223333:role/developers");
    const empty = { ...entry, entry: { ...entry.entry, groups: [], policies: [] } };
    expect(codes([empty], { roles: madeAt(at(hours(2))) })).toEqual(["entry-dead", "entry-without-rights"]);
  });

  test("is valid if its role is older, whatever the result of a sign-in", () => {
    const lease = aLeasedRequest({ written: { ...written, entryAdded: false }, proof: refused.lease.proof });
    const leased = [{ ...lease, principal: "arn:aws:iam::111122223333:role/developers" }];

    expect(codes([entry], { leased })).toContain("entry-dead");
    expect(codes([entry], { leased, roles: madeAt(at(0)) })).not.toContain("entry-dead");
  });

  test("is not compared with its role where IAM does not answer, and the report says so", () => {
    const problems = tell([entry], { roles: { madeAt: new Map(), absent: new Set(), why: "AWS refused iam:GetRole" } });

    const [unknown] = problems.filter(({ code }) => code === "roles-not-compared");
    expect(unknown).toMatchObject({ severity: "notice", message: expect.stringContaining("AWS refused iam:GetRole.") });
    expect(unknown?.remedy).toBe("Ask an operator to allow it, as in deploy/iam.");
  });

  test.each(["AWS did not answer in time", "AWS throttled iam:GetRole"])("blames no policy where %s", (why) => {
    const problems = tell([entry], { roles: { madeAt: new Map(), absent: new Set(), why } });

    const [unknown] = problems.filter(({ code }) => code === "roles-not-compared");
    expect(unknown?.remedy).toBe("`aws iam get-role` shows when it was made.");
  });

  test("is replaced where an entry or aws-auth names another role of its permission set", () => {
    const roleOf = (suffix: string) => `arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_${suffix.repeat(16)}`;
    const document = parseDocument({ mapRoles: roleEntry(roleOf("a")) });
    const read = [aReadEntry({ principalArn: roleOf("b") })];

    expect(codes(read, { document })).toContain("role-replaced");
    expect(codes(read)).not.toContain("role-replaced");
  });

  test("is of a deleted role if IAM has none of its name; the only one of its permission set that IAM has is the successor", () => {
    const roleOf = (suffix: string) => `arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_${suffix.repeat(16)}`;
    const read = [aReadEntry({ principalArn: roleOf("b") })];
    const roles = { madeAt: new Map(), absent: new Set([roleOf("a"), team]), why: null };
    const mapRoles = `${roleEntry(roleOf("b"))}${roleEntry(roleOf("a"))}`;

    const alone = tell([aReadEntry({ principalArn: team })], { roles: { ...roles, absent: new Set([team]) } });
    const [replaced, ...more] = tell(read, {
      document: parseDocument({ mapRoles }),
      roles: { ...roles, absent: new Set([roleOf("a")]) },
    }).filter(({ code }) => code.startsWith("role-"));

    expect(alone.find(({ code }) => code === "role-deleted")).toMatchObject({
      severity: "warning",
      message: "The entry of `arn:aws:iam::111122223333:role/developers` lets no one in: IAM has no such role.",
    });
    expect(replaced).toMatchObject({
      code: "role-replaced",
      message: expect.stringContaining(`has the role \`${roleOf("b")}\` in account 111122223333 now`),
      remedy: expect.stringContaining(`/eks-access repair staging ${roleOf("b")}`),
    });
    expect(more).toEqual([]);
  });

  test("of another account is not compared, and the report says so", () => {
    const elsewhere = "arn:aws:iam::444455556666:role/partner";
    const user = "arn:aws:iam::444455556666:user/partner";
    const sso = "arn:aws:iam::444455556666:role/AWSReservedSSO_Developer_0123456789abcdef";
    const document = parseDocument({ mapRoles: roleEntry(sso) });

    const problems = tell([aReadEntry({ principalArn: elsewhere }), aReadEntry({ principalArn: user })], { document });

    expect(problems.filter(({ code }) => code === "role-of-other-account")).toEqual([
      expect.objectContaining({
        ...{ severity: "notice", places: [elsewhere, sso] },
        message: expect.stringMatching(
          /^Not tested: .* The worker asks IAM only about roles of account `111122223333`\.$/,
        ),
        remedy: "`aws iam get-role --role-name partner` shows when it was made.",
      }),
    ]);
    expect(codes([aReadEntry({ principalArn: team })])).not.toContain("role-of-other-account");
  });
});
