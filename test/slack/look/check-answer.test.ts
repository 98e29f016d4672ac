import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import { summarize } from "../../../src/diagnosis/problems.ts";
import type { BindingsReport, DocumentReport, EntriesReport } from "../../../src/diagnosis/reports.ts";
import { checkAnswer } from "../../../src/slack/look/check.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { developers, roleEntry } from "../../builders/why-facts.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

type CheckedDocument = Extract<DocumentReport, { type: "checked" }>;
type CheckedEntries = Extract<EntriesReport, { type: "checked" }>;
type Mode = Parameters<typeof checkAnswer>[1]["mode"];

const writers = [{ manager: "terraform", time: null, dataKeys: ["mapRoles"] }];

function checked(data: Readonly<Record<string, string>>, change: Partial<CheckedDocument> = {}): CheckedDocument {
  return {
    type: "checked",
    ...summarize(parseDocument(data), writers),
    immutable: false,
    isBeingDeleted: false,
    knowsBindings: true,
    ...change,
  };
}

function entries(change: Partial<CheckedEntries> = {}): CheckedEntries {
  return {
    type: "checked",
    counts: { error: 0, warning: 0, notice: 0 },
    groups: [],
    left: 0,
    listed: 4,
    types: [
      { type: "STANDARD", count: 3 },
      { type: "EC2_LINUX", count: 1 },
    ],
    knowsBindings: true,
    unread: 0,
    why: null,
    ...change,
  };
}

function tell(mode: Mode, document: DocumentReport, more: EntriesReport, cluster: Cluster = aCluster()): string {
  return textOfBlocks(checkAnswer(cluster, { type: "looked", mode, document, entries: more, bindings: none }));
}

const none = { type: "none" } as const;
const inOrder = () => checked({ mapRoles: roleEntry(developers) }, { writers: [] });

describe("check of a cluster that uses aws-auth alone", () => {
  test("shows each kind of problem with its lines and its remedy, what room is left, and who else writes", () => {
    const path = roleEntry("arn:aws:iam::111122223333:role/team/developers");
    const mapRoles = `${roleEntry(developers, ["system:masters"])}${path}${path}`;

    expect(tell("CONFIG_MAP", checked({ mapRoles }), none)).toMatchInlineSnapshot(`
      "*Who gets in to \`staging\`* \`CONFIG_MAP\`: only aws-auth counts
      *aws-auth of \`staging\`* ✗ 2 errors, 1 warning, 1 notice
      3 entries; 1 KiB of 1,024 KiB (99 % left)
      ✗ *\`arn-path\`* \`mapRoles line 4, mapRoles line 7\`
      This entry matches no caller. Write the role without its path. (the first of 2)
            → Remove the entry: another one maps \`arn:aws:iam::111122223333:role/developers\`.
      :warning: *\`entry-shadowed\`* \`mapRoles line 4\`
      This entry for \`arn:aws:iam::111122223333:role/team/developers\` has no effect: line 7 of mapRoles replaces it.
            → Keep one entry, with all groups.
      – *\`masters\`* \`mapRoles line 3\`
      \`arn:aws:iam::111122223333:role/developers\` is in \`system:masters\`.
            → Bind a group to cluster-admin instead.
      May revert changes: \`terraform\` (\`mapRoles\`)"
    `);
  });

  test("says in one line that the document is in order", () => {
    expect(tell("CONFIG_MAP", inOrder(), none)).toMatchInlineSnapshot(`
      "*Who gets in to \`staging\`* \`CONFIG_MAP\`: only aws-auth counts
      *aws-auth of \`staging\`* ✓ nothing to fix
      1 entry; 1 KiB of 1,024 KiB (99 % left)"
    `);
  });

  test("says that the document is about to go, or may not be written", () => {
    expect(tell("CONFIG_MAP", checked({}, { isBeingDeleted: true }), none)).toContain("It is being deleted.");
    expect(tell("CONFIG_MAP", checked({}, { knowsBindings: false }), none)).toContain("Not checked: unbound groups.");
    expect(tell("CONFIG_MAP", checked({}, { immutable: true }), none)).toContain("It is immutable");
  });

  test.each([
    [true, "The first lease creates it."],
    [false, "Ask an operator to create it."],
  ])("says what follows from an absent document, createAwsAuth %s", (createAwsAuth, words) => {
    expect(tell("CONFIG_MAP", { type: "absent" }, none, aCluster({ createAwsAuth }))).toContain(words);
  });
});

describe("check of a cluster that knows access entries", () => {
  test("shows them first where they override aws-auth, how many of which type, and what is wrong with them", () => {
    const places = [developers];
    const message = `The access entry of ${developers} has neither groups nor access policies.`;
    const group = { code: "entry-without-rights", severity: "warning", count: 1, places, message } as const;
    const found = entries({
      counts: { error: 0, warning: 1, notice: 0 },
      groups: [{ ...group, remedy: "Delete it." }],
    });

    expect(tell("API_AND_CONFIG_MAP", inOrder(), found)).toMatchInlineSnapshot(`
      "*Who gets in to \`staging\`* \`API_AND_CONFIG_MAP\`: access entries count first, then aws-auth
      *access entries of \`staging\`* ✓ 1 warning
      4 access entries: 3 \`STANDARD\`, 1 \`EC2_LINUX\`
      :warning: *\`entry-without-rights\`* \`arn:aws:iam::111122223333:role/developers\`
      The access entry of \`arn:aws:iam::111122223333:role/developers\` has neither groups nor access policies.
            → Delete it.
      *aws-auth of \`staging\`* ✓ nothing to fix
      1 entry; 1 KiB of 1,024 KiB (99 % left)"
    `);
  });

  test("shows both verdicts to the person who gets the text alone", () => {
    const message = checkAnswer(aCluster(), {
      ...{ type: "looked", mode: "API_AND_CONFIG_MAP", document: inOrder(), entries: entries(), bindings: none },
    });

    expect(message.text.split("\n")).toEqual([
      "Who gets in to `staging` `API_AND_CONFIG_MAP`: access entries count first, then aws-auth",
      "access entries of `staging` ✓ nothing to fix",
      "4 access entries: 3 `STANDARD`, 1 `EC2_LINUX`",
      "aws-auth of `staging` ✓ nothing to fix",
      "1 entry; 1 KiB of 1,024 KiB (99 % left)",
    ]);
  });

  test("says in one clause that no one reads the document where they alone count", () => {
    expect(tell("API", checked({}, { writers: [], immutable: true }), entries())).toMatchInlineSnapshot(`
      "*Who gets in to \`staging\`* \`API\`: only access entries count; aws-auth is not read
      *access entries of \`staging\`* ✓ nothing to fix
      4 access entries: 3 \`STANDARD\`, 1 \`EC2_LINUX\`
      *aws-auth of \`staging\`* ✓ nothing to fix
      0 entries; 0 KiB of 1,024 KiB (100 % left)
      :warning: This cluster does not read aws-auth."
    `);
    expect(tell("API", { type: "absent" }, entries())).toContain("and does not need one.");
    expect(tell("API", { type: "absent" }, entries())).not.toContain("✗");
  });

  test("shows how many were not read and why, and does not call fine what no one read", () => {
    const why = "The worker asks about at most 500.";

    const text = tell("API", inOrder(), entries({ listed: 3_000, unread: 2_996, why }));

    expect(text).toContain(
      "– nothing to fix in what the worker read\n3000 access entries: 3 `STANDARD`, 1 `EC2_LINUX` of the 4",
    );
    expect(text).toContain(`:warning: Couldn't read 2996 of 3000. ${why}`);
  });

  test("shows why they could not be read, with the remedy, and the document all the same", () => {
    const message = "AWS refused eks:ListAccessEntries. Give the role the statements of deploy/iam.";

    const text = tell("API_AND_CONFIG_MAP", inOrder(), { type: "failed", message });

    expect(text).toContain(`:warning: Couldn't read *access entries of \`staging\`*. ${message}`);
    expect(text).toContain("*aws-auth of `staging`* ✓ nothing to fix");
  });

  test("shows why the document could not be read, and the entries all the same", () => {
    const text = tell("API", { type: "failed", message: "The API server does not know us." }, entries());

    expect(text).toContain(
      "Couldn't read *aws-auth of `staging`*. The API server does not know us. This cluster does not read aws-auth.",
    );
    expect(text).toContain("4 access entries: 3 `STANDARD`");
  });

  test("says that groups without a binding are not reported where RBAC could not be asked", () => {
    expect(tell("API", inOrder(), entries({ knowsBindings: false }))).toContain("Not checked: unbound groups");
  });
});

describe("check of a cluster whose levels bind roles", () => {
  const tellOf = (bindings: BindingsReport, mode: Mode = "CONFIG_MAP", more: EntriesReport = none) =>
    textOfBlocks(checkAnswer(aCluster(), { type: "looked", mode, document: inOrder(), entries: more, bindings }));
  const fine = { counts: { error: 0, warning: 0, notice: 0 }, groups: [], left: 0 };

  test("shows the bindings of leases first, and what is wrong with them", () => {
    const message = "`r-7f3k` is active, but its access is missing: the ClusterRole view is gone.";
    const group = { code: "binding-missing", severity: "error", count: 1, places: ["r-7f3k"], message } as const;
    const counts = { error: 1, warning: 0, notice: 0 };

    const text = tellOf(
      { type: "checked", bindings: 2, counts, groups: [{ ...group, remedy: "Create it." }], left: 0 },
      "API",
      entries(),
    );

    expect(text).toMatchInlineSnapshot(`
      "*Who gets in to \`staging\`* \`API\`: only access entries count; aws-auth is not read
      *bindings of \`staging\`* ✗ 1 error
      2 bindings of leases
      ✗ *\`binding-missing\`* \`r-7f3k\`
      \`r-7f3k\` is active, but its access is missing: the ClusterRole view is gone.
            → Create it.
      *access entries of \`staging\`* ✓ nothing to fix
      4 access entries: 3 \`STANDARD\`, 1 \`EC2_LINUX\`
      *aws-auth of \`staging\`* ✓ nothing to fix
      1 entry; 1 KiB of 1,024 KiB (99 % left)
      :warning: This cluster does not read aws-auth."
    `);
  });

  test("counts them if nothing is wrong, also none and one alone", () => {
    const texts = [0, 1, 2].map((bindings) => tellOf({ type: "checked", ...fine, bindings }).split("\n"));

    expect(texts.map(([, verdict]) => verdict)).toEqual(Array(3).fill("*bindings of `staging`* ✓ nothing to fix"));
    expect(texts.map(([, , count]) => count)).toEqual([
      "0 bindings of leases",
      "1 binding of leases",
      "2 bindings of leases",
    ]);
  });

  test("says nothing of bindings where no level has any", () => {
    expect(tellOf(none)).not.toContain("bindings of");
  });

  test("says why they could not be read, and shows the document all the same", () => {
    const message = "The API server refused to list RoleBindings. Give the operator that right.";

    const text = tellOf({ type: "failed", message });

    expect(text).toContain(`:warning: Couldn't read *bindings of \`staging\`*. ${message}`);
    expect(text).toContain("*aws-auth of `staging`* ✓ nothing to fix");
  });

  test("says how many problems of other kinds it does not show, and no command for them", () => {
    const text = tellOf({
      type: "checked",
      ...fine,
      counts: { error: 0, warning: 7, notice: 0 },
      left: 7,
      bindings: 9,
    });

    expect(text).toContain("*bindings of `staging`* ✓ 7 warnings\n9 bindings of leases");
    expect(text).toContain("\n7 problems of other kinds not shown.\n");
  });
});

describe.each(["&".repeat(20_000), "`&&&&`, ".repeat(5_000)])(
  "Slack takes a check with the longest texts, %#:",
  (long) => {
    const groupsOf = (count: number) =>
      Array.from({ length: count }, () => {
        const places = Array.from({ length: 10 }, () => long);
        return { code: long, severity: "error", count: 5_000, places, message: long, remedy: long } as const;
      });
    const many = { counts: { error: 60_000, warning: 1, notice: 1 }, left: 1_234 };
    const longWriters = Array.from({ length: 6 }, () => ({ manager: long, sections: [long, long, long] }));
    const cluster = aCluster({ name: "c".repeat(63) });
    const documentOf = (count: number) =>
      checked({}, { ...many, groups: groupsOf(count), writers: longWriters, immutable: true, isBeingDeleted: true });

    test("the most problems of a document, and how many are left out is reported", () => {
      const { blocks } = checkAnswer(cluster, {
        ...{ type: "looked", mode: "CONFIG_MAP", document: documentOf(11), entries: none, bindings: none },
      });

      expect(problemsOf(blocks)).toEqual([]);
      expect(lengthOfText(blocks)).toBeLessThan(longestText);
      expect(textOfBlocks({ blocks })).toContain("1234 problems of other kinds not shown");
    });

    test.each(["API", "API_AND_CONFIG_MAP"] as const)(
      "the most of 3,000 entries beside a document in mode %s",
      (mode) => {
        const types = Array.from({ length: 20 }, () => ({ type: long, count: 150 }));
        const unread = { listed: 3_000, unread: 2_500, why: long, knowsBindings: false };
        const found = entries({ ...many, groups: groupsOf(7), types, ...unread });

        const { blocks } = checkAnswer(cluster, {
          type: "looked",
          mode,
          document: documentOf(11),
          entries: found,
          bindings: none,
        });

        expect(problemsOf(blocks)).toEqual([]);
        expect(lengthOfText(blocks)).toBeLessThan(longestText);
        expect(textOfBlocks({ blocks })).toContain("Couldn't read 2500 of 3000.");
        expect(textOfBlocks({ blocks })).toContain(`${1_234 + 8 * 5_000} problems of other kinds not shown; `);
      },
    );

    test("the most of bindings beside those of the entries and a document", () => {
      const bindings = { type: "checked", bindings: 5_000, ...many, groups: groupsOf(5) } as const;
      const found = entries({ ...many, groups: groupsOf(7) });
      const failed = { type: "failed", message: long } as const;

      for (const [each, shown] of [
        [{ document: documentOf(11), entries: found, bindings }, "5000 bindings of leases"],
        [{ document: documentOf(11), entries: none, bindings }, "5000 bindings of leases"],
        [{ document: failed, entries: failed, bindings: failed }, "Couldn't read *bindings of"],
      ] as const) {
        const { blocks } = checkAnswer(cluster, { type: "looked", mode: "API_AND_CONFIG_MAP", ...each });

        expect(problemsOf(blocks)).toEqual([]);
        expect(lengthOfText(blocks)).toBeLessThan(longestText);
        expect(textOfBlocks({ blocks })).toContain(shown);
      }
    });

    test("reasons why the entries, or neither, could be read", () => {
      const failed = { type: "failed", message: long } as const;

      for (const document of [failed, documentOf(11)]) {
        const { blocks } = checkAnswer(cluster, {
          type: "looked",
          mode: "API",
          document,
          entries: failed,
          bindings: none,
        });

        expect(problemsOf(blocks)).toEqual([]);
        expect(lengthOfText(blocks)).toBeLessThan(longestText);
      }
    });
  },
);
