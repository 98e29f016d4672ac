import { expect, test } from "vitest";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import { summarize } from "../../../src/diagnosis/check.ts";
import { lengthOfText, longestText, problemsOf } from "../../../src/sandbox/slack/block-limits.ts";
import { absentAnswer, type CheckedDocument, checkAnswer } from "../../../src/slack/messages/check-answer.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { developers, roleEntry } from "../../builders/why-facts.ts";
import { textOfBlocks } from "./text-of-blocks.ts";

const writers = [{ manager: "terraform", time: null, dataKeys: ["mapRoles"] }];

function checked(data: Readonly<Record<string, string>>, change: Partial<CheckedDocument> = {}): CheckedDocument {
  return {
    ...summarize(parseDocument(data), writers),
    immutable: false,
    isBeingDeleted: false,
    isRead: true,
    ...change,
  };
}

test("check tells each kind of problem with its lines and its remedy, what room is left, and who else writes", () => {
  const path = roleEntry("arn:aws:iam::111122223333:role/team/developers");
  const mapRoles = `${roleEntry(developers, ["system:masters"])}${path}${path}`;

  expect(textOfBlocks(checkAnswer(aCluster(), checked({ mapRoles })))).toMatchInlineSnapshot(`
    "*aws-auth of \`staging\`* ✗ 2 errors, 1 warning, 1 notice
    3 entries; 1 KiB of 1,024 KiB, so that 99 % are left
    ✗ *\`arn-path\`* \`mapRoles line 4, mapRoles line 7\`
    This entry matches nobody. A role must be written without its path: the authenticator never sees the path. (the first of 2)
          → Write \`arn:aws:iam::111122223333:role/developers\`.
    :warning: *\`entry-shadowed\`* \`mapRoles line 4\`
    This entry for \`arn:aws:iam::111122223333:role/team/developers\` counts for nothing: the one in mapRoles, line 7, takes its place, and nothing is merged.
          → Keep one entry for each ARN, with all its groups.
    – *\`masters\`* \`mapRoles line 3\`
    \`arn:aws:iam::111122223333:role/developers\` is in \`system:masters\`: it may do everything, and no RBAC rule can take that away.
          → Bind a group to cluster-admin instead, where that is enough.
    Others who wrote here, and may again: \`terraform\` (\`mapRoles\`)"
  `);
});

test("check of a document in order says so in one line", () => {
  const message = checkAnswer(aCluster(), { ...checked({ mapRoles: roleEntry(developers) }), writers: [] });

  expect(textOfBlocks(message)).toMatchInlineSnapshot(`
    "*aws-auth of \`staging\`* ✓ nothing to mend
    1 entry; 1 KiB of 1,024 KiB, so that 99 % are left"
  `);
});

test("check says that the document is about to go", () => {
  const message = checkAnswer(aCluster(), { ...checked({}), isBeingDeleted: true });

  expect(textOfBlocks(message)).toContain("Somebody has deleted it, and only its finalizers keep it");
});

test("check says that nobody reads or may write the document", () => {
  const message = checkAnswer(aCluster(), { ...checked({}), isRead: false, immutable: true });

  expect(textOfBlocks(message)).toContain("the cluster does not read this document.");
  expect(textOfBlocks(message)).toContain("It is immutable");
});

test.each([
  [true, "The first grant creates it."],
  [false, "Nobody but the creator can sign in through it."],
])("check of a cluster without the document says what comes of it, createAwsAuth %s", (createAwsAuth, words) => {
  expect(absentAnswer(aCluster({ createAwsAuth })).text).toContain(words);
});

test.each(["&".repeat(20_000), "`&&&&`, ".repeat(5_000)])(
  "Slack takes a check with the most and the longest problems, and how many are left out is told: %#",
  (long) => {
    const group = { code: long, severity: "error", count: 5_000, message: long, remedy: long } as const;
    const groups = Array.from({ length: 12 }, () => ({ ...group, places: Array.from({ length: 10 }, () => long) }));
    const counts = { error: 60_000, warning: 1, notice: 1 };
    const many = {
      groups,
      counts,
      left: 1_234,
      writers: Array.from({ length: 6 }, () => ({ manager: long, sections: [long, long, long] })),
    };

    const { blocks } = checkAnswer(aCluster({ name: "c".repeat(63) }), { ...checked({}), ...many });

    expect(problemsOf(blocks)).toEqual([]);
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
    expect(textOfBlocks({ blocks })).toContain("1234 problems of other kinds left out here");
  },
);
