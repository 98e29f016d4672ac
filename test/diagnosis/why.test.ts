import { describe, expect, test } from "vitest";
import { permanentSeconds } from "../../src/access/lease/lease-record.ts";
import { causeCodes } from "../../src/diagnosis/facts.ts";
import { diagnose } from "../../src/diagnosis/why.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest, aProof, aRequest } from "../builders/a-request.ts";
import { aWrittenEntry } from "../builders/a-share.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { states } from "../builders/states.ts";
import { at, hours } from "../builders/times.ts";
import { developers, roleEntry, whyFacts } from "../builders/why-facts.ts";

const forbidden = { allowed: false, reason: "" };
const codesOf = (facts: Parameters<typeof diagnose>[0]) => diagnose(facts).causes.map(({ code }) => code);
/** The one cause of this code. */
function theCause(facts: Parameters<typeof diagnose>[0], code: string) {
  const [found, ...others] = diagnose(facts).causes.filter((each) => each.code === code);
  expect(others).toEqual([]);
  return found ?? expect.unreachable(`there is no ${code} among ${codesOf(facts).join(", ")}`);
}
const path = "arn:aws:iam::111122223333:role/team/developers";
const own = { principal: developers, groups: ["eks-access:viewers"] };

describe("the principal in question", () => {
  test("may be given as a session, and is looked for as the role, under the session's own name", () => {
    const data = { mapRoles: roleEntry(developers, ["readers"], "dev:{{SessionName}}") };
    const given = " arn:aws:sts::111122223333:assumed-role/developers/jane ";

    const diagnosis = diagnose(whyFacts({ data, given }));

    expect(diagnosis).toMatchObject({ principal: given.trim(), noticed: null, symptom: "none" });
    expect(diagnosis.identity).toEqual({ username: "dev:jane", groups: ["readers"] });
  });

  test("may be given as a role of IAM Identity Center with its path", () => {
    const sso = "AWSReservedSSO_Developer_0123456789abcdef";
    const given = `arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/${sso}`;
    const data = { mapRoles: roleEntry(`arn:aws:iam::111122223333:role/${sso}`) };

    expect(diagnose(whyFacts({ data, given }))).toMatchObject({
      principal: `arn:aws:iam::111122223333:role/${sso}`,
      symptom: "none",
    });
  });

  test("is no principal if no one could ever sign in as it", () => {
    const found = diagnose(whyFacts({ given: "arn:aws:iam::111122223333:group/developers" }));

    expect(found).toMatchObject({ principal: null, symptom: "unauthorized" });
    expect(found.causes.map(({ code }) => code)).toEqual(["not-a-principal"]);
  });

  test("always gets in where it is the creator", () => {
    const given = "arn:aws:sts::111122223333:assumed-role/cluster-creator/me";

    const found = diagnose(whyFacts({ given, data: {} }));

    expect(found).toMatchObject({ symptom: "none", identity: { groups: ["system:masters"] } });
    expect(found.causes.map(({ code }) => code)).toEqual(["creator"]);
  });

  test("is of no use to a person where it is the operator", () => {
    const operator = { type: "role", roleArn: "arn:aws:iam::111122223333:role/infra/operator", through: [] } as const;
    const given = "arn:aws:sts::111122223333:assumed-role/operator/me";

    const found = diagnose(whyFacts({ given, data: {}, cluster: aCluster({ operator }) }));

    expect(found).toMatchObject({ symptom: "forbidden", identity: null });
    expect(found.causes).toMatchObject([{ code: "operator", remedy: expect.stringContaining("your own role") }]);
  });

  test("can never sign in across partitions", () => {
    expect(codesOf(whyFacts({ given: "arn:aws-cn:iam::111122223333:role/developers" }))).toEqual(["wrong-partition"]);
  });
});

test("a principal that gets in reads the whole ARN of the role to assume, if its path is known", () => {
  const known = whyFacts({ cluster: aCluster({ signIn: { roles: [path] } }) });

  expect(theCause(known, "own-side").remedy).toContain(`(assuming a role: \`--role-arn ${path}\`)`);
  expect(theCause(whyFacts(), "own-side").remedy).toContain("(assuming a role: `--role-arn`)");
});

describe("an authentication mode with access entries", () => {
  test("API reads no aws-auth, so the entry there counts for nothing", () => {
    const found = diagnose(whyFacts({ mode: "API", pods: null }));

    expect(found.symptom).toBe("unauthorized");
    expect(found.causes[0]?.message).toContain("has no access entry");
    expect(found.causes[0]?.remedy).toContain("/eks-access request staging");
  });

  test("API claims nothing where the access entry could not be asked for", () => {
    const accessEntry = { type: "not asked", why: "AWS refused eks:ListAccessEntries" } as const;

    const found = diagnose(whyFacts({ mode: "API", accessEntry, pods: null }));

    expect(found.symptom).toBe("unknown");
    expect(found.causes[0]?.message).toContain("does not read aws-auth; its access entry is unknown.");
    expect(found.causes[1]).toMatchObject({
      message: "Access entries were not read: AWS refused eks:ListAccessEntries.",
      remedy: "`/eks-access check staging` shows the fix.",
    });
  });

  test.each([
    ["names the caller", {}, "own-side"],
    ["has no entry of the caller", { data: {}, pods: null }, "not-mapped"],
  ])(
    "API_AND_CONFIG_MAP is not certain by an aws-auth that %s, if an unread access entry could count",
    (_, by, code) => {
      const accessEntry = { type: "not asked", why: "AWS refused eks:ListAccessEntries" } as const;

      const found = diagnose(whyFacts({ mode: "API_AND_CONFIG_MAP", accessEntry, ...by }));

      expect(found).toMatchObject({ symptom: "unknown", identity: null });
      expect(found.causes).toMatchObject([{ code }, { code: "entries-unread" }]);
      expect(found.causes[0]?.message).toContain("; its access entry is unknown.");
    },
  );

  test("API_AND_CONFIG_MAP lets an access entry win over aws-auth", () => {
    const accessEntry = {
      type: "entry",
      principalArn: developers,
      kind: "STANDARD",
      identity: { username: "dev", groups: [] },
      policies: [],
    } as const;

    const found = diagnose(whyFacts({ mode: "API_AND_CONFIG_MAP", accessEntry, pods: forbidden }));

    expect(found).toMatchObject({ symptom: "forbidden", identity: { username: "dev" } });
    expect(found.causes.map(({ code }) => code)).toEqual(["access-entry-wins", "without-groups", "entry-dead"]);
    expect(found.causes[0]?.message).toContain("Its item in aws-auth, `developer` in `readers`, does not count.");

    const byPolicy = { ...accessEntry, policies: ["AmazonEKSClusterAdminPolicy"] };
    const administrator = diagnose(whyFacts({ mode: "API", accessEntry: byPolicy, pods: forbidden }));
    expect(administrator.causes.map(({ code }) => code)).not.toContain("without-groups");

    const proof = aProof({ signedIn: { result: "no", detail: "Unauthorized" } });
    const requests = [aLeasedRequest({ proof, written: aWrittenEntry({ entryAdded: false }) })];
    expect(codesOf(whyFacts({ mode: "API_AND_CONFIG_MAP", accessEntry, pods: forbidden, requests }))[0]).toBe(
      "entry-dead",
    );
  });

  const byInstance = { username: "system:node:{{EC2PrivateDNSName}}", groups: ["system:nodes"] };
  const bySession = { username: "system:node:jane", groups: ["system:nodes"] };
  test.each([
    ["EC2_LINUX", byInstance, "template-shuts-out", { symptom: "unauthorized", identity: null }],
    ["HYBRID_LINUX", bySession, "access-entry-wins", { symptom: "none", identity: bySession }],
  ] as const)("an access entry of type %s is for nodes, whatever RBAC says", (kind, identity, code, found) => {
    const accessEntry = { type: "entry", principalArn: developers, kind, identity, policies: [] } as const;
    const facts = whyFacts({ mode: "API", data: null, accessEntry, pods: { allowed: true, reason: "" } });

    expect(diagnose(facts)).toMatchObject(found);
    expect(codesOf(facts)).toEqual([code]);
    expect(theCause(facts, code).message).toContain(`is for nodes (\`${kind}\`)`);
  });

  test("an access entry that is older than its role lets no one in", () => {
    const createdAt = "2026-03-01T10:00:00.000Z";
    const entry = {
      type: "entry",
      principalArn: developers,
      kind: "STANDARD",
      policies: [],
      createdAt,
      identity: { username: "dev", groups: ["readers"] },
    } as const;
    const whyMade = (madeAt: string) =>
      diagnose(whyFacts({ mode: "API_AND_CONFIG_MAP", accessEntry: { ...entry, madeAt } }));

    const [dead, alive] = [whyMade("2026-03-02T10:00:00.000Z"), whyMade("2026-02-01T10:00:00.000Z")];

    expect(dead).toMatchObject({ symptom: "unauthorized", identity: null });
    expect(dead.causes.map(({ code }) => code)).toEqual(["entry-dead"]);
    expect(dead.causes[0]?.remedy).toContain(`/eks-access repair staging ${developers}`);
    expect(alive.causes.map(({ code }) => code)).toEqual(["own-side", "access-entry-wins"]);
  });

  test.each([
    ["AWS refused iam:GetRole", developers, "AWS refused iam:GetRole."],
    [null, developers, `The entry of \`${developers}\` lets no one in: IAM has no such role.`],
    [
      null,
      "arn:aws:iam::999900001111:role/elsewhere",
      "The worker asks IAM only about roles of account `111122223333`.",
    ],
    [null, "arn:aws:iam::111122223333:user/dev", "The worker asks IAM only about roles of account `111122223333`."],
  ])(
    "an access entry that could not be compared with its principal says why (%s, %s)",
    (whyUnknown, principalArn, said) => {
      const accessEntry = {
        type: "entry",
        principalArn,
        kind: "STANDARD",
        identity: { username: "dev", groups: ["readers"] },
        policies: [],
        whyUnknown,
      } as const;

      const found = diagnose(whyFacts({ mode: "API_AND_CONFIG_MAP", accessEntry, given: principalArn }));

      const dead = found.causes.find(({ code }) => code === "entry-dead");
      expect(dead?.message).toContain(said);
    },
  );

  test("says that access entries were not read, also where a closed request is the likely cause", () => {
    const accessEntry = { type: "not asked", why: "AWS refused eks:ListAccessEntries" } as const;
    const ended = aLeasedRequest({ state: "ended", endedAt: at(0).toISOString() }, { principal: developers });

    const found = diagnose(
      whyFacts({
        mode: "API_AND_CONFIG_MAP",
        accessEntry,
        data: {},
        rolesInEntries: null,
        pods: null,
        requests: [ended],
      }),
    );

    expect(found.causes.map(({ code }) => code)).toEqual(["lease-ended", "entries-unread"]);
    expect(found.causes[1]?.message).toContain("AWS refused eks:ListAccessEntries");
    expect(found.causes[1]?.remedy).toBe("`/eks-access check staging` shows the fix.");
  });

  test("API_AND_CONFIG_MAP claims no Forbidden where an access policy may allow it", () => {
    const identity = { username: "dev", groups: ["nobodys"] };
    const accessEntry = {
      type: "entry",
      principalArn: developers,
      kind: "STANDARD",
      identity,
      policies: ["AmazonEKSViewPolicy"],
    } as const;

    const found = diagnose(whyFacts({ mode: "API_AND_CONFIG_MAP", accessEntry, pods: forbidden }));

    expect(found.symptom).toBe("unknown");
    expect(found.causes[0]?.message).toContain("with the access policies `AmazonEKSViewPolicy`");
  });

  test("API_AND_CONFIG_MAP with an access entry that allows it points to the other end", () => {
    const accessEntry = {
      type: "entry",
      principalArn: developers,
      kind: "STANDARD",
      identity: { username: "dev", groups: ["readers"] },
      policies: [],
    } as const;

    expect(codesOf(whyFacts({ mode: "API_AND_CONFIG_MAP", accessEntry }))).toEqual([
      "entry-dead",
      "own-side",
      "access-entry-wins",
    ]);
  });
});

describe("a principal without an entry that counts", () => {
  const nobody = (mapRoles: string, more: Readonly<Record<string, string>> = {}) =>
    whyFacts({ data: { mapRoles, ...more }, pods: null });

  test("is not mapped, and can ask for access", () => {
    const found = diagnose(nobody(""));

    expect(found).toMatchObject({ symptom: "unauthorized", identity: null });
    expect(found.causes.map(({ code }) => code)).toEqual(["not-mapped"]);
    expect(found.causes[0]?.remedy).toContain(`/eks-access request staging ${developers} …`);
  });

  test("of an account that the cluster does not admit gets that answer", () => {
    const { message, remedy } = theCause(
      { ...nobody(""), given: "arn:aws:iam::999988887777:role/developers" },
      "not-mapped",
    );

    expect(message).toContain("is in `999988887777`, `staging` in `111122223333`");
    expect(remedy).toContain("foreignAccounts");
  });

  test("has no access because there is no document", () => {
    expect(codesOf(whyFacts({ data: null, pods: null }))).toEqual(["document-absent"]);
  });

  test("is in a section that is broken", () => {
    const { message } = theCause(nobody(`${roleEntry(developers)}  bad: [`), "section-broken");

    expect(message).toContain(`${developers} is in it.`);
  });

  test.each(["role/developers-old", "role/team-developers", "user/developers"])(
    "is not said to be in a broken section with %s, nor in a key that no one reads",
    (other) => {
      const text =
        roleEntry(`arn:aws:iam::111122223333:${other}`) + roleEntry("arn:aws:iam::444455556666:role/developers");

      const { message } = theCause(nobody(`${text}  bad: [`), "section-broken");

      expect(message).toContain(`${developers} may have been in it.`);
      expect(codesOf(nobody("", { roles: text }))).not.toContain("section-misspelt");
    },
  );

  test("is under a key that is nearly right", () => {
    const found = theCause(nobody("", { maproles: roleEntry(developers) }), "section-misspelt");

    expect(found.remedy).toBe("Move its entries to mapRoles.");
  });

  test("is behind what the authenticator drops", () => {
    const text = `${roleEntry("arn:aws:iam::111122223333:role/others")}---\n${roleEntry(developers)}`;

    expect(theCause(nobody(text), "content-dropped").message).toContain(`${developers} comes after it.`);
  });

  test.each([
    ["with its path", path],
    ["as a session", "arn:aws:sts::111122223333:assumed-role/developers/jane"],
    ["with white space around it", `" ${developers}"`],
  ])("is written %s, which matches no one", (_, arn) => {
    const { remedy } = theCause(nobody(roleEntry(arn)), "entry-never-matches");

    expect(remedy).toBe(`Write \`${developers}\` there.`);
  });

  test("fits a wildcard, which not every release of the authenticator takes for one", () => {
    const { message } = theCause(nobody(roleEntry('"arn:aws:iam::*:role/dev*"')), "entry-never-matches");

    expect(message).toContain("is for `arn:aws:iam::*:role/dev*`");
    expect(message).toContain("Most authenticators read * as a letter.");
  });

  test("is an IAM user that is written with another path", () => {
    const given = "arn:aws:iam::111122223333:user/people/jane";
    const mapUsers = "- userarn: arn:aws:iam::111122223333:user/jane\n  username: jane\n";

    const { message } = theCause({ ...nobody("", { mapUsers }), given }, "user-path");

    expect(message).toContain(", but the entry in mapUsers, line ");
  });

  test("is of another account than the one that is written", () => {
    const { message } = theCause(nobody(roleEntry("arn:aws:iam::444455556666:role/developers")), "wrong-account");

    expect(message).toContain("444455556666:role/developers`.");
  });

  test("is written with a slip", () => {
    const { message } = theCause(nobody(roleEntry("arn:aws:iam::111122223333:role/developrs")), "near-miss");

    expect(message).toContain("`arn:aws:iam::111122223333:role/developrs`");
  });

  test("is shut out by a template for instances", () => {
    const node = roleEntry(developers, ["readers"], "system:node:{{EC2PrivateDNSName}}");

    expect(codesOf(nobody(node))).toEqual(["template-shuts-out"]);
    // That it has no entry would be wrong, and the right ARN in a dead one would take the nodes' place.
    const beside = roleEntry(path) + roleEntry("arn:aws:iam::111122223333:role/developrs");
    expect(codesOf(nobody(node + beside))).toEqual(["template-shuts-out"]);
  });
});

describe("a principal that gets in", () => {
  test("loses what a shadowed entry would have given", () => {
    const data = { mapRoles: roleEntry(developers, ["readers", "writers"]) + roleEntry(developers, ["readers"]) };

    const { message } = theCause(whyFacts({ data }), "shadowed");

    expect(message).toContain(
      "The entry in mapRoles, line 1, gives `developer` in `readers`, `writers`, but the entry in mapRoles, line 4,",
    );
  });

  test("is told nothing of the groups of another entry in its line", () => {
    const [broken, own] = ["arn:aws:iam::111122223333:role/other", developers].map((rolearn, at) => {
      return { rolearn, username: "developer", groups: at === 0 ? "readers" : [] };
    });
    const data = { mapRoles: JSON.stringify([broken, own]) };

    const { message } = theCause(whyFacts({ data, pods: forbidden }), "without-groups");

    expect(message).toMatch(/by the entry in mapRoles, line 1\.$/);
  });

  test("may be either of two users by chance", () => {
    const user = (name: string, group: string) =>
      `- userarn: arn:aws:iam::111122223333:user/${name}\n  username: jane\n  groups: [${group}]\n`;
    const data = { mapUsers: user("Jane", "readers") + user("jane", "writers") };

    expect(codesOf(whyFacts({ data, given: "arn:aws:iam::111122223333:user/jane" }))).toContain("ambiguous");
  });

  test("has no certain identity if chance decides, with the lines of both entries", () => {
    const user = (name: string, username: string, group: string) =>
      `- userarn: arn:aws:iam::111122223333:user/${name}\n  username: ${username}\n  groups: [${group}]\n`;
    const data = { mapUsers: user("Bob", "bob", "readers") + user("bob", "robert", "readers") };

    const found = diagnose(whyFacts({ data, given: "arn:aws:iam::111122223333:user/bob" }));

    expect(found).toMatchObject({ identity: null, symptom: "random" });
    expect(found.causes).toHaveLength(1);
    expect(found.causes[0]?.message).toContain("mapUsers, line 1, gives `bob` in `readers`");
    expect(found.causes[0]?.message).toContain("mapUsers, line 4, gives `robert` in `readers`");
  });

  test("may get in by chance: the last of two users takes only EC2 instances", () => {
    const user = (name: string, username: string) =>
      `- userarn: arn:aws:iam::111122223333:user/${name}\n  username: ${username}\n  groups: [readers]\n`;
    const data = { mapUsers: user("Bob", "bob") + user("bob", "system:node:{{EC2PrivateDNSName}}") };

    const found = diagnose(whyFacts({ data, given: "arn:aws:iam::111122223333:user/bob" }));

    expect(found).toMatchObject({ identity: null, symptom: "random", causes: [{ code: "ambiguous" }] });
  });

  test("is in no groups", () => {
    const found = diagnose(whyFacts({ data: { mapRoles: roleEntry(developers, []) }, pods: forbidden }));

    expect(found.symptom).toBe("forbidden");
    expect(found.causes.map(({ code }) => code)).toEqual(["without-groups"]);
  });

  test("is in no groups because they are not written as a list", () => {
    const mapRoles = `- rolearn: ${developers}\n  username: developer\n  groups: readers\n`;

    const { message, remedy } = theCause(whyFacts({ data: { mapRoles }, pods: forbidden }), "without-groups");

    expect(message).toContain("groups is text");
    expect(remedy).toBe("Write a list.");
  });

  test("is in no groups because only the account is mapped", () => {
    const data = { mapAccounts: '- "111122223333"\n' };

    const { message } = theCause(whyFacts({ data, pods: forbidden }), "without-groups");

    expect(message).toContain("by mapAccounts");
  });

  test("is in a group that nothing binds", () => {
    const facts = whyFacts({ boundGroups: new Set(), pods: forbidden });

    expect(codesOf(facts)).toEqual(["group-unbound"]);
    expect(theCause(facts, "group-unbound").message).toContain("names `readers`.");
  });

  test("is in a group that is bound and lists no pods, in the API server's own words", () => {
    const facts = whyFacts({ pods: { allowed: false, reason: "no rule matches" } });

    expect(codesOf(facts)).toEqual(["not-allowed"]);
    expect(theCause(facts, "not-allowed").message).toContain("The API server says: no rule matches.");
  });

  test("does not get an all-clear if the API server was not asked", () => {
    expect(diagnose(whyFacts({ pods: null }))).toMatchObject({ symptom: "unknown", causes: [{ code: "not-allowed" }] });
  });

  test("and can list pods is sent to the other end", () => {
    const found = diagnose(whyFacts());

    expect(found.symptom).toBe("none");
    expect(found.causes.map(({ code }) => code)).toEqual(["own-side"]);
    expect(found.causes[0]?.remedy).toContain("aws eks update-kubeconfig --region eu-central-1 --name staging-eks");
  });
});

describe("what the ledger knows", () => {
  const nobody = { data: {}, pods: null };

  test("is a lease that is over, which its holder can ask for again", () => {
    const ended = aLeasedRequest({ state: "ended", endedAt: at(hours(5)).toISOString() }, own);

    const found = theCause(whyFacts({ ...nobody, requests: [ended] }), "lease-ended");

    expect(found.message).toContain("ended 2026-03-01T14:00:00.000Z: its time was over");
    expect(found.offer).toEqual({ type: "ask-again", request: "r-1" });
  });

  test("offers nothing to another person", () => {
    const ended = aLeasedRequest({ state: "ended", endedAt: at(hours(5)).toISOString() }, own);

    expect(theCause(whyFacts({ ...nobody, user: "U0ONCALL", requests: [ended] }), "lease-ended").offer).toBeNull();
  });

  test("is a lease that is being removed", () => {
    const end = { cause: "revoked", by: "U0ONCALL", at: at(hours(1)).toISOString(), why: "" } as const;

    const { message } = theCause(whyFacts({ ...nobody, requests: [aLeasedRequest({ end }, own)] }), "lease-ended");

    expect(message).toContain("The worker is removing");
  });

  test("is an active lease that others removed", () => {
    const drift = { at: at(hours(1)).toISOString(), message: "terraform wrote mapRoles last" };

    const { message } = theCause(whyFacts({ ...nobody, requests: [aLeasedRequest({ drift }, own)] }), "drifted");

    expect(message).toContain("it is missing from aws-auth. Found: terraform wrote mapRoles last.");
  });

  test.each([
    ["without its groups", { mapRoles: roleEntry(developers, []) }, forbidden],
    ["without an entry", {}, null],
  ])("is an active lease of aws-auth %s, also where access entries count first", (_, data, pods) => {
    const requests = [aLeasedRequest({ written: aWrittenEntry({ way: "aws-auth" }) }, own)];

    const facts = whyFacts({ mode: "API_AND_CONFIG_MAP", data, pods, requests });

    expect(codesOf(facts)).toEqual(["drifted"]);
  });

  test("is an active lease with missing groups although the principal gets in", () => {
    const facts = whyFacts({ requests: [aLeasedRequest({}, own)] });

    expect(codesOf(facts)).toEqual(["drifted", "own-side"]);
  });

  test.each([
    ["waits for the worker", aRequest(own), "the worker looks at the cluster first"],
    [
      "waits for an approver",
      aPreviewedRequest({ ...own, preview: states["waiting for an approver"]?.preview ?? null }),
      "waits for an approver",
    ],
    ["is being applied", { ...anApprovedRequest(), ...own }, "is approved; the worker is applying it"],
    [
      "is void, and not gone yet",
      aLeasedRequest({ state: "scheduled", voidSince: at(0).toISOString() }, own),
      "needs a new decision.",
    ],
  ])("is a request that %s", (_, request, words) => {
    expect(theCause(whyFacts({ ...nobody, requests: [request] }), "not-yet").message).toContain(words);
  });

  test.each(["denied", "expired", "cancelled", "refused", "failed"])(
    "is a request that gave no access: %s",
    (state) => {
      const request = { ...(states[state] ?? expect.unreachable(state)), ...own };

      expect(theCause(whyFacts({ ...nobody, requests: [request] }), "request-closed").offer?.type).toBe("ask-again");
    },
  );

  test("is the newest request where several are closed", () => {
    const older = aLeasedRequest({ state: "ended", endedAt: at(hours(5)).toISOString() }, { ...own, id: "r-0" });
    const newer = { ...(states.denied ?? expect.unreachable()), ...own, id: "r-9" };

    expect(codesOf(whyFacts({ ...nobody, requests: [newer, older] }))).toEqual(["request-closed"]);
  });

  test("is a lease that ends soon, which may be extended", () => {
    const data = { mapRoles: roleEntry(developers, ["eks-access:viewers"]) };
    const soon = aLeasedRequest({ warnedAt: at(hours(3.8)).toISOString() }, own);

    const found = theCause(whyFacts({ data, requests: [soon] }), "lease-ends-soon");

    expect(found.offer).toEqual({ type: "extend", request: "r-1" });
  });
});

describe("a session that gets its rights by bindings, as one person,", () => {
  const given = "arn:aws:sts::111122223333:assumed-role/developers/jane@example.com";
  const lease = { principal: given, groups: ["ClusterRole view in shop"] };
  const identity = { username: "dev:jane@example.com", groups: [] };
  const entry = { type: "entry", principalArn: developers, kind: "STANDARD", identity, policies: [] } as const;
  const signsIn = [
    ["aws-auth", { data: { mapRoles: roleEntry(developers, [], "dev:{{SessionNameRaw}}") } }, []],
    ["an access entry", { mode: "API", data: null, accessEntry: entry }, ["access-entry-wins", "entry-dead"]],
  ] as const;

  test.each(signsIn)("and signs in by %s, reads of its lease, not of missing groups", (_, by, besides) => {
    const facts = (fields: Parameters<typeof aLeasedRequest>[0]) =>
      whyFacts({ ...by, given, pods: forbidden, requests: [aLeasedRequest(fields, lease)] });
    const drift = { at: at(hours(1)).toISOString(), message: "its bindings are gone" };
    const ofLease = (fields: Parameters<typeof aLeasedRequest>[0]) =>
      codesOf(facts(fields)).filter((code) => !besides.some((each) => each === code));

    expect(ofLease({ drift })).toEqual(["drifted"]);
    expect(ofLease({})).toEqual(["not-allowed"]);
    expect(theCause(facts({ drift }), "drifted").message).toContain("missing from the cluster. Found: its bindings");
    expect(theCause(facts({}), "not-allowed").message).toContain("`dev:jane@example.com` has `viewer` (`r-1`), which");
  });

  test.each(signsIn)("and gets in by %s is sent to its own end alone", (_, by) => {
    expect(codesOf(whyFacts({ ...by, given })).filter((code) => code !== "entry-dead")).toEqual(["own-side"]);
  });

  test.each(signsIn)(
    "and signs in by %s without a lease, asks for itself and not for everyone with the role",
    (_, by) => {
      const levels = [{ name: "viewer", groups: lease.groups, maxDurationSeconds: 3600, verify: [] }];
      const cluster = aCluster({ levels, pinnedSessions: [developers] });

      const { message, remedy } = theCause(whyFacts({ ...by, cluster, given, pods: forbidden }), "without-groups");

      expect(message).toMatch(/in no groups, by (the entry in mapRoles, line 1|its access entry)\.$/);
      expect(remedy).toBe(`Request access: \`/eks-access request staging ${given} …\`.`);
    },
  );
});

test("every cause says what to do about it, in whole sentences", () => {
  const facts = [
    whyFacts(),
    whyFacts({ data: null }),
    whyFacts({ data: {}, pods: null }),
    whyFacts({ mode: "API" }),
    whyFacts({ pods: forbidden }),
    ...Object.values(states).map((request) => whyFacts({ data: {}, pods: null, requests: [{ ...request, ...own }] })),
  ];

  for (const { code, message, remedy } of facts.flatMap((each) => diagnose(each).causes)) {
    expect(causeCodes).toContain(code);
    expect(message, code).toMatch(/^([A-Z`]|arn:|aws-auth|groups).*\.$/);
    expect(message, code).not.toMatch(/\.\.|undefined|null/);
    expect(remedy, code).toMatch(/^[A-Z`].*\.$/);
  }
});

test("a removed permanent lease is reported without its nominal end", () => {
  const request = aLeasedRequest({}, { ...own, durationSeconds: permanentSeconds });

  expect(theCause(whyFacts({ data: {}, pods: null, requests: [request] }), "drifted").message).toContain(
    "is active until revoked, but it is missing from aws-auth",
  );
});

test("a cluster that repairs drift says that the lease comes back by itself, except one without its role", () => {
  const facts = whyFacts({
    cluster: aCluster({ drift: "repair" }),
    data: {},
    pods: null,
    requests: [aLeasedRequest({}, own)],
  });

  const drift = { at: at(hours(1)).toISOString(), message: "the ClusterRole edit is gone" };
  const ofRole = { ...facts, requests: [aLeasedRequest({ drift }, own)] };

  expect(theCause(facts, "drifted").remedy).toContain("The worker restores it");
  expect(theCause(ofRole, "drifted").remedy).toContain("Create it, or correct the level");
});

test("a lease in aws-auth that the cluster no longer reads is requested again, and has no other writer to ask", () => {
  const message = "it is in aws-auth, which staging no longer reads for this principal";
  const requests = [aLeasedRequest({ drift: { at: at(hours(1)).toISOString(), message } }, own)];
  const facts = whyFacts({ cluster: aCluster({ drift: "report" }), mode: "API", data: {}, pods: null, requests });

  expect(theCause(facts, "drifted").remedy).toBe("Request it again. Or ask an operator for drift: repair.");
});

test("a lease whose repair fails says why, not that it comes back by itself", () => {
  const trouble = aTrouble({ message: "The document is immutable. Replace it." });
  const requests = [aLeasedRequest({}, { ...own, trouble })];
  const facts = whyFacts({ cluster: aCluster({ drift: "repair" }), data: {}, pods: null, requests });

  expect(theCause(facts, "drifted").remedy).toBe(trouble.message);
});

test("a lease that the worker found and does not restore is not said to come back by itself", () => {
  const message = "the entry is gone; the worker does not restore it: what the level gives has changed";
  const requests = [aLeasedRequest({ drift: { at: at(hours(1)).toISOString(), message } }, own)];
  const facts = whyFacts({ cluster: aCluster({ drift: "repair" }), data: {}, pods: null, requests });

  expect(theCause(facts, "drifted").remedy).toBe("Ask the other writer to keep it, then request it again.");
});
