import { describe, expect, test } from "vitest";
import { problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import type { Message } from "../../../src/slack/show/message.ts";
import {
  aLeasedRequest,
  anApprovedRequest,
  aPreview,
  aPreviewedRequest,
  aProof,
  changed,
} from "../../builders/a-request.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import {
  cardCluster as cluster,
  clusterAdmin,
  everyWarning,
  kinds,
  longest,
  openCards,
  reason,
  role,
  settledCards,
} from "../../builders/cards.ts";
import { at, hours } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";
import { renderedLines } from "./rendered-lines.ts";

const lease = (id: string, end: number, group = "viewers") => ({
  id,
  groups: [group],
  endsAt: at(hours(end)).toISOString(),
});

/** The lines of a card's text, and the rows of its buttons. */
function sizeOf({ blocks }: Message): { readonly text: number; readonly all: number } {
  const texts = blocks.filter(({ type }) => type !== "actions");
  return { text: renderedLines(texts), all: renderedLines(blocks) };
}

/** Each card of a group, with how many lines one of them may have. */
const rowsOf = <Group extends string>(
  groups: Readonly<Record<Group, Readonly<Record<string, Message>>>>,
  most: Readonly<Record<Group, number>>,
) =>
  (Object.keys(groups) as Group[]).flatMap((group) =>
    Object.entries(groups[group]).map(([name, card]) => [group, name, card, most[group]] as const),
  );

describe("on a phone", () => {
  // The longest names that the configuration and AWS allow take up to ten lines alone.
  test.each(rowsOf(openCards, { usual: 12, long: 12, longest: 18 }))(
    "the whole card has no line too many while it waits, with %s names: %s",
    (_, __, card, most) => {
      expect(sizeOf(card).all, textOfBlocks(card)).toBeLessThanOrEqual(most);
      expect(problemsOf(card.blocks)).toEqual([]);
    },
  );

  // Long names come on top.
  test.each(rowsOf(settledCards, { usual: 3, namespaces: 3, longest: 6 }))(
    "after the decision few lines and the buttons are left, with %s names: %s",
    (_, __, card, most) => {
      expect(sizeOf(card).text, textOfBlocks(card)).toBeLessThanOrEqual(most);
      expect(card.blocks.filter(({ type }) => type === "actions")).toEqual([card.blocks.at(-1)]);
      expect(problemsOf(card.blocks)).toEqual([]);
    },
  );

  test("no card cuts the name of a level or a cluster, or who gets in", () => {
    const { level = "", cluster: name = "", principal = "" } = longest;
    const asked = changed(aPreviewedRequest({ preview: aPreview({ warnings: everyWarning }) }), longest);
    const [open, settled] = [asked, changed(anApprovedRequest(), longest)].map((each) =>
      textOfBlocks(approvalMessage(each, cluster)),
    );

    expect(open).toContain(`\`${level}\` on \`${name}\` in 10 namespaces`);
    expect(open).toContain(`Only \`${principal.slice(principal.lastIndexOf("/") + 1)}\``);
    expect(settled).toContain(`\`${level}\` on \`${name}\`\n>10 namespaces: `);
  });

  test("a decided card keeps its reason, however many namespaces it has", () => {
    const namespaces = "checkout,payments,shop-frontend-europe";

    const text = textOfBlocks(approvalMessage(aLeasedRequest({ state: "active" }, { namespaces, reason }), cluster));

    expect(text).toContain("`staging`\n>3 namespaces: The rollout of the");
  });

  test("an end that waits because an unanswered call can still arrive does not fail", () => {
    const request = aLeasedRequest({ state: "active" }, { trouble: aTrouble({ code: "access-entry-late" }) });

    const [, , last = ""] = textOfBlocks(approvalMessage(request, cluster)).split("\n");

    expect(last).toMatch(/^:warning: waiting; next try </);
  });

  test("what needs attention has the place of the reason, the gravest first, and a notification has all of it", () => {
    const proof = aProof({ signedIn: { result: "no", detail: "refused" } });
    const request = aLeasedRequest({ proof }, { principal: role, reason, trouble: aTrouble() });

    const message = approvalMessage(request, cluster);

    expect(textOfBlocks(message).split("\n")[2]).toBe(":warning: failing; 2 more in Details");
    expect(message.text).toContain("Warnings: failing, not signed in, everyone with the role gets in\n");
    expect(message.text).toContain("Everyone who can assume `platform-engineering-oncall` gets this.\n");
    expect(message.text).toContain("I can't work on `staging` now. Tried once; next try");
    expect(message.text).toContain(reason);
  });
});

test("calls an administrator by RBAC full control, and asks for a confirmation", () => {
  const request = aPreviewedRequest({ groups: ["a"], preview: aPreview({ rights: clusterAdmin }) });

  const message = approvalMessage(request, cluster);

  expect(textOfBlocks(message)).toContain("*Warnings*: full control");
  expect(JSON.stringify(message.blocks)).toContain("This gives full control of staging.");
});

test("says what a level gives in every namespace, however much it gives in the chosen ones", () => {
  const view = { group: "a", role: "ClusterRole view", where: "in every namespace", allows: "read pods, pods/log" };
  const edit = {
    group: "a",
    role: "ClusterRole edit",
    where: "in default",
    allows: "read and change secrets, pods/exec",
  };
  const rights = [edit, view];
  const textWith = (warnings: readonly string[], names = {}) => {
    const request = aPreviewedRequest({ groups: ["a"], preview: aPreview({ rights, warnings }) });
    return textOfBlocks(approvalMessage(changed(request, names), cluster));
  };

  expect(textWith([])).toContain("\nAllows in default: read and change secrets, …; in every namespace: read pods, …\n");
  expect(textWith(everyWarning, longest)).toMatch(/^Allows in every namespace: read .*$/m);
});

test("says what a level gives in chosen namespaces, however long their names are", () => {
  const namespaces = "payments-and-settlements-eu-central-1,shop";
  const rights = [
    { group: "a", role: "ClusterRole view", where: `in ${namespaces.replace(",", ", ")}`, allows: "read pods" },
  ];

  const { blocks, text } = approvalMessage(aPreviewedRequest({ namespaces, preview: aPreview({ rights }) }), cluster);

  expect(textOfBlocks({ blocks })).toContain("in 2 namespaces*");
  expect(textOfBlocks({ blocks })).toContain("\nAllows there: read pods\n");
  expect(text).toContain("Allows in payments-and-settlements-eu-central-1, shop: read pods");
});

test("each thing at which an approver must stop has its word on the card", () => {
  const request = aPreviewedRequest({
    ...kinds["of everything at once"],
    voided: { by: ["U0APPROVER"], message: "x" },
  });

  const text = textOfBlocks(approvalMessage(request, cluster));

  expect(text).toContain(
    "*Warnings*: full control, no end date, shared role, other leases, an approval no longer counts, first time, not own identity",
  );
});

test.each<[string, number, boolean, ...{ id: string; groups: string[]; endsAt: string }[]]>([
  ["the lease that it extends, and an earlier one of it", 9, false, lease("r-a", 2), lease("r-b", 5)],
  ["one that gives more", 9, true, lease("r-a", 2), lease("r-c", 2, "admins")],
  ["one that lasts longer", 4, true, lease("r-a", 2), lease("r-c", 5)],
])(
  "the card of an extension counts as other leases what the extension does not give: %s",
  (_, end, warns, ...leases) => {
    const request = aPreviewedRequest({
      groups: ["viewers"],
      extends: "r-a",
      until: at(hours(end)).toISOString(),
      preview: aPreview({ leases, diff: "" }),
    });

    expect(textOfBlocks(approvalMessage(request, cluster)).includes("other leases")).toBe(warns);
  },
);

test("a warning that has no word is shown by its first words", () => {
  const preview = aPreview({ warnings: ["`x: y` is strange in many ways that take a long sentence to explain"] });

  const text = textOfBlocks(approvalMessage(aPreviewedRequest({ preview }), cluster));

  expect(text).toContain("*Warnings*: `x: y` is strange in many ways that take a");
});
