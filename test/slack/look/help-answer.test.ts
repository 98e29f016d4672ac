import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { commands } from "../../../src/slack/app/commands.ts";
import { helpAnswer, unknownCommandAnswer } from "../../../src/slack/look/help.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const nobody = { approves: [], onCall: [], emergency: false };

describe("the help", () => {
  const line = ({ word, usage, summary }: (typeof commands)[number]) =>
    `\`${`/eks-access ${word} ${usage}`.trim()}\` ${summary}`;
  const textFor = (role: Parameters<typeof helpAnswer>[1]) =>
    textOfBlocks(helpAnswer(commands, role)).replaceAll("&lt;", "<").replaceAll("&gt;", ">");

  test("names every command to an approver, with what can follow it and what it does", () => {
    const text = textFor({ approves: ["staging"], onCall: ["production"], emergency: true });

    expect(commands.filter((each) => !text.includes(line(each))).map(({ word }) => word)).toEqual([]);
    expect(text).toContain("You can approve on `staging`.");
    expect(text).toContain("You are on call for `production`.");
    expect(text).toContain(
      "[Ask for access] [My requests] [Waiting for a decision] [Active access] [Emergency access]",
    );
  });

  test("keeps from others what only approvers can use", () => {
    const text = textFor(nobody);

    expect(text).toContain("/eks-access request");
    expect(text).not.toContain("/eks-access approve");
    expect(text).not.toContain("/eks-access deny");
    expect(text).not.toContain("break-glass");
    expect(text).toMatch(/\[Ask for access\] \[My requests\]\n/);
  });

  test("is three lines and buttons at first, and all commands on demand", () => {
    const { blocks } = helpAnswer([], { approves: ["staging"], onCall: ["production"], emergency: false });

    const [lines = "", buttons = "", ...more] = textOfBlocks({ blocks }).split(/\n(?=\[)/);
    expect(lines.split("\n")).toHaveLength(3);
    expect(buttons).toMatch(/^\[Ask for access\] .* \[All commands\]$/);
    expect(more).toEqual([]);
  });

  test("is something that Slack takes, also for the person who answers for a thousand clusters", () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `c${index}`.padEnd(63, "x"));
    const { blocks } = helpAnswer([...commands, ...commands, ...commands], {
      approves: many,
      onCall: many,
      emergency: true,
    });

    expect(problemsOf(blocks)).toEqual([]);
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
  });
});

describe("a word that is no command", () => {
  test("is answered with the one that was meant, in the whole line to copy", () => {
    const { text } = unknownCommandAnswer("reqest", "request", "staging arn:aws:iam::111122223333:role/x viewer why");

    expect(text).toBe(
      "There is no command `reqest`. Did you mean `request`? Copy this line:\n" +
        "```/eks-access request staging arn:aws:iam::111122223333:role/x viewer why```",
    );
  });

  test("without a near one has a button for all commands", () => {
    expect(textOfBlocks(unknownCommandAnswer("foo", null, ""))).toContain("[All commands]");
  });

  test("can format nothing and mention no one", () => {
    expect(unknownCommandAnswer("<!channel>`x", null, "").text).toBe(
      'There is no command `"&lt;!channel&gt;\\u0060x"`. See `/eks-access help`.',
    );
    expect(unknownCommandAnswer("lst", "list", "<!channel> ```").text).not.toContain("<!channel>");
  });

  test("of thousands of characters is answered with something that Slack takes", () => {
    const { blocks } = unknownCommandAnswer("&".repeat(5_000), "request", "<".repeat(5_000));

    expect(problemsOf(blocks)).toEqual([]);
  });
});
