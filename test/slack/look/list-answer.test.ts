import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { type ListContent, listAnswer, noSuchListAnswer, rowsInPage } from "../../../src/slack/look/list.ts";
import { aPlannedMigration, theLongestMigration } from "../../builders/a-migration.ts";
import { aLeasedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const content = (change: Partial<ListContent>): ListContent => ({
  view: { kind: "mine" },
  rows: [],
  offset: 0,
  total: change.rows?.length ?? 0,
  migrations: [],
  seesOthers: false,
  ...change,
});

const trouble = {
  ...{ code: "aws-throttled", message: "EKS asks to wait.", attempts: 2 },
  ...{ at: at(0).toISOString(), retryAt: at(60).toISOString(), causes: [] },
};

describe("a list", () => {
  test("has a row for each request, with the buttons that this reader may use", () => {
    const rows = [
      { request: aPreviewedRequest({ id: "r-1", requester: "U0ONCALL" }), acts: ["approve", "deny"] as const },
      { request: aPreviewedRequest({ id: "r-2" }), acts: ["cancel"] as const },
      { request: aLeasedRequest({}, { id: "r-3" }), acts: ["extend", "revoke"] as const },
      { request: aLeasedRequest({ state: "ended" }, { id: "r-4" }), acts: [] },
    ];

    expect(textOfBlocks(listAnswer(content({ rows, seesOthers: true })))).toMatchSnapshot();
  });

  test("tells a screen reader what each button is about, after its visible label", () => {
    const rows = [
      { request: aPreviewedRequest({ id: "r-1" }), acts: ["cancel"] as const },
      { migration: aPlannedMigration({ id: "r-2" }), acts: ["approve"] as const },
      { request: aPreviewedRequest({ id: "r-3", cluster: "c".repeat(100) }), acts: [] },
    ];
    const labels = listAnswer(content({ rows })).blocks.flatMap((block) =>
      block.type === "actions"
        ? block.elements.flatMap((each) => ("value" in each ? (each.accessibility_label ?? []) : []))
        : [],
    );

    expect(labels).toEqual([
      ...["Details: viewer on staging, r-1", "Cancel: viewer on staging, r-1", "Details: staging, r-2"],
      `Details: viewer on ${"c".repeat(55)}…`,
    ]);
  });

  test.each<[string, Partial<ListContent>]>([
    ["*Your requests*: none", { view: { kind: "mine" } }],
    ["*Your requests waiting for a decision*: none", { view: { kind: "pending" } }],
    ["*Requests waiting for a decision*: none", { view: { kind: "pending" }, seesOthers: true }],
    ["*Your active access*, ending soonest first: none", { view: { kind: "active" } }],
    ["*Requests for `staging`*: none", { view: { kind: "cluster", cluster: "staging" }, seesOthers: true }],
    ["*Your requests for `staging`*: none", { view: { kind: "cluster", cluster: "staging" } }],
    ["*Your requests and migrations*: none", { view: { kind: "mine" }, migrations: [{ kind: undefined }] }],
    ["*Your requests and repairs*: none", { view: { kind: "mine" }, migrations: [{ kind: "repair" }] }],
    [
      "*Your requests, migrations and repairs*: none",
      { view: { kind: "mine" }, migrations: [{ kind: "repair" }, { kind: undefined }, { kind: "repair" }] },
    ],
    [
      "*Your requests and migrations waiting for a decision*: none",
      { view: { kind: "pending" }, migrations: [{ kind: undefined }] },
    ],
    [
      "*Your active access and migrations*, ending soonest first: none",
      { view: { kind: "active" }, migrations: [{ kind: undefined }] },
    ],
    [
      "*Your requests and migrations for `staging`*: none",
      { view: { kind: "cluster", cluster: "staging" }, migrations: [{ kind: undefined }] },
    ],
  ])("says what it holds: %s", (title, change) => {
    expect(textOfBlocks(listAnswer(content(change))).split("\n")[0]).toBe(title);
  });

  test.each([
    [0, 20, "1 to 1 of 20", "[Next →]"],
    [8, 20, "9 to 9 of 20", "[← Previous] [Next →]"],
    [19, 20, "20 to 20 of 20", "[← Previous]"],
  ])("from row %d of %d on says where it is, and turns its pages", (offset, total, where, buttons) => {
    const rows = [{ request: aPreviewedRequest(), acts: [] }];

    const text = textOfBlocks(listAnswer(content({ rows, offset, total })));

    expect(text).toContain(where);
    expect(text.split("\n").at(-1)).toMatch(new RegExp(`^${buttons.replace(/[[\]]/g, "\\$&")} \\[Pending\\]`));
  });

  test("has a row for each migration, with this reader's buttons", () => {
    const rows = [
      { migration: aPlannedMigration(), acts: ["approve", "deny", "stop"] as const },
      {
        migration: aPlannedMigration({ id: "migration-dev-3", cluster: "dev", state: "running", trouble }),
        acts: ["retry"] as const,
      },
    ];

    expect(
      textOfBlocks(listAnswer(content({ rows, migrations: [{ kind: undefined }, { kind: undefined }] }))),
    ).toMatchInlineSnapshot(`
      "*Your requests and migrations*: 2
      *Migration of \`staging\` to access entries* (\`migration-staging-1\`), asked by <@U0ONCALL>. Expires <!date^1772442000^{date_short_pretty} {time}|2026-03-02 09:00:00 UTC>
      Waiting for 2 different approvers
      [Review] [Stop]
      *Migration of \`dev\` to access entries* (\`migration-dev-3\`), asked by <@U0ONCALL>
      Running: 0 of 3 steps
      :warning: Next try: <!date^1772355660^{date_short_pretty} {time}|2026-03-01 09:01:00 UTC>.
      >EKS asks to wait.
      [Details] [Try again]
      [Pending] [Active] [Ask for access]"
    `);
  });

  test("keeps the values of a long failure whole, and says when it is tried again", () => {
    const message = `EKS refused it. Look at ${"`a value to copy` ".repeat(40)}`;
    const trouble = {
      code: "x",
      message,
      at: at(0).toISOString(),
      attempts: 1,
      retryAt: at(60).toISOString(),
      causes: [],
    };
    const rows = [{ migration: aPlannedMigration({ state: "running", trouble }), acts: [] }];

    const text = textOfBlocks(listAnswer(content({ rows, migrations: [{ kind: undefined }] })));

    expect(text.split("`").length % 2).toBe(1);
    expect(text).toMatch(/Next try: \S/);
  });

  test("of the longest migrations fits Slack's limits", () => {
    const acts = ["approve", "deny", "retry", "stop"] as const;
    const begun = { name: "n".repeat(600), at: at(0).toISOString(), place: { cluster: "", seal: "" } };
    const rows = Array.from({ length: rowsInPage }, (_, index) => ({
      migration: theLongestMigration({ id: `migration-${"c".repeat(63)}-${index}`, state: "running", begun }),
      acts,
    }));
    const { blocks } = listAnswer(
      content({ rows, offset: 8, total: 10_000, migrations: Array(99).fill({ kind: undefined }) }),
    );

    expect(problemsOf(blocks)).toEqual([]);
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
  });

  test("of the longest requests, a page of them, is something that Slack takes", () => {
    const longest = Object.values(longestStates);

    for (let from = 0; from < longest.length; from += 1) {
      const rows = Array.from({ length: rowsInPage }, (_, index) => ({
        request: { ...(longest[(from + index) % longest.length] ?? aPreviewedRequest()), id: `r-${index}` },
        acts: ["approve", "deny", "cancel", "extend", "revoke"] as const,
      }));
      const view = { kind: "cluster", cluster: "c".repeat(63) } as const;
      const { blocks } = listAnswer(content({ view, rows, offset: 8, total: 10_000 }));

      expect(problemsOf(blocks)).toEqual([]);
      expect(lengthOfText(blocks)).toBeLessThan(longestText);
    }
  });
});

test("a word that is no list gets the list of what there is, and can format nothing", () => {
  expect(noSuchListAnswer("pendign", "pending").text).toBe(
    "There is no cluster `pendign`. `/eks-access list` takes `mine`, `pending`, `active` or a cluster. Did you mean `/eks-access list pending`?",
  );
  expect(noSuchListAnswer("<!channel>", null).text).not.toContain("<!channel>");
  expect(problemsOf(noSuchListAnswer("&".repeat(5_000), null).blocks)).toEqual([]);
});
