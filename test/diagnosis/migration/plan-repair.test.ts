import { describe, expect, test } from "vitest";
import type { Holding } from "../../../src/access/lease/lease-record.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import type { MigrationFacts, PresentEntry } from "../../../src/diagnosis/migration/facts.ts";
import { progressOf } from "../../../src/diagnosis/migration/replacement.ts";
import { at, hours } from "../../builders/times.ts";
import { planRepair, someFacts } from "./facts.ts";

const name = (suffix: string) => `AWSReservedSSO_Developer_${suffix.repeat(16)}`;
const roleOf = (suffix: string) => `arn:aws:iam::111122223333:role/${name(suffix)}`;
const entryRole = (suffix: string) => `arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/${name(suffix)}`;
const [older, newer] = [roleOf("a"), roleOf("b")];
const aMigrationFacts = ({ document, ...facts }: Partial<MigrationFacts>) =>
  someFacts(document?.data ?? {}, { mode: "API_AND_CONFIG_MAP", ...facts });
const itemOf = (arn: string) => `- {rolearn: '${arn}', username: 'dev:{{SessionName}}', groups: [devs]}\n`;

function entry(principalArn: string, more: Partial<PresentEntry> = {}): PresentEntry {
  const same = { type: "STANDARD", username: "dev:{{SessionName}}", groups: ["devs"], policies: [] };
  return { principalArn, ...same, migrated: null, isLeased: false, createdAt: at(hours(1)).toISOString(), ...more };
}

function held(arn: string): Holding {
  return { arn, entryAdded: false, added: ["devs"], shares: [] };
}

const replaced = (result: ReturnType<typeof planRepair>) =>
  result.type === "planned" ? result.replacements.map(({ place, from, to }) => [place, from, to]) : result.message;

test("a repair has no more replacements than its message shows whole; the others wait for the next one", () => {
  const living = (index: number) => `arn:aws:iam::111122223333:role/AWSReservedSSO_Team${index}_${"b".repeat(16)}`;
  const presentEntries = Array.from({ length: 9 }, (_, index) => entry(living(index).replace(/b{16}/, "a".repeat(16))));

  const result = planRepair(
    aMigrationFacts({ presentEntries, givenArns: presentEntries.map((_, index) => living(index)) }),
  );

  if (result.type === "refused") throw new Error(result.message);
  const { items, steps } = result.summary;
  expect(result.replacements).toHaveLength(6);
  expect(items.map(({ outcome }) => outcome)).toEqual([...Array(6).fill("moves"), ...Array(3).fill("waits")]);
  expect(steps).toHaveLength(6);
});

test("an entry whose groups no message shows whole stays, and the others are replaced", () => {
  const groups = Array.from({ length: 40 }, (_, index) => `team-${index}-developers`);
  const [long, short] = [older, older.replace("Developer", "Admin")];

  const result = planRepair(
    aMigrationFacts({
      presentEntries: [entry(long, { groups }), entry(short)],
      givenArns: [newer, newer.replace("Developer", "Admin")],
    }),
  );

  expect(replaced(result)).toMatchObject([["access-entry", short, newer.replace("Developer", "Admin")]]);
  expect(result.type === "planned" && result.summary.items.map(({ outcome }) => outcome)).toEqual(["moves", "stays"]);
});

test("the tags of AWS itself stay behind: no one else can set them", () => {
  const tags = { team: "payments", "aws:cloudformation:stack-name": "access" };

  const result = planRepair(aMigrationFacts({ presentEntries: [entry(entryRole("a"), { tags })], givenArns: [newer] }));

  expect(result).toMatchObject({ replacements: [{ tags: { team: "payments" } }] });
  expect(JSON.stringify(result)).not.toContain("aws:cloudformation");
});

describe("a permission set's entries of deleted roles", () => {
  test("become those of the role that a person names, in aws-auth without its path", () => {
    const document = parseDocument({ mapRoles: itemOf(older) });
    const presentEntries = [entry(entryRole("c"))];

    const result = planRepair(aMigrationFacts({ document, presentEntries, givenArns: [newer] }));

    expect(replaced(result)).toEqual([
      ["access-entry", entryRole("c"), entryRole("b")],
      ["aws-auth", older, newer],
    ]);
  });

  test("stay in aws-auth: a person who names the wrong role would lock out the current one", () => {
    const document = parseDocument({ mapRoles: itemOf(older) + itemOf(newer) });

    for (const givenArns of [[newer], [older]])
      expect(replaced(planRepair(aMigrationFacts({ document, givenArns })))).toContain("may still exist");
  });

  test("leave EKS only if it made the current role's entry later, whatever a person names", () => {
    const presentEntries = [entry(entryRole("a")), entry(entryRole("b"), { createdAt: at(hours(2)).toISOString() })];

    expect(replaced(planRepair(aMigrationFacts({ presentEntries, givenArns: [newer] })))).toEqual([
      ["access-entry", entryRole("a"), null],
    ]);
    expect(replaced(planRepair(aMigrationFacts({ presentEntries, givenArns: [older] })))).toContain("may still exist");
    const document = parseDocument({ mapRoles: itemOf(newer) });
    const mixed = aMigrationFacts({ document, presentEntries: presentEntries.slice(0, 1), givenArns: [newer] });
    expect(replaced(planRepair(mixed))).toContain("may still exist");
  });

  test("are known by EKS's own dates where each role has an access entry", () => {
    const presentEntries = [entry(entryRole("a")), entry(entryRole("b"), { createdAt: at(hours(2)).toISOString() })];

    expect(replaced(planRepair(aMigrationFacts({ presentEntries })))).toEqual([["access-entry", entryRole("a"), null]]);
  });

  test("are not guessed: without a name or dates there is nothing to repair", () => {
    const document = parseDocument({ mapRoles: itemOf(older) + itemOf(newer) });

    expect(planRepair(aMigrationFacts({ document }))).toMatchObject({ type: "refused", code: "nothing-to-repair" });
  });

  test("of another account or permission set are others' entries", () => {
    const others = [newer.replace("111122223333", "444455556666"), newer.replace("Developer", "Admin")];
    const document = parseDocument({ mapRoles: itemOf(older) });

    for (const given of others)
      expect(planRepair(aMigrationFacts({ document, givenArns: [given] })).type).toBe("refused");
  });

  test("wait while a lease needs one of them", () => {
    const document = parseDocument({ mapRoles: itemOf(older) });
    const holdings = new Map([[older.toLowerCase(), held(older)]]);

    for (const facts of [
      { document, holdings },
      { document, presentEntries: [entry(entryRole("b"), { isLeased: true })] },
      { presentEntries: [entry(entryRole("a"), { isLeased: true })] },
    ]) {
      expect(replaced(planRepair(aMigrationFacts({ ...facts, givenArns: [newer] })))).toContain("A lease uses it");
    }
  });

  test("of the cluster's creator, or in a document of another tool, stay", () => {
    const document = parseDocument({ mapRoles: itemOf(older) });
    const owner = { name: "Terraform", manager: null, setting: "ignore aws-auth there" };
    const presentEntries = [entry(entryRole("a"))];

    const facts = aMigrationFacts({ document, presentEntries, owner, creatorArn: entryRole("a"), givenArns: [newer] });

    expect(planRepair(facts).type).toBe("refused");
  });
});

test("an entry of a role that was made again under its name is replaced if a person names it, or IAM it alone", () => {
  const dead = entry("arn:aws:iam::111122223333:role/team/dev");
  const other = entry("arn:aws:iam::111122223333:role/ops");
  const roles = {
    madeAt: new Map([dead, other].map(({ principalArn }) => [principalArn, at(hours(2)).toISOString()])),
    absent: new Set<string>(),
    why: null,
  };

  expect(planRepair(aMigrationFacts({ presentEntries: [dead] })).type).toBe("refused");
  const given = ["arn:aws:sts::111122223333:assumed-role/dev/alice"];
  expect(replaced(planRepair(aMigrationFacts({ presentEntries: [dead], givenArns: given })))).toEqual([
    ["access-entry", dead.principalArn, dead.principalArn],
  ]);
  expect(replaced(planRepair(aMigrationFacts({ presentEntries: [dead], roles })))).toEqual([
    ["access-entry", dead.principalArn, dead.principalArn],
  ]);
  expect(replaced(planRepair(aMigrationFacts({ presentEntries: [dead, other], roles })))).toBe(
    "2 roles were made again. Repair one: `/eks-access repair staging arn:aws:iam::111122223333:role/dev` or `/eks-access repair staging arn:aws:iam::111122223333:role/ops`.",
  );
});

test("each moment of a replacement is left or done, and an entry that others changed is neither", () => {
  const dead = entry(entryRole("a"));
  const document = parseDocument({});
  const result = planRepair(aMigrationFacts({ presentEntries: [dead], givenArns: [newer] }));
  const [replacement] = result.type === "planned" ? result.replacements : [];
  const of = (...presentEntries: PresentEntry[]) =>
    progressOf(replacement ?? expect.fail(), { presentEntries, document });
  const made = entry(entryRole("b"));

  expect(of(dead)).toBe("left");
  expect(of(dead, { ...made, migrated: "begun", groups: [] })).toBe("left");
  expect(of(dead, made)).toBe("left");
  expect(of(made)).toBe("done");
  const policy = { name: "AmazonEKSViewPolicy", namespaces: null };
  const changes = [
    { groups: ["admins"] },
    { username: "ops" },
    { policies: [policy] },
    { isLeased: true },
    { type: "EC2_LINUX" },
  ];
  for (const change of changes) expect(of({ ...dead, ...change })).toBe("differs");
  expect(of(dead, { ...made, groups: ["admins"] })).toBe("differs");
  expect(of()).toBe("differs");
});

const dev = "arn:aws:iam::111122223333:role/dev";
test.each<[string, string, string, readonly string[]]>([
  ["is made again under its name", dev, dev, ["left", "left", "done"]],
  ["is only deleted, because the current role has a later one", entryRole("a"), newer, ["left", "done", "left"]],
])("an entry that %s is known by when EKS made it", (_, from, given, progress) => {
  const dead = entry(from);
  const current = given === dev ? [] : [entry(entryRole("b"), { createdAt: at(hours(2)).toISOString() })];
  const result = planRepair(aMigrationFacts({ presentEntries: [dead, ...current], givenArns: [given] }));
  const [replacement] = result.type === "planned" ? result.replacements : [];
  const of = (...entries: PresentEntry[]) =>
    progressOf(replacement ?? expect.fail(), { presentEntries: [...entries, ...current], document: parseDocument({}) });

  expect([of(dead), of(), of({ ...dead, createdAt: at(hours(3)).toISOString() })]).toEqual(progress);
});
